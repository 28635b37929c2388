"""What the VADER lexicon knows: about a word, for the network, and about a text, as the baseline.

Hutto & Gilbert (2014), "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social
Media Text", ICWSM; package vaderSentiment (MIT).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from vaderSentiment.vaderSentiment import BOOSTER_DICT, NEGATE, SentimentIntensityAnalyzer

from lstm.labels import NEGATIVE, NEUTRAL, POSITIVE

NAME = "vader"
FEATURES = 4
COMPOUND_THRESHOLD = 0.05  # the authors' own
# Its time grows with the square of a text's emoji, so it reads a text's beginning: as much as the
# serving tokenizer does (ml/serving/tokenizer.ts), as etl/lexicon.py does.
MAX_CHARACTERS = 2_000
MAX_VALENCE = 4.0

# Classes the tokenizer makes of emoticons and emoji; valences as VADER gives their commonest forms.
EMOTICON_VALENCE = {"<smile>": 2.0, "<heart>": 2.9, "<frown>": -2.0}


@cache
def _analyzer() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()


def words() -> set[str]:
    """Every entry of the lexicon, emoticons included."""
    return set(_analyzer().lexicon)


def features(token: str) -> tuple[float, float, float, float]:
    """What the lexicon says of a token: valence (-1 to 1), strength of feeling (0 to 1), booster
    (-1 dampens, 1 boosts), negation (0 or 1)."""
    valence = EMOTICON_VALENCE.get(token, _analyzer().lexicon.get(token, 0.0)) / MAX_VALENCE
    booster = BOOSTER_DICT.get(token, 0.0)
    negates = token in NEGATE or token == "no"
    return valence, abs(valence), float(np.sign(booster)), float(negates)


def classify(texts: list[str]) -> np.ndarray:
    """The baseline's class indices, (N,), int64: the compound score at +-0.05."""
    compound = np.array(
        [_analyzer().polarity_scores(text[:MAX_CHARACTERS])["compound"] for text in texts]
    )
    return np.where(
        compound >= COMPOUND_THRESHOLD,
        POSITIVE,
        np.where(compound <= -COMPOUND_THRESHOLD, NEGATIVE, NEUTRAL),
    ).astype(np.int64)


@cache
def emoji_by_feeling() -> dict[str, str]:
    """Single-code-point emoji by class, `{"<smile>": "…", "<frown>": "…"}`: the sign of VADER's
    score of the emoji's own description. Emoji without feeling are left out."""
    feelings: dict[str, list[str]] = {"<smile>": [], "<frown>": []}
    for emoji, description in _analyzer().emojis.items():
        # Without code points of the lexicon file's plain keys (©, digits), which are no emoji.
        if len(emoji) != 1 or ord(emoji) < 0x2600:
            continue
        compound = _analyzer().polarity_scores(description)["compound"]
        if abs(compound) >= COMPOUND_THRESHOLD:
            feelings["<smile>" if compound > 0 else "<frown>"].append(emoji)
    return {name: "".join(sorted(emoji)) for name, emoji in feelings.items()}
