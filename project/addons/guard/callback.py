"""Settings of the Trainer -> those that make no sense; losses -> the step from which on they are not finite."""

import math
from typing import Any

import lightning as L
import torch
from torch import Tensor

from project.errors import UserError

LEAST = {"check_val_every_n_epoch": 1, "accumulate_grad_batches": 1, "gradient_clip_val": 0}  # where they are set


class Guard(L.Callback):
    """Notes on the device at which step the loss ceases to be finite; looks when a split is measured or a file saved.

    The weights are looked at too. A step that a gradient scaler skips is no fault: the next loss is finite again.
    """

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Refuse settings that Lightning finds out about in the middle of a run, in words of its own, or never."""
        for name, least in LEAST.items():
            value = getattr(trainer, name)
            if value is not None and not least <= value < math.inf:
                raise UserError(f"{name} is {value}: set --trainer.{name}={least} or more")
        if not trainer.val_check_interval:
            raise UserError("val_check_interval is 0: set --trainer.val_check_interval=1.0 for once an epoch")
        if stage == "fit" and trainer.max_epochs == trainer.max_steps == -1 and not getattr(pl_module, "optimizer", {}):
            raise UserError("without a last epoch or step there is no schedule: set --trainer.max_epochs or max_steps")

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Say in one line that an epoch has fewer batches than there should be before val is measured."""
        if isinstance(exception, ValueError) and "`val_check_interval`" in str(exception):
            batches, wanted = trainer.num_training_batches, trainer.val_check_interval
            what = f"val_check_interval is {wanted}, and an epoch has {batches} batches"
            raise UserError(f"{what}: set --trainer.val_check_interval={batches} or less") from exception

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Reset the step of the first fault, ()."""
        self._first = torch.full((), -1, device=pl_module.device)

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, *_: Any) -> None:
        """Note the step if it is the first of those up to now whose loss is not finite."""
        loss: Tensor = outputs["loss"]
        now = self._first.new_full((), trainer.global_step)
        begun = torch.where(self._first < 0, now, self._first)
        self._first = torch.where(torch.isfinite(loss), -1, begun)

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Look before the val split is measured."""
        self._check(trainer, pl_module)

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Look before anything is written."""
        self._check(trainer, pl_module)

    def _check(self, trainer: Any, pl_module: L.LightningModule) -> None:
        """End the run if weights are not finite, or losses for a reason other than a gradient scaler's search."""
        if (not trainer.training and not trainer.validating) or not hasattr(self, "_first"):
            return
        first, whole = int(self._first), all(bool(torch.isfinite(p).all()) for p in pl_module.parameters())
        scaled = getattr(trainer.precision_plugin, "scaler", None) is not None
        fault = not whole or (first >= 0 and not scaled)
        if not trainer.strategy.reduce_boolean_decision(fault, all=False):  # of any process
            return
        since = f"step {first}" if first >= 0 else f"a step before {trainer.global_step}"
        raise UserError(
            f"loss or weights have been NaN or infinite since {since}; earlier checkpoints are intact: "
            "try a lower --model.learning_rate, or --trainer.gradient_clip_val=1"
        )
