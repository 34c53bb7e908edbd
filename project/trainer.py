"""Trainers: one whose fit ends with the test of the best checkpoint, a plain one for auxiliary models; a schedule."""

import logging
import os
import signal
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from project.checkpoint import save_plain
from project.errors import UserError
from project.ingest import check_output


class Stop(Callback):
    """Lets SIGTERM and Ctrl-C end a fit after its batch, in all processes at once; a second Ctrl-C ends it at once.

    Lightning's own handler talks to the other processes from inside the signal, which hangs.

    Attributes:
        signal: The signal that came; 0 if none did.
    """

    signal = 0

    def on_train_start(self, trainer: Any, pl_module: L.LightningModule) -> None:
        """Take over from Lightning's handlers, which it puts back when the fit has ended."""
        Stop.signal = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.note)

    def note(self, number: int, frame: Any) -> None:
        """Remember a signal."""
        Stop.signal = number
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        # print would fail if the signal came within a print
        os.write(2, b"stopping after this batch, with a checkpoint; Ctrl-C ends it at once\n")

    def on_train_batch_end(self, trainer: Any, model: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Agree with the other processes to stop, unless gradients wait for the next batch."""
        if (batch_idx + 1) % trainer.accumulate_grad_batches == 0:
            trainer.stopping = trainer.strategy.reduce_boolean_decision(Stop.signal > 0, all=False)

    def on_exception(self, trainer: Any, pl_module: L.LightningModule, exception: BaseException) -> None:
        """End the other processes if one has found a user's mistake: it reports that, they have nothing to add."""
        if isinstance(exception, UserError | OSError) and trainer.strategy.launcher is not None:
            trainer.strategy.launcher.kill(getattr(signal, "SIGKILL", signal.SIGTERM))  # Windows has the latter


class CheckpointFile(TorchCheckpointIO):
    """Writes a checkpoint next to its final path, then moves it there; Lightning would go through TMPDIR."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint that is whole and on the disk as soon as it has its name."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        save_plain(checkpoint, Path(path))


class SentimentTrainer(L.Trainer):
    """A Trainer whose `fit` ends with the test of the best checkpoint, and that stops between two batches.

    Attributes:
        command: What started the run, for its results.
        output: The file of predictions that was asked for.
        resumed: The checkpoint that a fit continues from.
        stopping: Whether all processes have agreed to stop.
    """

    command: str | None = None
    output: str | None = None
    stopping = False

    @property
    def received_sigterm(self) -> bool:
        """True if the run is to stop now; never during validation, after which Lightning fails to resume a run."""
        return self.stopping and not self.validating

    def fit(self, *args: Any, test_after_fit: bool = True, **kwargs: Any) -> None:
        """Train the model, then test its best checkpoint.

        Args:
            args: See `lightning.Trainer.fit`.
            test_after_fit: Whether the test follows; a search over settings should never see it.
            kwargs: See `lightning.Trainer.fit`.
        """
        self.test_after_fit = test_after_fit
        super().fit(*args, **kwargs)
        if best := self.to_test:
            self.test(ckpt_path=best, datamodule=self.datamodule)  # type: ignore[attr-defined]

    @property
    def to_test(self) -> str:
        """The checkpoint whose test follows the fit; empty if none does."""
        best: str = getattr(self.checkpoint_callback, "best_model_path", "")
        return best if self.test_after_fit and self.datamodule.corpus.splits.get("test") else ""  # type: ignore[attr-defined]

    def predict(self, *args: Any, output: str | None = None, overwrite: bool = False, **kwargs: Any) -> None:
        """Predict the test split, or every text if there is none, and write the predictions to a file.

        Args:
            args: See `lightning.Trainer.predict`.
            output: File to write: .csv, .tsv, .jsonl (each also .gz) or .parquet; predictions.csv in the run's folder
                if none is given.
            overwrite: Whether an existing file is replaced.
            kwargs: See `lightning.Trainer.predict`; `return_predictions` is always off, which keeps memory flat.

        Raises:
            UserError: The file cannot be written.
        """
        if output is not None:
            check_output(Path(output), overwrite)
        self.output = output
        super().predict(*args, return_predictions=False, **kwargs)  # type: ignore[misc]


def plain_trainer(epochs: int, *callbacks: Callback) -> L.Trainer:
    """Return a Trainer for one device that shows its progress and writes nothing, in bfloat16 if that is fast.

    Args:
        epochs: How many at most.
        callbacks: In addition to the progress bar.
    """
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # it would report its devices for every run
    bfloat16 = torch.cuda.is_available() or torch.backends.cpu.get_cpu_capability() == "AVX512"
    off: Any = dict.fromkeys(("logger", "enable_checkpointing", "enable_model_summary", "num_sanity_val_steps"), False)
    precision: Any = "bf16-mixed" if bfloat16 else "32-true"
    bars = [TQDMProgressBar(refresh_rate=10), *callbacks]
    return L.Trainer(devices=1, max_epochs=epochs, precision=precision, gradient_clip_val=1.0, callbacks=bars, **off)


def linear_schedule(optimizer: Optimizer, steps: float, warmup: float) -> OptimizerLRSchedulerConfig:
    """Return what Lightning's `configure_optimizers` returns: a rate that rises, then falls, linearly, at every step.

    Args:
        optimizer: Its learning rates are the peaks.
        steps: The optimizer steps of the whole training.
        warmup: Share of them in which the rates rise from near 0; they then fall to 0.
    """
    last = max(int(steps), 1)
    rising = max(round(warmup * last), 1)

    def share(step: int) -> float:
        return float(min((step + 1) / rising, max(last - step, 0) / max(last - rising, 1)))

    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": LambdaLR(optimizer, share), "interval": "step"}}
