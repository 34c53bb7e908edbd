"""A fit on texts with any number of labels -> where its biases start, and the figure that chooses its best epoch."""

from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.utilities import rank_zero_only
from torch import nn

say = rank_zero_only(print)

COARSE, FINE = "val/accuracy", "val/loss"


class AnyFit(L.Callback):
    """Lets the loss choose the best epoch instead of exact match, and biases begin at the frequency of each label.

    Exact match stays 0 for epochs if there are many labels, and the first of equal epochs would be the best. With
    biases of 0 the first epochs learn little but how rare labels are (Lin et al. 2017, 3.3).
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

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Let every label begin as probable as it is in train."""
        classifier = getattr(pl_module.network, "classifier", None)
        fresh = trainer.ckpt_path is None and pl_module.hparams["init_from"] is None
        if not fresh or trainer.datamodule.options.labels != "any" or not isinstance(classifier, nn.Linear):
            return
        texts, counts = len(trainer.datamodule.corpus.split("train")), trainer.datamodule.facts().class_counts
        shares = (torch.tensor(counts) + 1) / (texts + 2)  # neither 0 nor 1
        with torch.no_grad():
            classifier.bias.copy_(shares.logit())
