"""Two optimizers that step as one: Adam for the table's touched rows, AdamW for all else."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lstm.model import Encoder
from lstm.settings import Hyperparameters


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
