"""Training speed of our loop and of a naive one, on the same rows, measured in turns."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
import vectors
from lstm.initial_weights import new_model
from lstm.model import SentimentLstm
from lstm.recipe import EncodedSet, TrainingSet
from lstm.settings import Hyperparameters
from lstm.tokenizer import PAD_ID
from lstm.training import Optimizers, loss_of, make_repeatable, pad, shuffled_by_length

SECONDS = 8.0
TURNS = 3
NAIVE_LENGTH, NAIVE_BATCH = 60, 32


def training_speed(
    training_set: TrainingSet, known: vectors.WordVectors, options: Hyperparameters
) -> tuple[float, float]:
    """Tweets/s of our loop and of a naive one, medians of three turns. The naive loop trains the
    same network, but pads every text to 60 tokens, has batches of 32 in random order, and one
    dense Adam."""
    make_repeatable(options.seed)
    encoded = EncodedSet.of(training_set, known, options, None)
    ours = _ours(encoded, new_model(encoded.vocabulary, known, options, None))
    naive = _naive(encoded, new_model(encoded.vocabulary, known, options, None))
    rates: tuple[list[float], list[float]] = ([], [])
    for loop in (ours, naive):
        next(loop)  # warm up
    for _ in range(TURNS):
        for loop, found in zip((ours, naive), rates, strict=True):
            found.append(_rate(loop))
    return float(np.median(rates[0])), float(np.median(rates[1]))


def _rate(steps: Iterator[int]) -> float:
    started, rows = time.monotonic(), 0
    while time.monotonic() - started < SECONDS:
        rows += next(steps)
    return rows / (time.monotonic() - started)


def _ours(encoded: EncodedSet, model: SentimentLstm) -> Iterator[int]:
    options, examples = encoded.options, encoded.examples
    optimizers = Optimizers(model, model.encoder, 10_000, options, options.learning_rate)
    rng = np.random.default_rng(options.seed)
    model.train()
    while True:
        for batch in shuffled_by_length(examples.ids, options.batch_size, rng):
            logits = model(*map(torch.from_numpy, pad([examples.ids[row] for row in batch])))
            optimizers.step(loss_of(logits, torch.from_numpy(examples.targets[batch])))
            yield len(batch)


def _naive(encoded: EncodedSet, model: SentimentLstm) -> Iterator[int]:
    examples = encoded.examples
    model.encoder.embedding.sparse = False
    adam = torch.optim.Adam(model.parameters(), lr=encoded.options.learning_rate)
    rng = np.random.default_rng(encoded.options.seed)
    model.train()
    while True:
        for batch in np.array_split(
            rng.permutation(len(examples.ids)), max(1, len(examples.ids) // NAIVE_BATCH)
        ):
            ids = np.full((len(batch), NAIVE_LENGTH), PAD_ID, dtype=np.int64)
            for place, row in enumerate(batch):
                text = examples.ids[row][:NAIVE_LENGTH]
                ids[place, : len(text)] = text
            # Padding counts as text here: all 60 places run through the network.
            lengths = torch.full((len(batch),), NAIVE_LENGTH)
            adam.zero_grad()
            logits = model(torch.from_numpy(ids), lengths)
            loss_of(logits, torch.from_numpy(examples.targets[batch])).backward()
            adam.step()
            yield len(batch)
