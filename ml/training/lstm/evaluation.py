"""Candidate, champion, lexicon and majority on the same held-out rows: `evaluation.json`."""

from __future__ import annotations

from typing import Any

import numpy as np

from lstm import lexicon
from lstm.archive import Archive
from lstm.data import Row, rows_digest
from lstm.labels import LABELS
from lstm.scores import Bootstrap, scores


def evaluate(
    candidate: Archive, champion: Archive | None, held_out: list[Row], majority: int, seed: int
) -> dict[str, Any]:
    """`Evaluation` of workflows/evaluation.ts, but for its `training`.

    `majority` is the commonest class of the training rows. Every system reads the same texts, and
    the models run as they would serve.
    """
    texts = [row.text for row in held_out]
    truth = np.array([row.label for row in held_out], dtype=np.int64)
    bootstrap = Bootstrap.over(truth, seed)

    ours = candidate.probabilities(texts).argmax(axis=1)
    theirs = None if champion is None else champion.probabilities(texts).argmax(axis=1)
    rated = lexicon.classify(texts)
    return {
        "schema_version": 1,
        "metric": "macro_recall",
        "held_out": {
            "rows": len(held_out),
            "sha256": rows_digest(held_out),
            "labels": list(LABELS),
        },
        "candidate": scores(truth, ours),
        "champion": None
        if champion is None or theirs is None
        else {**scores(truth, theirs), "version": champion.version},
        "lexicon": {**scores(truth, rated), "name": lexicon.NAME},
        "majority": scores(truth, np.full_like(truth, majority)),
        "candidate_minus_champion": None
        if theirs is None
        else bootstrap.difference(truth, ours, theirs),
        "candidate_minus_lexicon": bootstrap.difference(truth, ours, rated),
    }
