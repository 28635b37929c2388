"""Further measures: calibration, scores by kind of text, and the most confident mistakes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from lstm.data import Row
from lstm.labels import LABELS
from lstm.scores import macro_recall

CALIBRATION_BINS = 10
WORST_MISTAKES = 20

_WORD = re.compile(r"\w+(?:['’]\w+)?")
_NEGATION = re.compile(r"\b(?:not|no|never|nobody|nothing|none|cannot|without)\b|n['’]t\b", re.I)
_EMOJI = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")
_HASHTAG = re.compile(r"#\w")
_ELONGATION = re.compile(r"([a-z])\1\1", re.I)
SHORT_WORDS, LONG_WORDS = 8, 20


def _words(text: str) -> int:
    return len(_WORD.findall(text))


SLICES = {
    "negation": lambda text: bool(_NEGATION.search(text)),
    "emoji": lambda text: bool(_EMOJI.search(text)),
    "hashtags": lambda text: bool(_HASHTAG.search(text)),
    "elongation": lambda text: bool(_ELONGATION.search(text)),
    f"up to {SHORT_WORDS} words": lambda text: _words(text) <= SHORT_WORDS,
    f"{SHORT_WORDS + 1} to {LONG_WORDS} words": lambda text: (
        SHORT_WORDS < _words(text) <= LONG_WORDS
    ),
    f"over {LONG_WORDS} words": lambda text: _words(text) > LONG_WORDS,
}


def calibration(truth: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    """Expected calibration error (Guo et al., 2017) over ten equal bins of the probability of the
    model's answer: the difference of confidence and accuracy, weighted by rows."""
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    # A probability of 1 belongs to the last bin.
    of_bin = np.minimum((sure * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    bins = []
    for index in range(CALIBRATION_BINS):
        members = of_bin == index
        if members.any():
            bins.append(
                {
                    "from": index / CALIBRATION_BINS,
                    "to": (index + 1) / CALIBRATION_BINS,
                    "rows": int(members.sum()),
                    "confidence": min(1.0, float(sure[members].mean())),
                    "accuracy": float(right[members].mean()),
                }
            )
    error = sum(one["rows"] * abs(one["confidence"] - one["accuracy"]) for one in bins)
    return {"expected_error": error / len(truth), "bins": bins}


def by_slice(
    rows: list[Row], truth: np.ndarray, answers: dict[str, np.ndarray]
) -> list[dict[str, Any]]:
    """Accuracy of each system on each kind of text; macro recall where every class occurs."""
    found = []
    for name, belongs in SLICES.items():
        members = np.array([belongs(row.text) for row in rows], dtype=bool)
        complete = all((truth[members] == label).any() for label in range(len(LABELS)))
        found.append(
            {
                "name": name,
                "rows": int(members.sum()),
                "systems": {
                    system: {
                        "accuracy": float((own[members] == truth[members]).mean())
                        if members.any()
                        else None,
                        "macro_recall": macro_recall(truth[members], own[members])
                        if complete
                        else None,
                    }
                    for system, own in answers.items()
                },
            }
        )
    return found


def worst_mistakes(
    rows: list[Row], truth: np.ndarray, probabilities: np.ndarray
) -> list[dict[str, Any]]:
    """The wrong answers with the highest probability. They name texts by hash only, so that erasing
    a text need not look here. (`evaluation.html` shows the texts.)"""
    answers = probabilities.argmax(axis=1)
    sure = probabilities.max(axis=1)
    wrong = np.flatnonzero(answers != truth)
    worst = wrong[np.argsort(-sure[wrong], kind="stable")][:WORST_MISTAKES]
    return [
        {
            "text_hash": rows[index].text_hash,
            "label": LABELS[truth[index]],
            "answer": LABELS[answers[index]],
            "probability": min(1.0, float(sure[index])),
        }
        for index in worst
    ]
