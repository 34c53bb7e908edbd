"""What happens beside training: the best checkpoint, the report of a test, the file of predictions."""

import csv
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import BasePredictionWriter, ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities import rank_zero_only

from project.data.datamodule import SentimentDataModule
from project.deploy.predictor import decide
from project.evaluation.results import draw_confusion_matrix, print_confusion_matrix, write_json, written_whole
from project.model.classifier import SentimentClassifier


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
    """A `ModelCheckpoint` that a resumed run takes over whole.

    Lightning forgets the best score where a run goes on in a new folder, so that its first epoch would count as the
    best whatever it scored.
    """

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

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Start the clock of fit or test."""
        self._began[stage] = time.perf_counter()

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Stop it."""
        self._seconds[stage] = time.perf_counter() - self._began[stage]

    def on_test_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Count the confusions of all processes; each has to take part."""
        assert isinstance(pl_module, SentimentClassifier)
        self._counts = [[int(count) for count in row] for row in pl_module.confusion_matrix.compute()]

    @rank_zero_only
    def on_test_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Print the confusion matrix and write the run's results."""
        assert isinstance(pl_module, SentimentClassifier)
        assert pl_module.state is not None
        data = trainer.datamodule  # type: ignore[attr-defined]
        assert isinstance(data, SentimentDataModule)
        labels = pl_module.state["label_names"]
        counts = self._counts
        print_confusion_matrix(counts, labels)
        folder = run_dir(trainer)
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
                "fingerprint": data.corpus.fingerprint(),
                "checkpoint": str(trainer.ckpt_path),
                "seed": os.environ.get("PL_GLOBAL_SEED"),
                "metrics": {name: float(value) for name, value in trainer.callback_metrics.items()},
                "confusion_matrix": {"labels": labels, "counts": counts},
                "fit_seconds": self._seconds.get("fit"),
                "test_seconds": time.perf_counter() - self._began["test"],
                "versions": pl_module.state["versions"],
            },
        )


class PredictionWriter(BasePredictionWriter):
    """Writes ``predictions.csv`` into the run's folder: one row per text, in the order of the corpus."""

    def __init__(self) -> None:
        super().__init__(write_interval="epoch")

    def write_on_epoch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        predictions: Sequence[Any],
        batch_indices: Sequence[Any],
    ) -> None:
        """Gather the batches of all processes and write them in one."""
        assert isinstance(pl_module, SentimentClassifier)
        assert pl_module.state is not None
        if trainer.world_size > 1:
            gathered: list[Any] = [None] * trainer.world_size
            torch.distributed.all_gather_object(gathered, list(predictions))
            predictions = [batch for rank in gathered for batch in rank]
        folder = run_dir(trainer)
        if folder is None or not trainer.is_global_zero:
            return
        by_row = {int(row): p.tolist() for rows, batch in predictions for row, p in zip(rows, batch, strict=True)}
        names, threshold = pl_module.state["label_names"], pl_module.state["threshold"]
        examples = trainer.datamodule.corpus.split("test")  # type: ignore[attr-defined]
        path = folder / "predictions.csv"
        with written_whole(path) as scratch, scratch.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "label", "predicted", *(f"p_{name}" for name in names)])
            for row, (text, label) in enumerate(examples):
                prediction = decide(by_row[row], names, threshold)
                writer.writerow([text, names[label], prediction.label, *(f"{p:.6f}" for p in by_row[row])])
        print(f"{len(examples):,} predictions in {path}")
