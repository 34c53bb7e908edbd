# needs project/addons/teach project/addons/baselines
"""Few labels: test accuracy of the ways to learn from 100, 300 and 1,000 labels of movies, SST-2 and IMDB.

    python -m benchmarks.few_labels [--corpus NAME ...] [--method NAME ...] [--development] [--show] [--plot]

Each number of labels is drawn five times, and three times for a teacher's student, which takes minutes a draw. Runs
that FOLDER/results.jsonl holds are not repeated, so that it can be stopped at any time. Prints the mean over the draws
with its 95 % interval (Student's t). `--development` takes two other draws, measured on texts of train. `--show` only
prints what there is; `--plot` draws it too.
"""

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev
from typing import Any, NamedTuple

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.stats import t

from project.process import prepare

if __name__ == "__main__":
    prepare()  # as the command line does, before anything imports torch

from transformers import BertForSequenceClassification  # noqa: F401 # for the forks, as the next one

import project.cli  # noqa: F401
from benchmarks import report
from benchmarks.few_labels_draw import DEVELOPMENT, Draw, write_draw
from benchmarks.few_labels_methods import METHODS
from benchmarks.worker import ROOT
from project.atomic import atomic_write

CORPORA = ("sst2", "imdb", "movies")
STAGES = ((("sst2", "imdb"), 300), (("movies",), 300), (CORPORA, 100), (CORPORA, 1000))  # the most telling first
DRAWS, TAUGHT_DRAWS, DEVELOPMENT_DRAWS = 5, 3, 2
TAUGHT_LABELS = (100, 300)  # with more, labels alone go a long way
FIRST = ("TF-IDF", "LSA itself", "LSA + student", "default", "recipe, no teacher", "teacher + student")
SHARES = ("movies",)  # corpora with the shares of raters


class Run(NamedTuple):
    """A draw and a method."""

    draw: Draw
    method: str


def planned(development: bool) -> Iterator[Run]:
    """Yield all runs, the most telling first."""
    order = sorted(METHODS, key=lambda name: name not in FIRST)
    for corpora, labels in STAGES:
        for method in order:
            draws = TAUGHT_DRAWS if method.endswith("student") else DRAWS
            first, last = (DEVELOPMENT + 1, DEVELOPMENT + DEVELOPMENT_DRAWS) if development else (1, draws)
            for number in range(first, last + 1):
                yield from (Run(Draw(each, labels, number), method) for each in corpora if fits(each, labels, method))


def fits(corpus: str, labels: int, method: str) -> bool:
    """Return whether a method is measured there."""
    return (labels in TAUGHT_LABELS or not method.endswith("student")) and (
        corpus in SHARES or not method.endswith("shares")
    )


def read(path: Path) -> dict[Run, dict[str, Any]]:
    """Return the finished runs."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    facts = map(json.loads, lines)
    return {Run(Draw(each["corpus"], each["labels"], each["draw"]), each["method"]): each for each in facts}


def measure(run: Run, folder: Path) -> dict[str, Any]:
    """Do a run; return its line."""
    draw = write_draw(run.draw, folder / "draws")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        figures = METHODS[run.method](draw.absolute(), Path(scratch), run.draw.number)
    names = dict(zip(("corpus", "labels", "draw"), run.draw, strict=True))
    return {**names, "method": run.method, **figures, "seconds": time.perf_counter() - began}


def interval(values: list[float]) -> tuple[float, float]:
    """Return the mean, and half of its 95 % interval: nan for fewer than three values, of which it says nothing."""
    if len(values) < 3:
        return mean(values), float("nan")
    return mean(values), float(t.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5


def gathered(runs: dict[Run, dict[str, Any]]) -> dict[tuple[str, str], dict[int, list[float]]]:
    """Return test accuracies by corpus and method, then by number of labels; the teacher itself is one more method."""
    found: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for (draw, method), facts in runs.items():
        found[draw.corpus, method][draw.labels].append(facts["test/accuracy"])
        if "teacher/test/accuracy" in facts:
            found[draw.corpus, f"the {method.split(' ')[0]} itself"][draw.labels].append(facts["teacher/test/accuracy"])
    return found


def show(runs: dict[Run, dict[str, Any]]) -> None:
    """Print a table: a row per corpus and method, a column per number of labels."""
    sizes = sorted({run.draw.labels for run in runs})
    rows = []
    for (corpus, method), by_size in sorted(gathered(runs).items()):
        cells = []
        for size in sizes:
            middle, half = interval(by_size[size]) if size in by_size else (float("nan"), 0.0)
            cells.append(f"{middle:.1%} ± {100 * half:.1f} ({len(by_size[size])})" if size in by_size else "")
        rows.append((corpus, method, *cells))
    report.show("Test accuracy: mean, 95 % interval, draws", ["corpus", "method", *map(str, sizes)], rows)


def plot(path: Path, runs: dict[Run, dict[str, Any]]) -> None:
    """Draw accuracy against the number of labels, a panel per corpus and a curve per method, with the intervals."""
    figure = Figure(figsize=(10, 3.8), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    found = gathered(runs)
    for axes, corpus in zip(figure.subplots(1, len(CORPORA), sharey=True), CORPORA, strict=True):
        for place, (method, marker) in enumerate(zip(METHODS, "osv^Dx*P", strict=True)):
            points = sorted(found.get((corpus, method), {}).items())
            if points:
                middles, halves = zip(*(interval(values) for _, values in points), strict=True)
                x = [size * 1.03 ** (place - 2) for size, _ in points]  # apart, so that the intervals can be seen
                axes.errorbar(x, middles, halves, marker=marker, capsize=2, label=method, color=f"C{place}")
        axes.set_xscale("log")
        axes.set_xticks([100, 300, 1000], ["100", "300", "1,000"])
        axes.set_xticks([], minor=True)
        axes.set_title(corpus, fontsize=10)
        axes.set_xlabel("labels, a fifth of them val")
        axes.grid(True, alpha=0.3)
    figure.axes[0].set_ylabel("test accuracy")
    curves: dict[str, Any] = {}
    for axes in figure.axes:
        curves |= {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(curves.values(), curves, loc="outside lower center", ncols=len(METHODS), fontsize=8)
    with atomic_write(path) as scratch:
        figure.savefig(scratch, dpi=130, format="png")


def main() -> None:
    """Do the runs that are missing, print all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "runs" / "few_labels", help="for draws and results")
    for name, names in {"corpus": CORPORA, "method": METHODS}.items():
        parser.add_argument(f"--{name}", choices=names, default=list(names), nargs="+", help="run these alone")
    for name in ("development", "show", "plot"):
        parser.add_argument(f"--{name}", action="store_true")
    options = parser.parse_args()
    results = options.folder / ("development.jsonl" if options.development else "results.jsonl")
    options.folder.mkdir(parents=True, exist_ok=True)
    done = read(results)
    missing = [
        run
        for run in planned(options.development)
        if run not in done and run.draw.corpus in options.corpus and run.method in options.method
    ]
    for run in [] if options.show or options.plot else missing:
        done[run] = measure(run, options.folder)
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(done[run]) + "\n")
        print(f"{run.draw.path}, {run.method}: {done[run]['test/accuracy']:.3f}", flush=True)
    show(done)
    if options.plot:
        plot(ROOT / "docs" / "few_labels.png", done)


if __name__ == "__main__":
    main()
