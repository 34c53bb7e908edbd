"""A fit on texts with any number of labels -> the figure of val that chooses its best epoch."""

from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.utilities import rank_zero_only

say = rank_zero_only(print)

COARSE, FINE = "val/accuracy", "val/loss"


class Monitor(L.Callback):
    """Lets the loss choose where exact match would.

    Exact match stays 0 for epochs where there are many labels, and the first of equal epochs would be the best.
    """

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Change the callbacks that monitor exact match; a checkpoint knows them by what they monitor."""
        if trainer.datamodule.options.labels != "any":
            return
        found = [each for each in trainer.callbacks if isinstance(each, ModelCheckpoint | EarlyStopping)]
        for each in (each for each in found if each.monitor == COARSE):
            each.monitor, each.mode = FINE, "min"
            setattr(each, "kth_value" if isinstance(each, ModelCheckpoint) else "best_score", torch.tensor(torch.inf))
            if stage == "fit":
                say(f"{type(each).__name__}: {FINE} chooses instead of {COARSE}, which is exact match here")
