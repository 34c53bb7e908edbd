"""A tested model -> a table and a picture of its confusion matrix, and five texts with their predictions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import matplotlib.pyplot as plt
import torch
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console
from rich.table import Table
from torchmetrics.utilities.plot import plot_confusion_matrix

from project.atomic import atomic_write
from project.callbacks import run_dir
from project.predict import load

EXAMPLES = 5  # number of texts to show


class Report(L.Callback):
    """Shows the confusion matrix of a test and, after a fit, some texts of the test split."""

    def __init__(self) -> None:
        self._counts: list[list[int]] = []
        self._fitted = False

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Remember that the next test follows a fit."""
        self._fitted = True

    def on_test_epoch_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Sum the confusion matrices of all processes; every process has to call this."""
        self._counts = pl_module.confusion_matrix.compute().tolist()

    @rank_zero_only
    def teardown(self, trainer: L.Trainer, pl_module: Any, stage: str) -> None:
        """Print the tables; save the picture and log it to W&B: once a test is over and its results are written."""
        if stage != "test":
            return
        labels = pl_module.state["label_names"]
        print_confusion_matrix(self._counts, labels)
        if self._fitted and trainer.ckpt_path:
            print_examples(trainer.datamodule, Path(trainer.ckpt_path))  # type: ignore[attr-defined]
        folder = run_dir(trainer)
        if folder is None:
            return
        picture = folder / "confusion_matrix.png"
        draw_confusion_matrix(picture, self._counts, labels)
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                logger.log_image("test/confusion_matrix", [str(picture)])


def print_confusion_matrix(counts: Sequence[Sequence[int]], label_names: Sequence[str]) -> None:
    """Print `counts` (C rows of true classes, C columns of predicted ones)."""
    table = Table("true \\ predicted", *label_names, title="Confusion matrix of the test split")
    for name, row in zip(label_names, counts, strict=True):
        table.add_row(name, *(f"{count:,}" for count in row))
    Console().print(table)


def draw_confusion_matrix(path: Path, counts: Sequence[Sequence[int]], label_names: Sequence[str]) -> None:
    """Draw `counts` (C rows of true classes, C columns of predicted ones) into a PNG file."""
    size = 2.5 + 0.9 * len(label_names)  # inches
    figure, axes = plt.subplots(figsize=(size, size), layout="constrained")
    plot_confusion_matrix(torch.tensor(counts), ax=axes, labels=list(label_names), cmap="Blues")
    with atomic_write(path) as scratch:
        figure.savefig(scratch, dpi=150, format="png")
    plt.close(figure)


def print_examples(data: Any, checkpoint: Path) -> None:
    """Print the checkpoint's predictions for a few test texts, evenly spread over the split."""
    examples = data.corpus.split("test")
    chosen = list(examples[:: max(len(examples) // EXAMPLES, 1)][:EXAMPLES])
    table = Table("text", "true", "predicted", "confidence", title=f"{len(chosen)} texts of the test split")
    for example, answer in zip(chosen, load(checkpoint)([each.text for each in chosen]), strict=True):
        true = data.label_names[example.label]
        label = answer.label if answer.label == true else f"[red]{answer.label}[/red]"
        table.add_row(example.text, true, label, f"{answer.probability:.1%}")
    Console().print(table)
