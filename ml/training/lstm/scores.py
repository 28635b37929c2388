"""Scores on held-out rows, and how sure a difference between two systems is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm.labels import LABELS

RESAMPLES = 2000
LEVEL = 0.95


def confusion(truth: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """(3, 3) int64: rows by true class, columns by answer."""
    size = len(LABELS)
    return np.bincount(truth * size + answers, minlength=size * size).reshape(size, size)


def _recalls(counts: np.ndarray) -> np.ndarray:
    """Recall per class, (..., 3), of counts (..., 3, 3); a class without rows scores 0."""
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    return right / np.maximum(counts.sum(axis=-1), 1)


def macro_recall(truth: np.ndarray, answers: np.ndarray) -> float:
    return float(_recalls(confusion(truth, answers)).mean())


def scores(truth: np.ndarray, answers: np.ndarray) -> dict[str, object]:
    """`Scores` of workflows/evaluation.ts."""
    counts = confusion(truth, answers)
    right = np.diagonal(counts)
    recalls = _recalls(counts)
    f1 = 2 * right / np.maximum(counts.sum(axis=0) + counts.sum(axis=1), 1)
    return {
        "macro_recall": float(recalls.mean()),
        "accuracy": float(right.sum() / len(truth)),
        "macro_f1": float(f1.mean()),
        "recall": {label: float(recalls[index]) for index, label in enumerate(LABELS)},
    }


@dataclass(frozen=True)
class Bootstrap:
    """The same resampled rows for every comparison: `draws` is (resamples, N), row numbers.

    Drawn within each true class: macro recall is a mean over classes, and a resample that happens
    to hold no row of a class would have none.
    """

    draws: np.ndarray

    @classmethod
    def over(cls, truth: np.ndarray, seed: int) -> Bootstrap:
        rng = np.random.default_rng(seed)
        members = [np.flatnonzero(truth == label) for label in range(len(LABELS))]
        drawn = [rng.choice(rows, (RESAMPLES, len(rows))) for rows in members if len(rows)]
        return cls(np.concatenate(drawn, axis=1))

    def difference(
        self, truth: np.ndarray, one: np.ndarray, other: np.ndarray
    ) -> dict[str, object]:
        """`Difference` of workflows/evaluation.ts: macro recall of `one` minus that of `other`."""
        gain = (one == truth).astype(float) - (other == truth).astype(float)
        per_class = []
        for label in range(len(LABELS)):
            drawn = truth[self.draws] == label
            per_class.append(
                (gain[self.draws] * drawn).sum(axis=1) / np.maximum(drawn.sum(axis=1), 1)
            )
        differences = np.mean(per_class, axis=0)
        low, high = np.quantile(differences, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return {
            "value": macro_recall(truth, one) - macro_recall(truth, other),
            "low": float(low),
            "high": float(high),
            "level": LEVEL,
            "resamples": RESAMPLES,
        }
