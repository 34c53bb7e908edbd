"""A run -> its folder again, and checkpoints from which it continues bit for bit."""

import csv
import random
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.utilities.exceptions import SIGTERMException

from project.addons.resume import newest
from project.atomic import atomic_write, locked, remove_left_overs
from project.callbacks import of_all_processes
from project.loggers import CSVLogger

STEPS = 16  # between two looks at the clock, about which several processes have to agree


class Resume(L.Callback):
    """Keeps the state of random numbers in checkpoints, saves within long epochs, and continues in the run's folder.

    Args:
        minutes: Between two checkpoints within an epoch.
    """

    def __init__(self, minutes: float = 10) -> None:
        self.minutes = minutes
        self._saved = time.monotonic()
        self._random: list[dict[str, Any]] = []  # of each process, until the first step
        self._lock = ExitStack()

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Let the logger continue in the folder of a run that was found for ``--resume``."""
        logger, found = trainer.logger, newest.found
        if stage != "fit" or not isinstance(logger, CSVLogger) or not trainer.is_global_zero:
            return
        logger.number, CSVLogger.number = logger.number, None  # what was for this run alone
        with suppress(OSError):
            self._lock.enter_context(locked(Path(logger.log_dir)))
        for folder in Path(logger.root_dir).glob("*/checkpoints"):
            remove_left_overs(folder)
        if found is not None and str(getattr(trainer, "resumed", None)) == str(found[0]):
            newest.found = None
            keep_metrics(logger, Path(logger.log_dir), found[1])

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Free the folder."""
        self._lock.close()

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock."""
        self._saved = time.monotonic()

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Add the state of random numbers of all processes; let loggers write the figures up to here."""
        checkpoint["random"] = of_all_processes(trainer, random_state())
        for logger in trainer.loggers:
            logger.save()

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keep it until the first step: until then other things may draw random numbers."""
        self._random = checkpoint.get("random", [])

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Restore it before a whole epoch: its loader draws first."""
        self._restore(trainer)

    def on_train_batch_start(self, trainer: L.Trainer, model: Any, batch: Any, batch_idx: int) -> None:
        """Restore it within an epoch, whose loader had drawn before the run was stopped."""
        if batch_idx > 0:
            self._restore(trainer)
        self._random = []

    def _restore(self, trainer: L.Trainer) -> None:
        if len(self._random) == trainer.world_size:
            restore_random_state(self._random[trainer.global_rank])

    def on_train_batch_end(self, trainer: Any, model: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Save what a kill would lose, if the last checkpoint is that old; an epoch's end saves for itself."""
        loop = trainer.fit_loop.epoch_loop
        whole = (batch_idx + 1) % trainer.accumulate_grad_batches == 0  # no gradient waits for the next batch
        if loop.batch_progress.is_last_batch or not whole or (self.minutes and trainer.global_step % STEPS):
            return
        due = time.monotonic() - self._saved > 60 * self.minutes
        paths = [Path(c.dirpath, newest.LAST) for c in trainer.checkpoint_callbacks if c.filename and c.dirpath]
        if not paths or not trainer.strategy.broadcast(due):
            return
        self._saved = time.monotonic()
        with counted(loop):
            trainer.save_checkpoint(paths[0])

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Remove the folder of a run that failed before it had a checkpoint or a figure."""
        logger = trainer.logger
        self._lock.close()
        if isinstance(exception, SIGTERMException):  # its checkpoint is about to be written
            return
        if isinstance(logger, CSVLogger) and logger.number is not None and trainer.is_global_zero:
            folder = Path(logger.log_dir)
            if {path.name for path in folder.rglob("*") if path.is_file()} <= {"config.yaml", "hparams.yaml"}:
                shutil.rmtree(folder)
                trainer.loggers = []  # they would write into it again


@contextmanager
def counted(loop: Any) -> Iterator[None]:
    """Let the loop count the current batch, which Lightning does after its callbacks: else it would be repeated."""
    loop.batch_progress.increment_completed()
    loop._batches_that_stepped += 1
    try:
        yield
    finally:
        loop._batches_that_stepped -= 1
        loop.batch_progress.total.completed -= 1
        loop.batch_progress.current.completed -= 1


def random_state() -> dict[str, Any]:
    """Return the states of the generators of torch, numpy and Python, as plain types."""
    name, keys, *rest = np.random.get_state(legacy=True)
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {
        "torch": torch.get_rng_state(),
        "cuda": cuda,
        "numpy": [name, np.asarray(keys).tolist(), *rest],
        "python": random.getstate(),
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Set the generators to what `random_state` returned."""
    torch.set_rng_state(state["torch"])
    if len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), *rest))
    random.setstate(state["python"])


def keep_metrics(logger: CSVLogger, folder: Path, steps: int) -> None:
    """Let the logger append to the figures of the first `steps` steps of its run."""
    if not (folder / newest.KEPT).exists():
        return
    with (folder / newest.KEPT).open(newline="") as file:
        reader = csv.DictReader(file)
        rows = [row for row in reader if int(row["step"]) < steps]
    logger.experiment.metrics_keys = names = list(reader.fieldnames or [])
    with atomic_write(folder / newest.METRICS) as scratch, scratch.open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    (folder / newest.KEPT).unlink()
