"""Batches of texts of similar length, because padding costs time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lstm.tokenizer import PAD_ID


def pad(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Ids (B, T) and lengths (B,), int64, T being the longest row's."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    ids = np.full((len(rows), int(lengths.max())), PAD_ID, dtype=np.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
    return ids, lengths


def by_length(rows: list[list[int]], batch_size: int) -> Iterator[np.ndarray]:
    """Row numbers of each batch, longest row first, in it and among batches."""
    order = np.argsort([-len(row) for row in rows], kind="stable")
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def shuffled_by_length(
    rows: list[list[int]], batch_size: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """As `by_length`, with texts of one length and the batches themselves in a new order."""
    order = rng.permutation(len(rows))
    lengths = np.array([len(rows[index]) for index in order])
    order = order[np.argsort(-lengths, kind="stable")]
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    for index in rng.permutation(len(batches)):
        yield batches[index]
