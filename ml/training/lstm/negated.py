"""Negated copies of labelled texts: what teaches the network that "not" turns a feeling.

Few texts negate the word that they feel with, so a network learns little from them. A copy is a
text of the training with one rated word, which agrees with its label, and a negation put before
that word. Its other words stay those of the corpus, which made-up sentences would not have.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from lstm import lexicon
from lstm.data import Row
from lstm.labels import INDEX_OF

NEGATIONS = (
    "not", "never", "no", "nobody", "nothing", "without", "don't", "didn't", "isn't", "wasn't",
)  # fmt: skip
# Words between a negation and the rated word, at most. It must be below `NEGATION_REACH`.
FURTHEST = 2
# A quarter of the lexicon's scale: of weaker words the opposite is not what people mean.
WEAKEST = 0.25
# Targets of the copies: "not good" is bad, but "not bad" is at best good.
GOOD_NEGATED = (1.0, 0.0, 0.0)
BAD_NEGATED = (0.05, 0.5, 0.45)

_WORD = re.compile(r"[A-Za-z']+")


def negated_copies(rows: list[Row], seed: int) -> list[tuple[str, tuple[float, float, float]]]:
    """The copies with their targets in the order of LABELS. A text's copy depends on its hash and
    `seed`, not on the other rows."""
    return [copy for row in rows for copy in _copy(row, random.Random(f"{seed} {row.text_hash}"))]


def _copy(row: Row, chance: random.Random) -> Iterator[tuple[str, tuple[float, float, float]]]:
    words = [(found.start(), found.group().lower()) for found in _WORD.finditer(row.text)]
    rated = [
        (place, valence)
        for place, (_, word) in enumerate(words)
        if (valence := lexicon.features(word)[0]) != 0
    ]
    if len(rated) != 1 or any(lexicon.negates(word) for _, word in words):
        return
    [(place, valence)] = rated
    meant = INDEX_OF["positive" if valence > 0 else "negative"]
    if row.label != meant or abs(valence) < WEAKEST:
        return
    start, _ = words[max(0, place - chance.randint(0, FURTHEST))]
    text = f"{row.text[:start]}{chance.choice(NEGATIONS)} {row.text[start:]}"
    yield text, GOOD_NEGATED if valence > 0 else BAD_NEGATED
