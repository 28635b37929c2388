"""The training loop: seeded, best epoch kept."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lstm.batches import by_length, pad, shuffled_by_length
from lstm.labels import LABELS
from lstm.model import SentimentLstm
from lstm.optimizers import Optimizers
from lstm.scores import macro_recall
from lstm.settings import Hyperparameters


@dataclass(frozen=True)
class Examples:
    """Rows ready to learn from: ids per row, and targets (N, 3) float32.

    A row's targets are how much each class counts in its loss, the row's own weight and the
    classes' weights included: they need not sum to 1.
    """

    ids: list[list[int]]
    targets: np.ndarray

    def __add__(self, other: Examples) -> Examples:
        return Examples(self.ids + other.ids, np.concatenate([self.targets, other.targets]))


@dataclass(frozen=True)
class HeldOut:
    """Rows that choose the best epoch: ids per row, class indices (N,)."""

    ids: list[list[int]]
    labels: np.ndarray


@dataclass(frozen=True)
class Fitted:
    """The number of finished epochs, and the best epoch's macro recall on the held-out rows."""

    epochs: int
    recall: float


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """(N, classes) of class indices (N,)."""
    return np.eye(classes)[labels]


def smoothed(targets: np.ndarray, smoothing: float) -> np.ndarray:
    return targets * (1 - smoothing) + smoothing / targets.shape[1]


def balance(targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(C,) factors of the classes of targets (N, C) with the rows' weights (N,), by which each
    class weighs the same in all: the metric is macro recall."""
    share = (targets * weights[:, None]).sum(axis=0)
    # A class without rows has no row that its factor would matter to.
    return share.sum() / (len(share) * np.where(share > 0, share, share.sum()))


def loss_of(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross entropy of logits (B, C) and targets (B, C)."""
    return -(targets * logits.log_softmax(dim=1)).sum(dim=1).mean()


def make_repeatable(seed: int, threads: int = 1) -> None:
    """For as many threads, on one kind of machine. Two processes of one thread get more done than
    one process of two, so more threads are for what no second process can share."""
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    # It would write NaN over all memory that torch takes, to show reads of what nobody wrote.
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.manual_seed(seed)


def probabilities(model: SentimentLstm, ids: list[list[int]], batch_size: int = 128) -> np.ndarray:
    """(N, 3) float32."""
    model.eval()
    result = np.zeros((len(ids), len(LABELS)), dtype=np.float32)
    with torch.inference_mode():
        for batch in by_length(ids, batch_size):
            logits = model(*map(torch.from_numpy, pad([ids[row] for row in batch])))
            result[batch] = logits.softmax(dim=1).numpy()
    return result


def fit(
    model: SentimentLstm,
    train: Examples,
    validation: HeldOut,
    options: Hyperparameters,
    stop: Callable[[], bool],
) -> Fitted:
    """Train `model` in place and leave it at its best epoch.

    `stop` is asked before each batch; once it says yes, the best epoch so far is the model. Raises
    InterruptedError if none was finished by then.
    """
    steps = options.epochs * math.ceil(len(train.ids) / options.batch_size)
    optimizers = Optimizers(model, model.encoder, steps, options, options.learning_rate)
    rng = np.random.default_rng(options.seed)
    best_recall, best_state, finished = -1.0, None, 0

    for epoch in range(1, options.epochs + 1):
        started, losses = time.monotonic(), []
        model.train()
        for batch in shuffled_by_length(train.ids, options.batch_size, rng):
            if stop():
                break
            logits = model(*map(torch.from_numpy, pad([train.ids[row] for row in batch])))
            losses.append(optimizers.step(loss_of(logits, torch.from_numpy(train.targets[batch]))))
        if stop():
            print(f"stopped in epoch {epoch}/{options.epochs}", flush=True)
            break
        seconds, finished = time.monotonic() - started, epoch
        recall = macro_recall(
            validation.labels, probabilities(model, validation.ids).argmax(axis=1)
        )
        print(
            f"epoch {epoch}/{options.epochs} loss={np.mean(losses):.4f} "
            f"val_macro_recall={recall:.4f} seconds={seconds:.1f} "
            f"tweets_per_second={len(train.ids) / seconds:.0f}",
            flush=True,
        )
        if recall > best_recall:
            best_recall, best_state = recall, copy.deepcopy(model.state_dict())
    if best_state is None:
        raise InterruptedError(
            "stopped before the first epoch was finished: there is no model to keep"
        )
    model.load_state_dict(best_state)
    return Fitted(finished, best_recall)
