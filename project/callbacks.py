"""What happens beside training: the best checkpoint, the report of a test, the file of predictions."""

import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import BasePredictionWriter, ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.exceptions import SIGTERMException

from project.addons.ensemble.members import Ensemble
from project.atomic import atomic_write, write_json
from project.batch import Batch
from project.checkpoint import ModelState
from project.classifier import SentimentClassifier
from project.datamodule import SentimentDataModule
from project.errors import UserError
from project.ingest.output import Row, added_columns, merged, suffix_of, write_rows
from project.ingest.records import column_types
from project.predict import decide
from project.process import peak_mb
from project.tables import draw_confusion_matrix, print_confusion_matrix


def run_dir(trainer: L.Trainer) -> Path | None:
    """Return the run's folder, or None where no logger makes one (``--trainer.logger=false``).

    `trainer.log_dir` would wait for all processes, and what asks here is often one alone.
    """
    log_dir = getattr(trainer.logger, "log_dir", None)
    if log_dir is None:
        return None
    folder = Path(log_dir)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Checkpoint(ModelCheckpoint):
    """A `ModelCheckpoint` that a resumed run takes over whole, and that of all exceptions only SIGTERM makes save.

    Lightning forgets the best score where a run goes on in a new folder, so that its first epoch would count as the
    best whatever it scored. And `save_on_exception` would save whatever an error has left of the weights; SIGTERM ends
    a run between two batches.
    """

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Save where the run was told to stop, if `save_on_exception` is set."""
        if self.save_on_exception and isinstance(exception, SIGTERMException):
            super().on_exception(trainer, pl_module, exception)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the best score and path so far."""
        super().load_state_dict(state_dict | {"dirpath": self.dirpath})


class TestReport(L.Callback):
    """Writes ``results.json`` and ``confusion_matrix.png`` into the run's folder when a test ends."""

    __test__ = False  # pytest: not a test

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        self._seconds: dict[str, float] = {}
        self._counts: list[list[int]] = []
        self._right: dict[int, int] = {}  # 1 for a text whose label was right, by its row in the split

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Start the clock of fit or test."""
        self._began[stage] = time.perf_counter()

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Stop it."""
        self._seconds[stage] = time.perf_counter() - self._began[stage]

    def on_test_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Forget an earlier test."""
        self._right = {}

    def on_test_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep which texts were right."""
        self._right.update(zip(outputs["rows"].tolist(), outputs["right"].int().tolist(), strict=True))

    def on_test_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Count the confusions of all processes; each has to take part."""
        assert isinstance(pl_module, SentimentClassifier)
        self._counts = [[int(count) for count in row] for row in pl_module.confusion_matrix.compute()]
        if trainer.world_size > 1:
            gathered: list[Any] = [None] * trainer.world_size
            torch.distributed.all_gather_object(gathered, self._right)
            self._right = {row: right for each in gathered for row, right in each.items()}

    @rank_zero_only
    def on_test_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Print the confusion matrix and write the run's results."""
        assert isinstance(pl_module, SentimentClassifier)
        assert pl_module.state is not None
        data = _data(trainer)
        labels = pl_module.state["label_names"]
        counts = self._counts
        print_confusion_matrix(counts, labels)
        folder, network = run_dir(trainer), pl_module.network
        if folder is None:
            return
        picture = folder / "confusion_matrix.png"
        draw_confusion_matrix(picture, counts, labels)
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                logger.log_image("test/confusion_matrix", [str(picture)])
        write_json(
            folder / "results.json",
            {
                "corpus": data.corpus_name,
                "fingerprint": data.corpus.fingerprint,
                "test_fingerprint": data.corpus.test_fingerprint,
                "checkpoint": str(trainer.ckpt_path),
                "command": shlex.join(["sentiment", *sys.argv[1:]]),
                "seed": os.environ.get("PL_GLOBAL_SEED"),
                "members": len(network.members) if isinstance(network, Ensemble) else 1,
                "metrics": {name: float(value) for name, value in trainer.callback_metrics.items()},
                "confusion_matrix": {"labels": labels, "counts": counts},
                "fit_seconds": self._seconds.get("fit"),
                "test_seconds": time.perf_counter() - self._began["test"],
                "peak_mb": peak_mb(),
                "right": [self._right[row] for row in sorted(self._right)],
                "versions": pl_module.state["versions"],
            },
        )


class PredictionWriter(BasePredictionWriter):
    """Writes the predictions of a corpus: one row per row of its source, in order, with all its columns.

    Added are ``predicted`` and a probability ``p_LABEL`` for each class; they are empty where a bad row was left out.
    The file is the Trainer's `output`, or ``predictions.csv`` in the run's folder. Until the end only the
    probabilities are kept, (rows, C) float32.
    """

    def __init__(self) -> None:
        super().__init__(write_interval="batch")

    def on_predict_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Make room for the probabilities."""
        data, labels = _data(trainer), _state(pl_module)["label_names"]
        self._probabilities = np.full((len(data.corpus.split("test")), len(labels)), np.nan, dtype=np.float32)

    def write_on_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        prediction: tuple[torch.Tensor, torch.Tensor],
        batch_indices: Sequence[int] | None,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Keep the probabilities of a batch."""
        rows, probabilities = prediction
        self._probabilities[rows.cpu().numpy()] = probabilities.cpu().numpy()

    def on_predict_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Gather the probabilities of all processes and write the file in one."""
        if trainer.world_size > 1:
            gathered: list[Any] = [None] * trainer.world_size
            torch.distributed.all_gather_object(gathered, self._probabilities)
            self._probabilities = np.nanmax(np.stack(gathered), axis=0)
        if not trainer.is_global_zero:
            return
        folder = run_dir(trainer)
        chosen = getattr(trainer, "output", None)
        path = Path(chosen) if chosen else folder / "predictions.csv" if folder else None
        if path is None:
            raise UserError("there is no run folder to write predictions to: add --output=predictions.csv")
        corpus, state = _data(trainer).corpus, _state(pl_module)
        rows = (merged(columns, self._columns(row, state)) for columns, row in corpus.source_rows("test"))
        (first, *_) = corpus.source.parts["test"]
        with atomic_write(path) as scratch:
            write_rows(scratch, suffix_of(path), rows, column_types(Path(first.name)))
        print(f"{len(self._probabilities):,} predictions in {path}")

    def _columns(self, row: int | None, state: ModelState) -> Row:
        """Return the added columns of one row."""
        names = state["label_names"]
        if row is None:
            return added_columns(names, None, [])
        probabilities = self._probabilities[row].tolist()
        return added_columns(names, decide(probabilities, names, state["threshold"]).label, probabilities)


def _data(trainer: L.Trainer) -> SentimentDataModule:
    data = trainer.datamodule  # type: ignore[attr-defined] # the Trainer sets it
    assert isinstance(data, SentimentDataModule)
    return data


def _state(pl_module: L.LightningModule) -> ModelState:
    assert isinstance(pl_module, SentimentClassifier)
    assert pl_module.state is not None
    return pl_module.state
