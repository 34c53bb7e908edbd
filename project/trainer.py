"""A Trainer for what is trained on the way to a classifier: it shows its progress, and keeps nothing on disk."""

import logging

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, TQDMProgressBar

from project.packed_rnn.recurrence import autocast_has_bfloat16


def plain_trainer(epochs: int, *callbacks: Callback) -> L.Trainer:
    """Return a Trainer for one device, in bfloat16 where that is fast.

    Args:
        epochs: How many at most.
        callbacks: Beside the progress bar.
    """
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # which devices it uses, for each of its runs
    half = torch.cuda.is_available() or autocast_has_bfloat16()
    return L.Trainer(
        devices=1,
        max_epochs=epochs,
        precision="bf16-mixed" if half else "32-true",
        gradient_clip_val=1.0,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        callbacks=[TQDMProgressBar(refresh_rate=10), *callbacks],
    )
