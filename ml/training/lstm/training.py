"""Batches, optimizers and the training loop, which is seeded and keeps the best epoch."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from lstm.labels import LABELS
from lstm.model import Encoder, SentimentLstm
from lstm.scores import macro_recall
from lstm.settings import Hyperparameters
from lstm.tokenizer import PAD_ID


@dataclass(frozen=True)
class Examples:
    """Rows to train on: ids per row, and targets (N, 3) float32.

    A target is the weight of a class in the row's loss. It includes the weights of row and class,
    so a row's targets need not sum to 1.
    """

    ids: list[list[int]]
    targets: np.ndarray

    def __add__(self, other: Examples) -> Examples:
        return Examples(self.ids + other.ids, np.concatenate([self.targets, other.targets]))


@dataclass(frozen=True)
class HeldOut:
    """Rows to measure on: ids per row, class indices (N,)."""

    ids: list[list[int]]
    labels: np.ndarray


@dataclass(frozen=True)
class Measured:
    """Mean cross entropy (natural logarithm) and macro recall of a network on some rows."""

    loss: float
    macro_recall: float


@dataclass(frozen=True)
class Epoch:
    """The network after an epoch, counted from 1, on a part of the training rows and on those that
    choose the best epoch. Both are measured without dropout, weights and smoothing."""

    epoch: int
    train: Measured
    validation: Measured


@dataclass(frozen=True)
class Fitted:
    """The finished epochs, and the best of them: the first with the largest macro recall on the
    rows that choose."""

    curve: list[Epoch]
    best: Epoch

    @property
    def epochs(self) -> int:
        return len(self.curve)

    @property
    def recall(self) -> float:
        return self.best.validation.macro_recall


def pad(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Ids (B, T) and lengths (B,), int64; T is the length of the longest row."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    ids = np.full((len(rows), int(lengths.max())), PAD_ID, dtype=np.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
    return ids, lengths


def by_length(rows: list[list[int]], batch_size: int) -> Iterator[np.ndarray]:
    """Row numbers of each batch, longest rows first. Similar lengths need little padding."""
    order = np.argsort([-len(row) for row in rows], kind="stable")
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def shuffled_by_length(
    rows: list[list[int]], batch_size: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """As `by_length`, but batches, and rows of equal length, are in random order."""
    order = rng.permutation(len(rows))
    lengths = np.array([len(rows[index]) for index in order])
    order = order[np.argsort(-lengths, kind="stable")]
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    for index in rng.permutation(len(batches)):
        yield batches[index]


class Optimizers:
    """Two optimizers that step as one: Adam for the rows of the table that a batch uses, AdamW for
    all other parameters, whose gradients are clipped.

    A dense optimizer would update every row of the table at each step, which takes longer than the
    rest of the step. The learning rate warms up, then follows a cosine down to 0 at step `steps`.
    """

    def __init__(
        self,
        model: nn.Module,
        encoder: Encoder,
        steps: int,
        options: Hyperparameters,
        learning_rate: float,
    ) -> None:
        table = encoder.embedding.weight
        self._dense = [parameter for parameter in model.parameters() if parameter is not table]
        self._clip_norm = options.clip_norm
        self._optimizers: tuple[torch.optim.Optimizer, ...] = (
            torch.optim.SparseAdam([table], lr=learning_rate),
            torch.optim.AdamW(self._dense, lr=learning_rate, weight_decay=options.weight_decay),
        )
        self._schedules = [
            torch.optim.lr_scheduler.LambdaLR(
                optimizer, _warm_up_then_cosine(steps, options.warmup_share)
            )
            for optimizer in self._optimizers
        ]

    def step(self, loss: Tensor) -> float:
        """Makes one step; returns the loss before it."""
        for optimizer in self._optimizers:
            optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(
            [parameter for parameter in self._dense if parameter.grad is not None], self._clip_norm
        )
        for optimizer in self._optimizers:
            optimizer.step()
        for schedule in self._schedules:
            schedule.step()
        return loss.item()


def _warm_up_then_cosine(steps: int, warmup_share: float) -> Callable[[int], float]:
    warm = max(1, int(steps * warmup_share))

    def factor(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm))))

    return factor


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """(N, classes) of class indices (N,)."""
    return np.eye(classes)[labels]


def smoothed(targets: np.ndarray, smoothing: float) -> np.ndarray:
    return targets * (1 - smoothing) + smoothing / targets.shape[1]


def balance(targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(C,) factors that give all classes the same total weight, because the metric is macro recall;
    from targets (N, C) and the rows' weights (N,)."""
    share = (targets * weights[:, None]).sum(axis=0)
    # The factor of a class without rows is never used; this avoids a division by zero.
    return share.sum() / (len(share) * np.where(share > 0, share, share.sum()))


def loss_of(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross entropy of logits (B, C) and targets (B, C)."""
    return -(targets * logits.log_softmax(dim=1)).sum(dim=1).mean()


def make_repeatable(seed: int, threads: int = 1) -> None:
    """Makes results repeatable on one kind of machine with this number of threads."""
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    # Filling new memory with NaN costs time, and only helps to find reads of uninitialized memory.
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


# A probability of float32 may be 0, whose logarithm is no number.
_LEAST_PROBABILITY = 1e-7


def measure(model: SentimentLstm, rows: HeldOut) -> Measured:
    """Leaves the state of every random number generator as it is: measuring changes no training."""
    found = probabilities(model, rows.ids)
    of_label = found[np.arange(len(rows.labels)), rows.labels]
    return Measured(
        loss=float(-np.log(np.maximum(of_label, _LEAST_PROBABILITY)).mean()),
        macro_recall=macro_recall(rows.labels, found.argmax(axis=1)),
    )


def fit(
    model: SentimentLstm,
    train: Examples,
    validation: HeldOut,
    sample: HeldOut,
    options: Hyperparameters,
    stop: Callable[[], bool],
) -> Fitted:
    """Trains `model` in place and leaves it with the weights of its best epoch.

    `sample` holds some of the training rows: measured after each epoch beside `validation`, it
    shows from when on the network learns its rows by heart.

    `stop` is called before each batch. When it returns True, training ends and the best epoch so
    far is kept. Raises InterruptedError if no epoch was finished.
    """
    steps = options.epochs * math.ceil(len(train.ids) / options.batch_size)
    optimizers = Optimizers(model, model.encoder, steps, options, options.learning_rate)
    rng = np.random.default_rng(options.seed)
    curve: list[Epoch] = []
    best, best_state = None, None

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
        seconds = time.monotonic() - started
        measured = Epoch(epoch, measure(model, sample), measure(model, validation))
        curve.append(measured)
        recall = measured.validation.macro_recall
        print(
            f"epoch {epoch}/{options.epochs} loss={np.mean(losses):.4f} "
            f"val_macro_recall={recall:.4f} seconds={seconds:.1f} "
            f"tweets_per_second={len(train.ids) / seconds:.0f}",
            flush=True,
        )
        if best is None or recall > best.validation.macro_recall:
            best, best_state = measured, copy.deepcopy(model.state_dict())
    if best is None or best_state is None:
        raise InterruptedError(
            "stopped before the first epoch was finished, so there is no model to keep"
        )
    model.load_state_dict(best_state)
    return Fitted(curve, best)
