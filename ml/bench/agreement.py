"""How much an answer depends on the texts that are answered beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lstm.archive import INT8_NETWORK, NETWORK, Archive

TEXTS = 1000


@dataclass(frozen=True)
class Agreement:
    """Differences of a text's probabilities, alone and in batches of 64, and how many of the texts
    get another label."""

    network: str
    largest: float
    mean: float
    other_label: int
    texts: int


def agreements(folder: Path, texts: list[str]) -> list[Agreement]:
    """Of both networks of a model's folder."""
    return [_agreement(folder, network, texts[:TEXTS]) for network in (NETWORK, INT8_NETWORK)]


def _agreement(folder: Path, network: str, texts: list[str]) -> Agreement:
    archive = Archive.from_folder(folder, network)
    together = archive.probabilities(texts)
    alone = np.concatenate([archive.probabilities([text]) for text in texts])
    apart = np.abs(together - alone)
    moved = together.argmax(axis=1) != alone.argmax(axis=1)
    return Agreement(network, float(apart.max()), float(apart.mean()), int(moved.sum()), len(texts))
