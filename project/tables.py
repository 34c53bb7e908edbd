"""Figures of a run -> tables in the terminal and a picture."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from project.atomic import atomic_write


def draw_confusion_matrix(path: Path, counts: Sequence[Sequence[int]], label_names: Sequence[str]) -> None:
    """Draw `counts` (C rows of true classes, C columns of predicted ones) into a PNG file, in one piece."""
    size = 2.2 + 0.8 * len(label_names)
    figure = Figure(figsize=(size, size), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    shares = [[count / max(sum(row), 1) for count in row] for row in counts]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for true, row in enumerate(counts):
        for predicted, count in enumerate(row):
            share = shares[true][predicted]
            colour = "white" if share > 0.5 else "black"
            axes.text(predicted, true, f"{count:,}\n{share:.1%}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(label_names)), label_names)
    axes.set_yticks(range(len(label_names)), label_names, rotation=90, va="center")
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    with atomic_write(path) as scratch:
        figure.savefig(scratch, dpi=150, format="png")


def print_confusion_matrix(counts: Sequence[Sequence[int]], label_names: Sequence[str]) -> None:
    """Print `counts` (C rows of true classes, C columns of predicted ones)."""
    table = Table("true \\ predicted", *label_names, title="Confusion matrix of the test split")
    for name, row in zip(label_names, counts, strict=True):
        table.add_row(name, *(f"{count:,}" for count in row))
    Console().print(table)


def print_predictions(rows: Sequence[tuple[str, str, str, float]]) -> None:
    """Print (text, true label, predicted label, its probability)."""
    table = Table("text", "true", "predicted", "confidence", title="Five texts of the test split")
    for text, true, predicted, probability in rows:
        table.add_row(text, true, predicted if predicted == true else f"[red]{predicted}[/red]", f"{probability:.1%}")
    Console().print(table)
