"""A tested model -> a table and a picture of its confusion matrix, and five texts with their predictions."""

import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import matplotlib.pyplot as plt
import numpy as np
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from project.atomic import atomic_write
from project.callbacks import of_all_processes, run_dir
from project.head import answers
from project.predict import load

EXAMPLES = 5  # number of texts to show
MOST_IN_TABLE = 8  # classes; of more the largest confusions are printed
CONFUSIONS = 15  # of these
MOST_NUMBERS = 20  # classes whose counts are written into the picture
MOST_DRAWN = 60  # classes in a picture
LONGEST_NAME = 30  # characters of a label in it


class Report(L.Callback):
    """Shows the confusion matrix of a test and, after a fit, some texts of the test split."""

    def __init__(self) -> None:
        self._counts: list[list[int]] = []
        self._fitted = False

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Remember that the next test follows a fit."""
        self._fitted = True

    def on_test_start(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Begin to count."""
        self._pairs: dict[int, tuple[int, int]] = {}  # label and answer, by row in the split

    def on_test_batch_end(self, trainer: L.Trainer, pl_module: Any, outputs: Any, *_: Any, **__: Any) -> None:
        """Keep the answers."""
        chosen: Any = answers(outputs["logits"], pl_module.decision)[0]
        pairs = zip(outputs["labels"].tolist(), chosen.tolist(), strict=True)
        self._pairs.update(zip(outputs["rows"].tolist(), pairs, strict=True))

    def on_test_epoch_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Count the confusions of all processes; every process has to call this."""
        pairs = {row: pair for each in of_all_processes(trainer, self._pairs) for row, pair in each.items()}
        counts, classes = Counter(pairs.values()), range(len(pl_module.decision.label_names))
        self._counts = [[counts[true, predicted] for predicted in classes] for true in classes]

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
        if folder is None or len(labels) > MOST_DRAWN:
            return
        picture = folder / "confusion_matrix.png"
        draw_confusion_matrix(picture, self._counts, labels)
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                logger.log_image("test/confusion_matrix", [str(picture)])


def print_confusion_matrix(counts: Sequence[Sequence[int]], label_names: Sequence[str]) -> None:
    """Print `counts` (C rows of true classes, C columns of predicted ones); of many classes the largest confusions."""
    names = [Text(name) for name in label_names]  # labels are no markup
    if len(names) <= MOST_IN_TABLE:
        table = Table("true \\ predicted", *map(Column, names), title="Confusion matrix of the test split")
        for name, row in zip(names, counts, strict=True):
            table.add_row(name, *(f"{count:,}" for count in row))
    else:
        table = Table("true", "predicted", "texts", title="Largest confusions in the test split")
        wrong = [(n, i, j) for i, row in enumerate(counts) for j, n in enumerate(row) if n and i != j]
        for count, true, predicted in sorted(wrong, reverse=True)[:CONFUSIONS]:
            table.add_row(names[true], names[predicted], f"{count:,}")
    Console().print(table)


def draw_confusion_matrix(path: Path, counts: Sequence[Sequence[int]], label_names: Sequence[str]) -> None:
    """Draw `counts` (C rows of true classes, C columns of predicted ones) into a PNG file, shaded by row."""
    classes = len(label_names)
    size = 2.5 + min(0.9 * classes, 6 + 0.3 * classes)  # inches
    names = [name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…" for name in label_names]
    matrix = np.array(counts)
    shares = matrix / matrix.sum(1, keepdims=True).clip(min=1)
    figure, axes = plt.subplots(figsize=(size, size), layout="constrained")
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for set_ticks, angle in (axes.set_xticks, 0 if classes <= 4 else 90), (axes.set_yticks, 0):
        set_ticks(range(classes), names, rotation=angle, parse_math=False)  # a label is no mathematics
    axes.set(xlabel="predicted", ylabel="true")
    for row, column in np.ndindex(classes, classes) if classes <= MOST_NUMBERS else ():
        color = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, f"{matrix[row, column]:,}", ha="center", va="center", color=color)
    with atomic_write(path) as scratch, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # of scripts that the font lacks
        figure.savefig(scratch, dpi=150, format="png")
    plt.close(figure)


def print_examples(data: Any, checkpoint: Path) -> None:
    """Print the checkpoint's predictions for a few test texts, evenly spread over the split, a line each."""
    examples = data.corpus.split("test")
    chosen = list(examples[:: max(len(examples) // EXAMPLES, 1)][:EXAMPLES])
    console = Console()
    names = [name[:LONGEST_NAME] for name in data.label_names]
    room = max(console.width - 30 - 2 * max(map(len, names)), 20)  # characters for a text
    table = Table("text", "true", "predicted", "confidence", title=f"{len(chosen)} texts of the test split")
    for example, answer in zip(chosen, load(checkpoint)([each.text for each in chosen]), strict=True):
        true = data.label_names[example.label]
        label = Text(answer.label, style="" if answer.label == true else "red")
        text = " ".join(example.text.split())
        shown = text if len(text) <= room else f"{text[: room - 1]}…"
        table.add_row(Text(shown), Text(true), label, f"{answer.probability:.1%}")
    console.print(table)
