"""Measurements -> a table in the terminal, a JSON file, a plot."""

import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from project.atomic import atomic_write, write_json


def machine() -> dict[str, str]:
    """Name processor, cores and versions."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = lines[0].partition(": ")[2] if lines else cpu
    return {
        "processor": cpu,
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "torch": version("torch"),
        "lightning": version("lightning"),
    }


def show(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table, however wide."""
    table = Table(title=title, title_justify="left")
    for position, name in enumerate(head):
        table.add_column(name, justify="left" if position == 0 else "right")
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    Console(width=max(100, Console().width)).print(table)


def ratio(value: float) -> str:
    """Format a ratio."""
    return f"{value:.2f}x" if value < 10 else f"{value:.0f}x"


def seconds(value: float) -> str:
    """Format a time with its unit."""
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.1f} ms"


def save(path: Path, figures: dict[str, Any]) -> None:
    """Write the figures, with the machine's name."""
    write_json(path, {"machine": machine(), **figures})


def plot_lengths(path: Path, curves: dict[str, dict[int, float]]) -> None:
    """Draw time per step against sequence length, a curve per rival, both axes logarithmic."""
    figure = Figure(figsize=(7.5, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for (name, curve), marker in zip(curves.items(), "osv^Dx*", strict=False):
        axes.plot(list(curve), list(curve.values()), marker=marker, markersize=5, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    lengths = sorted({length for curve in curves.values() for length in curve})
    axes.set_xticks(lengths, [str(length) for length in lengths])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("longest text of the batch, tokens")
    axes.set_ylabel("seconds per training step")
    axes.grid(True, which="major", alpha=0.3)
    axes.legend(fontsize=8)
    facts = machine()
    axes.set_title(
        f"Bidirectional LSTM, B=64, E=100, H=128, L=1\n"
        f"{facts['cores']} cores of {facts['processor']}, torch {facts['torch']}",
        fontsize=9,
    )
    with atomic_write(path) as scratch:
        figure.savefig(scratch, dpi=150, format="png")
