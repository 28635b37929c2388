"""The training loop: seeded, best epoch kept."""

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


class Optimizers:
    """Warm-up, then a cosine down to nothing at step `steps`; gradients of the dense parts clipped.

    A dense optimizer would move each of the table's rows at every step, which takes longer than
    all the rest of the step.
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
        """One step down `loss`; returns what it was."""
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
