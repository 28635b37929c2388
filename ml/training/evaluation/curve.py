"""The learning curve: macro recall after training on 200, 1,000 and all human labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from lstm.data import HumanLabels, Row
from lstm.labels import LABELS
from lstm.scores import Bootstrap, scores

from evaluation import linear

SIZES = (200, 1000)
# Trains on some labels only; returns the network's class indices for the held-out texts.
TrainAndAnswer = Callable[[HumanLabels, list[str]], np.ndarray]


def learning_curve(
    labels: HumanLabels, train_and_answer: TrainAndAnswer, evaluation: dict[str, Any]
) -> list[dict[str, Any]]:
    """`learning_curve` of workflows/evaluation.ts. The point for all labels is the
    candidate's, from `evaluation`.

    A part has the rows with the smallest hashes: this needs no seed, and each part contains the
    smaller one. A size is left out if a class is missing or there are not more labels than that.
    """
    train = sorted(labels.of("train"), key=lambda row: row.text_hash)
    held_out = labels.of("test")
    others = [row for row in labels.rows if row.split != "train"]
    texts = [row.text for row in held_out]
    truth = np.array([row.label for row in held_out], dtype=np.int64)
    seed, candidate = evaluation["training"]["seed"], evaluation["candidate"]
    bootstrap = Bootstrap(seed, evaluation["level"])

    def point(part: list[Row]) -> dict[str, Any]:
        ours = train_and_answer(HumanLabels(part + others, conflicts=0), texts)
        return {
            "labels": len(part),
            "model": {
                "macro_recall": scores(truth, ours)["macro_recall"],
                "interval": bootstrap.interval(truth, ours),
            },
            "linear": scores(truth, linear.answers(part, texts, seed))["macro_recall"],
        }

    fewer = [
        point(train[:size])
        for size in SIZES
        if size < len(train) and {row.label for row in train[:size]} == set(range(len(LABELS)))
    ]
    complete = {
        "labels": len(train),
        "model": {key: candidate[key] for key in ("macro_recall", "interval")},
        "linear": evaluation["linear"]["macro_recall"],
    }
    return [*fewer, complete]
