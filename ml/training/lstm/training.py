"""The training loop: seeded, one thread, best epoch kept."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from lstm.batches import by_length, pad, shuffled_by_length
from lstm.labels import LABELS
from lstm.model import SentimentLstm
from lstm.scores import macro_recall
from lstm.settings import Hyperparameters


@dataclass(frozen=True)
class Examples:
    """Rows ready for the network: ids per row, class indices (N,), weights (N,)."""

    ids: list[list[int]]
    labels: np.ndarray
    weights: np.ndarray


def use_one_thread(seed: int) -> None:
    """One thread was fastest for batches this small, and makes a run repeatable."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)


def answers(model: SentimentLstm, ids: list[list[int]], batch_size: int = 128) -> np.ndarray:
    """The model's class indices, (N,), int64."""
    model.eval()
    result = np.zeros(len(ids), dtype=np.int64)
    with torch.inference_mode():
        for batch in by_length(ids, batch_size):
            logits = model(*map(torch.from_numpy, pad([ids[row] for row in batch])))
            result[batch] = logits.argmax(dim=1).numpy()
    return result


def fit(
    model: SentimentLstm,
    train: Examples,
    validation: Examples,
    options: Hyperparameters,
    stop: Callable[[], bool],
) -> int:
    """Train `model` in place and leave it at its best epoch; returns how many epochs ran.

    `stop` is asked before each batch; once it says yes, the best epoch so far is the model. Raises
    ValueError if none was finished by then.
    """
    sparse = torch.optim.SparseAdam(model.embedding.parameters(), lr=options.learning_rate)
    dense = torch.optim.AdamW(
        [
            parameter
            for name, parameter in model.named_parameters()
            if not name.startswith("embedding")
        ],
        lr=options.learning_rate,
        weight_decay=options.weight_decay,
    )
    steps = options.epochs * math.ceil(len(train.ids) / options.batch_size)
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(
            optimizer, _warm_up_then_cosine(steps, options.warmup_share)
        )
        for optimizer in (sparse, dense)
    ]
    # By class, so that each weighs the same in all: the metric is macro recall.
    share = np.bincount(train.labels, weights=train.weights, minlength=len(LABELS))
    loss_of = nn.CrossEntropyLoss(
        weight=torch.tensor(share.sum() / (len(LABELS) * share), dtype=torch.float32),
        label_smoothing=options.label_smoothing,
        reduction="none",
    )
    rng = np.random.default_rng(options.seed)
    best_recall, best_state, finished = -1.0, None, 0

    for epoch in range(1, options.epochs + 1):
        started, losses = time.monotonic(), []
        model.train()
        for batch in shuffled_by_length(train.ids, options.batch_size, rng):
            if stop():
                break
            logits = model(*map(torch.from_numpy, pad([train.ids[row] for row in batch])))
            loss = (
                loss_of(logits, torch.from_numpy(train.labels[batch]))
                * torch.from_numpy(train.weights[batch])
            ).mean()
            for optimizer in (sparse, dense):
                optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(
                [p for p in model.parameters() if p.grad is not None and not p.grad.is_sparse],
                options.clip_norm,
            )
            for optimizer in (sparse, dense):
                optimizer.step()
            for schedule in schedules:
                schedule.step()
            losses.append(loss.item())
        if stop():
            print(f"stopped in epoch {epoch}/{options.epochs}", flush=True)
            break
        finished = epoch
        recall = macro_recall(validation.labels, answers(model, validation.ids))
        print(
            f"epoch {epoch}/{options.epochs} loss={np.mean(losses):.4f} "
            f"val_macro_recall={recall:.4f} seconds={time.monotonic() - started:.1f}",
            flush=True,
        )
        if recall > best_recall:
            best_recall, best_state = recall, copy.deepcopy(model.state_dict())
    if best_state is None:
        raise ValueError("stopped before the first epoch was finished: there is no model to keep")
    model.load_state_dict(best_state)
    return finished


def _warm_up_then_cosine(steps: int, warmup_share: float) -> Callable[[int], float]:
    warm = max(1, int(steps * warmup_share))

    def factor(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm))))

    return factor
