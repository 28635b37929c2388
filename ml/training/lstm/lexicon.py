"""The VADER lexicon: features of a word for the network, and the label of a text as a baseline.

etl/text/vader.py computes the scores, for the Spark job's labels too.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from vaderSentiment.vaderSentiment import BOOSTER_DICT, NEGATE

from etl.text import vader
from lstm.labels import INDEX_OF

NAME = "vader"
FEATURES = 4
MAX_VALENCE = 4.0

# The tokenizer's classes of emoticons and emoji, with VADER's valence of their commonest forms.
EMOTICON_VALENCE = {"<smile>": 2.0, "<heart>": 2.9, "<frown>": -2.0}

MORE_NEGATIONS = frozenset({"no", "nobody", "noone"})
# "Without a doubt", "no doubt" and "I don't doubt" negate nothing.
DOUBTS = frozenset({"doubt", "doubts"})


def words() -> set[str]:
    """Every entry of the lexicon, emoticons included."""
    return set(vader.analyzer().lexicon)


def features(token: str) -> tuple[float, float, float, float]:
    """The lexicon's features of a token: valence (-1 to 1), strength (0 to 1), booster (-1 dampens,
    1 boosts), negation (1; -1 takes one back: "without a doubt")."""
    valence = EMOTICON_VALENCE.get(token, vader.analyzer().lexicon.get(token, 0.0)) / MAX_VALENCE
    booster = BOOSTER_DICT.get(token, 0.0)
    return valence, abs(valence), float(np.sign(booster)), _negation(token)


def _negation(token: str) -> float:
    return -1.0 if token in DOUBTS else float(negates(token))


def negates(token: str) -> bool:
    """Whether a word negates words after it: VADER's negations, and three that its rules treat
    otherwise or lack. Contractions count as written with and without an apostrophe."""
    return token in NEGATE or token in MORE_NEGATIONS


def classify(texts: list[str]) -> np.ndarray:
    """The baseline's class indices, (N,), int64: the compound score at +-0.05."""
    return np.array([INDEX_OF[vader.label(vader.compound(text))] for text in texts], np.int64)


@cache
def emoji_by_feeling() -> dict[str, str]:
    """Emoji of one code point by class, `{"<smile>": "…", "<frown>": "…"}`: the sign of VADER's
    score of their description decides. Neutral emoji are left out."""
    feelings: dict[str, list[str]] = {"<smile>": [], "<frown>": []}
    for emoji, description in vader.emoji_words().items():
        # The lexicon file also has signs that are not emoji: ©, digits.
        if ord(emoji) < 0x2600:
            continue
        compound = vader.analyzer().compound(description)
        if vader.label(compound) != "neutral":
            feelings["<smile>" if compound > 0 else "<frown>"].append(emoji)
    return {name: "".join(sorted(emoji)) for name, emoji in feelings.items()}
