"""Figures of a comparison -> tables in the terminal, in which nothing that a text holds is markup or control."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from project.addons.results.measured import Measured

Figures = list[dict[str, Any]]
MODELS = ("model", "accuracy", "interval", "right", "unanswered", "name")
PAIRS = ("a", "b", "gain", "interval", "lost", "won", "p", "p_holm", "verdict")


def show(title: str, columns: Iterable[str | Column], rows: Iterable[Iterable[Any]], wide: bool = False) -> None:
    """Print a table without frames, so that 80 columns hold it."""
    table = Table(*columns, box=None, padding=(0, 2, 0, 0), pad_edge=False, expand=wide)
    for row in rows:
        table.add_row(*map(cell, row))
    Console().print(Text(f"\n{title}", style="bold"), table, sep="\n")


def cell(value: Any) -> Text:
    """Return a figure, an interval, the number of some rows, or a text, in which control characters become spaces."""
    if isinstance(value, tuple):
        return Text(f"[{value[0]:.3f}, {value[1]:.3f}]")
    if isinstance(value, float):
        return Text("<0.001" if 0 < value < 0.0005 else f"{value:.3f}")
    if isinstance(value, str):
        return Text("".join(c if c.isprintable() else " " for c in value))
    return Text(f"{len(value) if isinstance(value, list) else value:,}")


def print_figures(models: Figures, pairs: Figures, slices: Figures) -> None:
    """Print accuracies, under the letters that stand for the models from there on, differences, and where they lie."""
    title = f"Accuracy on {models[0]['texts']:,} texts, with its 95 % interval"
    show(title, MODELS, ([each[key] for key in MODELS] for each in models))
    show(
        "Gain of b over a, with its 95 % interval; p of McNemar's exact test",
        PAIRS,
        ([each[key] for key in PAIRS] for each in pairs),
    )
    rows = [(each["name"], each["texts"], *each["accuracy"].values(), ", ".join(each["different"])) for each in slices]
    show("Accuracy by kind of text", ("", "texts", *slices[0]["accuracy"], "clearly different"), rows)


def print_changes(pairs: Figures, models: Mapping[str, Measured], examples: int) -> None:
    """Print texts that only one model of a pair got right, spread evenly over the split, a line each."""
    for pair in pairs if examples > 0 else ():
        a, b = models[pair["a"]], models[pair["b"]]
        changed = [pair[kind][:: max(len(pair[kind]) // examples, 1)][:examples] for kind in ("lost", "won")]
        names = ("true", pair["a"], pair["b"])
        labels = [Column(name, no_wrap=True, overflow="ellipsis", max_width=12) for name in names]
        text = Column("text", no_wrap=True, overflow="ellipsis", ratio=1)  # takes the width that is left
        rows = [(a.labels[row], a.answers[row], b.answers[row], a.texts[row]) for rows in changed for row in rows]
        show(f"Texts that only {pair['a']} or only {pair['b']} got right", [*labels, text], rows, wide=True)
