"""Scores on held-out rows, and confidence intervals of scores and of differences."""

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
    """Bootstrap intervals of macro recall. Held-out rows are resampled within each true class:
    macro recall is a mean over classes, and so no resample lacks a class.

    Within a class only the number of right answers matters, so a resample's counts are drawn from a
    multinomial distribution instead of its rows: the same result, in less time.
    """

    seed: int
    level: float = LEVEL

    def difference(
        self, truth: np.ndarray, one: np.ndarray, other: np.ndarray
    ) -> dict[str, object]:
        """`Difference` of workflows/evaluation.ts: macro recall of `one` minus that of `other`.
        Paired: each resampled row has the answers of both systems."""
        gain = (one == truth).astype(int) - (other == truth).astype(int)
        low, high = self._interval(truth, gain, (-1, 0, 1))
        return {
            "value": macro_recall(truth, one) - macro_recall(truth, other),
            "low": low,
            "high": high,
            "level": self.level,
            "resamples": RESAMPLES,
        }

    def interval(self, truth: np.ndarray, answers: np.ndarray) -> dict[str, float]:
        """The interval of the macro recall at the level."""
        low, high = self._interval(truth, (answers == truth).astype(int), (0, 1))
        return {"low": low, "high": high}

    def _interval(
        self, truth: np.ndarray, worth: np.ndarray, values: tuple[int, ...]
    ) -> tuple[float, float]:
        """Quantiles of the mean over classes of the mean `worth` of a class's rows."""
        rng = np.random.default_rng(self.seed)
        means = np.zeros(RESAMPLES)
        for label in range(len(LABELS)):
            of_class = worth[truth == label]
            if len(of_class) == 0:
                continue
            shares = [float((of_class == value).mean()) for value in values]
            drawn = rng.multinomial(len(of_class), shares, size=RESAMPLES)
            means += drawn @ np.array(values) / len(of_class) / len(LABELS)
        low, high = np.quantile(means, [(1 - self.level) / 2, (1 + self.level) / 2])
        return float(low), float(high)
