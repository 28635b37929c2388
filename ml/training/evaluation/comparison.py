"""Candidate, champion and baselines on the same held-out rows: `evaluation.json`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from lstm import lexicon
from lstm.archive import Archive
from lstm.data import Row, rows_digest
from lstm.labels import LABELS
from lstm.scores import LEVEL, Bootstrap, confusion, scores

from evaluation import linear
from evaluation.behaviour import behaviour
from evaluation.champions import Champion
from evaluation.measures import by_slice, calibration, worst_mistakes

SCHEMA_VERSION = 2
METRIC = "macro_recall"


@dataclass(frozen=True)
class Comparison:
    """Scores all systems on the same texts; models run as in serving."""

    candidate: Archive
    champion: Champion
    # The best model of the last days, if it is not the champion.
    best: Champion
    # Rows labelled by people, the training set of the baselines.
    train: list[Row]
    held_out: list[Row]
    # Texts with a clear sentiment, whose labels the gate has.
    golden: list[str]
    seed: int
    level: float = LEVEL

    def evaluate(self) -> dict[str, Any]:
        """`Evaluation` of workflows/evaluation.ts, without `training` and `learning_curve`."""
        texts = [row.text for row in self.held_out]
        truth = np.array([row.label for row in self.held_out], dtype=np.int64)
        bootstrap = Bootstrap(self.seed, self.level)
        ours = self.candidate.probabilities(texts)
        others = {
            who: (found.archive, found.archive.probabilities(texts))
            for who, found in (("champion", self.champion), ("best", self.best))
            if found.archive is not None
        }
        majority = int(np.bincount([row.label for row in self.train]).argmax())
        baselines = {
            "lexicon": lexicon.classify(texts),
            "linear": linear.answers(self.train, texts, self.seed),
            "majority": np.full_like(truth, majority),
        }
        answers = {
            "candidate": ours.argmax(axis=1),
            **{who: found.argmax(axis=1) for who, (_, found) in others.items()},
            **baselines,
        }
        names = {"lexicon": lexicon.NAME, "linear": linear.NAME, "majority": LABELS[majority]}

        def model(who: str, archive: Archive, probabilities: np.ndarray) -> dict[str, Any]:
            return {
                **_measured(truth, answers[who], bootstrap),
                "version": archive.version,
                "digest": archive.digest,
                "answers_sha256": _answers_digest(self.held_out, answers[who]),
                "calibration": calibration(truth, probabilities),
            }

        return {
            "schema_version": SCHEMA_VERSION,
            "metric": METRIC,
            "held_out": {
                "rows": len(self.held_out),
                "per_class": {
                    label: int((truth == index).sum()) for index, label in enumerate(LABELS)
                },
                "sha256": rows_digest(self.held_out),
                "labels": list(LABELS),
            },
            "level": self.level,
            "candidate": model("candidate", self.candidate, ours),
            **{
                who: model(who, *others[who]) if who in others else None
                for who in ("champion", "best")
            },
            "champion_problem": self.champion.problem,
            "best_problem": self.best.problem,
            **{
                name: {**_measured(truth, answers[name], bootstrap), "name": names[name]}
                for name in baselines
            },
            **{
                f"candidate_minus_{other}": bootstrap.difference(
                    truth, answers["candidate"], answers[other]
                )
                if other in answers
                else None
                for other in ("champion", "best", "lexicon", "linear")
            },
            "golden": self._golden(),
            "behaviour": behaviour(self.candidate, self.champion.archive),
            "slices": by_slice(self.held_out, truth, answers),
            "worst_mistakes": worst_mistakes(self.held_out, truth, ours),
        }

    def _golden(self) -> list[dict[str, Any]]:
        if not self.golden:
            return []
        probabilities = self.candidate.probabilities(self.golden)
        return [
            {
                "text": text,
                "label": LABELS[int(row.argmax())],
                "probability": min(1.0, float(row.max())),
            }
            for text, row in zip(self.golden, probabilities, strict=True)
        ]


def golden_texts(request: dict[str, Any]) -> list[str]:
    """The texts of the request's `golden_tweets`; empty if it has none. Raises ValueError."""
    texts = request.get("golden_tweets", [])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError("request.json: golden_tweets must be a list of texts")
    return texts


def level_of(request: dict[str, Any]) -> float:
    """The request's level of the intervals, by default 95 %. Raises ValueError."""
    level = request.get("level", LEVEL)
    if isinstance(level, bool) or not isinstance(level, float | int) or not 0.5 <= level < 1:
        raise ValueError(f"request.json: level must be a number from 0.5 to below 1, not {level!r}")
    return float(level)


def _measured(truth: np.ndarray, answers: np.ndarray, bootstrap: Bootstrap) -> dict[str, Any]:
    return {
        **scores(truth, answers),
        "interval": bootstrap.interval(truth, answers),
        "confusion": confusion(truth, answers).tolist(),
    }


def _answers_digest(rows: list[Row], answers: np.ndarray) -> str:
    """SHA-256 of all answers, to see whether two models give the same ones."""
    lines = sorted(
        f"{row.text_hash} {LABELS[answer]}\n" for row, answer in zip(rows, answers, strict=True)
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()
