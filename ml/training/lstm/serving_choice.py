"""Which of the archive's two networks serves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lstm.archive import INT8_NETWORK, NETWORK, Archive
from lstm.data import Row
from lstm.scores import macro_recall
from lstm.settings import Hyperparameters


@dataclass(frozen=True)
class Serving:
    """The network's file, and the macro recall of both on the held-out rows."""

    network: str
    fp32_macro_recall: float
    int8_macro_recall: float


def choose_network(folder: Path, held_out: list[Row], options: Hyperparameters) -> Serving:
    """As `options.serves` asks; but eight bits only if their recall holds."""
    truth = np.array([row.label for row in held_out], dtype=np.int64)
    texts = [row.text for row in held_out]
    exact, fast = (
        macro_recall(truth, Archive.from_folder(folder, name).probabilities(texts).argmax(axis=1))
        for name in (NETWORK, INT8_NETWORK)
    )
    holds = fast >= exact - options.int8_tolerance
    network = INT8_NETWORK if options.serves == "int8" and holds else NETWORK
    print(f"serves={network} fp32_recall={exact:.4f} int8_recall={fast:.4f}", flush=True)
    return Serving(network, exact, fast)
