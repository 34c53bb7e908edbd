"""Weights of every step -> their moving average: what is validated, kept and tested."""

from collections.abc import Callable
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import WeightAveraging
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from project.errors import UserError


class WeightAverage(WeightAveraging):
    """Exponential moving average of the weights (Polyak and Juditsky 1992), whose decay warms up.

    A plain decay of 0.999 would lag a thousand steps behind, longer than a run on a small corpus lasts, and its first
    epochs would be little but the initial weights.

    Args:
        decay: Share of the average that stays at each step, once n steps have made (1 + n) / (10 + n) larger.

    Raises:
        UserError: `decay` is no such share.
    """

    def __init__(self, decay: float = 0.999) -> None:
        if not 0 <= decay < 1:
            raise UserError(f"decay of WeightAverage is {decay}: set it to at least 0 and less than 1")
        super().__init__(avg_fn=warming_up(decay))

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Copy the network, which the module's own `setup` would build only after this."""
        pl_module.setup(stage)
        self._device = trainer.strategy.root_device
        super().setup(trainer, pl_module, stage)

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Go on with average and current weights, in a fit alone: a test or a prediction is of the average."""
        if trainer.state.fn == TrainerFn.FITTING:
            super().on_load_checkpoint(trainer, pl_module, checkpoint)


def warming_up(decay: float) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Return how the average of `steps` weights becomes that of one more."""

    def average(averaged: Tensor, current: Tensor, steps: Tensor) -> Tensor:
        kept = ((1 + steps) / (10 + steps)).clamp(max=decay)  # (): a number would make a GPU wait for the CPU
        return averaged.lerp(current, 1 - kept)

    return average
