"""How fast the recurrence is: against torch's own LSTM, and against its matrix products alone.

    make bench           14 minutes; writes benchmarks/encoder.json and docs/encoder_speed.png
    make bench QUICK=1   about 3 minutes; prints only

Every rival is a process of its own. They take turns, one step each, in one order and then in the other, so that a busy
moment of the machine affects them all; a ratio is the median of the ratios of the turns. A rival whose step takes over
two seconds takes two turns or one; its ratio is that of the medians. All others, except long matrix products, begin a
turn with a step that does not count: training has no pauses in which a virtual machine's kernel takes memory back.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

from tqdm import tqdm

from benchmarks import report
from benchmarks.lengths import MOVIES, bucket, mixed, reviews
from benchmarks.rivals import Shape
from benchmarks.worker import ROOT, Worker

SLOW, VERY_SLOW = 2.0, 8.0  # seconds of a step from which it is timed 2 times, or once
SHORT = 0.1  # seconds of a step up to which a turn is the median of four
BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"
CAP = 0.2  # seconds of a packed step after which the grid goes no further
SMALL = 100  # MB of a step up to which its memory is the median of PROCESSES, since it depends on how the threads meet
PROCESSES, PROCESS_STEPS = 3, 40
DOUBTFUL, AGAIN = 0.9, 4  # ratio of the grid below which so many more pairs of processes tell noise from loss
DOUBTFUL_STEP, STEP_AGAIN = 1.05, 2  # likewise of a training step, against padded at equal settings
REST = 0.02  # seconds after which the threads of the last rival have stopped spinning


class Rival(NamedTuple):
    """A way to compute, and the settings of its process; see benchmarks/rivals.py."""

    way: str
    settings: str

    def __str__(self) -> str:
        """Return the name in tables."""
        settings = {"default": "as is", "flush": "flush-denormal", "malloc": "flush, allocator", "prepared": "prepared"}
        return f"{self.way}, {settings[self.settings]}"


OURS = Rival("project", "prepared")
LIMIT = Rival("limit", "malloc")
PACKED, PADDED = Rival("packed", "flush"), Rival("padded", "flush")
PACKED_EQUAL, PADDED_EQUAL = Rival("packed", "malloc"), Rival("padded", "malloc")

REVIEWS_400 = "reviews of like length, T<=400, H=128, L=1"
STEPS = {
    "reviews of like length, T<=256, H=256, L=2": Shape(bucket(64, 256), 100, 256, 2),
    "reviews at random, T<=256, H=256, L=2": Shape(reviews(64, 256), 100, 256, 2),
    REVIEWS_400: Shape(bucket(64, 400), 100, 128, 1),
    "movie sentences at random, T<=45, H=128, L=1": Shape(MOVIES, 50, 128, 1),
}


class Process(Worker):
    """A rival at work."""

    peak_mb: float

    def __init__(self, rival: Rival) -> None:
        self.rival = rival
        super().__init__("benchmarks.rivals", rival.settings)

    def make(self, shape: Shape, kind: str) -> None:
        """Make a step ready."""
        self.path = self.ask(do="make", rival=self.rival.way, kind=kind, shape=shape)["path"]

    def time(self, times: int = 1) -> list[float]:
        """Return the seconds of that many steps."""
        answer = self.ask(do="time", times=times)
        self.peak_mb = answer["peak_mb"] - self.hello["empty_mb"]
        seconds: list[float] = answer["seconds"]
        return seconds


def take_turns(processes: Sequence[Process], shape: Shape, kind: str = "train", turns: int = 7) -> list[list[float]]:
    """Return the seconds of each process's steps, turn by turn; slow ones take fewer turns."""
    seconds: list[list[float]] = [[] for _ in processes]
    allowed: list[int] = []
    for process, done in zip(processes, seconds, strict=True):
        process.make(shape, kind)
        first = process.time()[0]
        if first > VERY_SLOW:
            done.append(first)
        else:
            first = process.time()[0]  # the very first one waited for memory
        allowed.append(1 if first > VERY_SLOW else min(2, turns) if first > SLOW else turns)
    for turn in range(turns):
        order = range(len(processes)) if turn % 2 == 0 else reversed(range(len(processes)))
        for place in order:
            done = seconds[place]
            if len(done) < allowed[place]:
                time.sleep(REST)
                once = allowed[place] < turns or processes[place].rival == LIMIT  # whose step takes no new memory
                times = 5 if done and done[0] < SHORT else 1 if once else 2
                taken = processes[place].time(times)
                done.append(median(taken[1:] or taken))
    return seconds


def memory_mb(process: Process, shape: Shape) -> float:
    """Return the most memory of a process's steps; of small ones the median of several processes."""
    if process.peak_mb > SMALL:
        return process.peak_mb
    peaks = []
    for _ in range(PROCESSES):
        with Process(process.rival) as another:
            another.make(shape, "train")
            another.time(PROCESS_STEPS)
            peaks.append(another.peak_mb)
    return median(peaks)


def ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """Return how many times as long theirs takes: the median over the turns, or of the medians if one took fewer.

    A single turn would compare with a step after minutes of rest, whose memory the kernel may have taken back.
    """
    if len(theirs) != len(ours):
        return median(theirs) / median(ours)
    return median(a / b for a, b in zip(theirs, ours, strict=True))


@contextmanager
def pair_with(rival: Rival) -> Iterator[tuple[Process, Process]]:
    """Run a rival and packed_rnn, each in a new process."""
    with Process(rival) as theirs, Process(OURS) as ours:
        yield theirs, ours


def ratio_in_new_pair(rival: Rival, shape: Shape) -> float:
    """Return how many times as long as packed_rnn's a rival's step takes, both in new processes."""
    with pair_with(rival) as pair:
        return ratio(*take_turns(pair, shape, turns=3))


def training_steps(quick: bool) -> dict[str, Any]:
    """Time a training step of every rival at the shapes that people train."""
    figures: dict[str, Any] = {}
    for name, shape in STEPS.items():
        long = shape.num_layers > 1
        rivals = [OURS, LIMIT, PADDED, PADDED_EQUAL, PACKED]
        if not quick:
            also = [Rival("bf16", "prepared"), Rival("project", "flush")]
            rivals += also if "like" in name else []
            all_settings = [PACKED_EQUAL, Rival("packed", "default"), Rival("padded", "default")]
            rivals += all_settings if not long else []
        if quick and long:
            continue
        with ExitStack() as stack:
            processes = [stack.enter_context(Process(rival)) for rival in rivals]
            seconds = take_turns(processes, shape, turns=3 if quick else 7 if max(shape.lengths) > 100 else 21)
            threads = {process.rival: process.hello["threads"] for process in processes}
            memory = {p.rival: memory_mb(p, shape) if p.rival in (OURS, PACKED) else p.peak_mb for p in processes}
            empty = {process.rival: process.hello["empty_mb"] for process in processes}
        figures[name] = {
            str(rival): {
                "seconds": median(times),
                "times": len(times),
                "ratio": ratio(times, seconds[0]),
                "memory_mb": memory[rival],
                "process_mb": memory[rival] + empty[rival],
                "threads": threads[rival],
            }
            for rival, times in zip(rivals, seconds, strict=True)
        }
        equal = figures[name][str(PADDED_EQUAL)]
        if equal["ratio"] < DOUBTFUL_STEP and not quick:
            again = [ratio_in_new_pair(PADDED_EQUAL, shape) for _ in range(STEP_AGAIN)]
            equal["ratio"] = median([equal["ratio"], *again])
        report.show(
            f"Training step: {name}",
            ["rival", "threads", "time", "times", "against packed_rnn", "memory, MB", "with the process, MB"],
            [
                (
                    r,
                    f["threads"],
                    report.seconds(f["seconds"]),
                    f["times"],
                    report.ratio(f["ratio"]),
                    f"{f['memory_mb']:.0f}",
                    f"{f['process_mb']:.0f}",
                )
                for r, f in figures[name].items()
            ],
        )
    return figures


def grid(quick: bool) -> list[dict[str, Any]]:
    """Time packed_rnn and packed over a grid of shapes; a packed step of over 0.2 s ends a row.

    Packed has all threads and this repository's settings of memory and denormals. The same kernel may be half as fast
    in another process, as long as that lives: a ratio in doubt is the median over several pairs of them.
    """
    measured: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []  # a shape, and what each pair of processes took
    with pair_with(PACKED_EQUAL) as pair:
        for row in tqdm(grid_rows(quick), desc="grid", leave=False):
            for point in row:
                once = grid_point(pair, point, turns=7 if point["T"] < 100 else 3 if point["T"] < 400 else 1)
                measured.append((point, [once]))
                if once["packed_s"] > CAP:
                    break
    doubtful = [(point, pairs) for point, pairs in measured if pairs[0]["ratio"] < DOUBTFUL]
    for _ in tqdm(range(AGAIN if doubtful else 0), desc="grid again", leave=False):
        with pair_with(PACKED_EQUAL) as pair:
            for point, pairs in doubtful:
                turns = 7 if point["T"] < 100 else 3 if pairs[0]["packed_s"] < CAP else 1
                pairs.append(grid_point(pair, point, turns))
    figures = [
        point
        | {key: median(one[key] for one in pairs) for key in ("ratio", "packed_s", "project_s")}
        | {"pairs": len(pairs), "path": pairs[0]["path"]}
        for point, pairs in measured
    ]
    figures.sort(key=lambda f: f["ratio"])
    show_grid(figures)
    return figures


def grid_rows(quick: bool) -> list[list[dict[str, Any]]]:
    """Return the shapes of the grid: a row for each network and kind of batch, of growing length."""
    batches = [("equal", 1), ("equal", 16), ("mixed", 16), ("equal", 256), ("mixed", 256)]
    networks: Sequence[tuple[int, int]] = [(1, 32), (1, 128), (1, 512), (2, 128), (3, 64)]
    steps: Sequence[int] = (5, 20, 100, 400, 1000)
    if quick:
        batches, networks, steps = batches[1:3], networks[:2], steps[:2]
    return [
        [{"L": layers, "H": hidden, "B": texts, "T": longest, "lengths": kind} for longest in steps]
        for (layers, hidden), (kind, texts) in product(networks, batches)
    ]


def grid_point(pair: tuple[Process, Process], point: dict[str, Any], turns: int) -> dict[str, Any]:
    """Time a shape of the grid in one pair of processes."""
    lengths = mixed(point["B"], point["T"]) if point["lengths"] == "mixed" else [point["T"]] * point["B"]
    packed, ours = take_turns(pair, Shape(lengths, 64, point["H"], point["L"]), turns=turns)
    return {
        "ratio": ratio(packed, ours),
        "packed_s": median(packed),
        "project_s": median(ours),
        "path": pair[1].path,
    }


def show_grid(figures: Sequence[dict[str, Any]]) -> None:
    """Print the shapes that do not take the packed kernel itself, worst and best, and how many do."""
    others = [f for f in figures if f["path"] != "packed"]
    same = [f["ratio"] for f in figures if f["path"] == "packed"]
    report.show(
        f"Grid of {len(figures)} shapes: packed against packed_rnn, with all threads. In {len(same)} of them the "
        f"packed_rnn took the packed kernel itself (ratio {median(same):.2f}, at worst {min(same):.2f}); of the "
        "others, worst and best",
        ["L", "H", "B", "T", "lengths", "packed", "project", "ratio", "path"],
        [
            (
                *(f[key] for key in ("L", "H", "B", "T", "lengths")),
                report.seconds(f["packed_s"]),
                report.seconds(f["project_s"]),
                report.ratio(f["ratio"]),
                f["path"],
            )
            for f in (others if len(others) < 14 else others[:8] + others[-4:])
        ],
    )


def inference(quick: bool) -> dict[str, Any]:
    """Time batches and single texts without gradients."""
    rivals = [OURS, PACKED, Rival("int8", "flush")]
    figures: dict[str, Any] = {}
    with ExitStack() as stack:
        processes = [stack.enter_context(Process(rival)) for rival in rivals]
        shapes = {"64 reviews, T<=256": Shape(bucket(64, 256), 100, 128, 1)}
        shapes |= {f"one text of {length}": Shape([length], 100, 128, 1) for length in (20, 100, 400)}
        for name, shape in shapes.items():
            seconds = take_turns(processes, shape, "infer", 15 if quick or len(shape.lengths) > 1 else 60)
            figures[name] = {
                str(rival): {
                    "p50_s": median(times),
                    "p95_s": quantiles(times, n=20)[-1],
                    "tokens_per_s": sum(shape.lengths) / median(times),
                    "ratio": ratio(times, seconds[0]),
                }
                for rival, times in zip(rivals, seconds, strict=True)
            }
    report.show(
        "Inference: E=100, H=128, L=1",
        ["batch", "rival", "p50", "p95", "tokens/s", "against packed_rnn"],
        [
            (
                name,
                rival,
                *map(report.seconds, (f["p50_s"], f["p95_s"])),
                f"{f['tokens_per_s']:,.0f}",
                report.ratio(f["ratio"]),
            )
            for name, rivals_of in figures.items()
            for rival, f in rivals_of.items()
        ],
    )
    return figures


def curve(steps: dict[str, Any]) -> dict[str, dict[int, float]]:
    """Time a training step at growing length, for the plot; of the longest `steps` has the times already."""
    rivals = [PACKED, Rival("padded", "default"), PADDED, OURS, LIMIT]
    curves: dict[str, dict[int, float]] = {str(rival): {} for rival in rivals}
    for longest in tqdm((10, 25, 50, 100, 200), desc="lengths", leave=False):
        with ExitStack() as stack:  # new processes: after a change of shape some steps take three times as long
            processes = [stack.enter_context(Process(rival)) for rival in rivals]
            taken = take_turns(processes, Shape(bucket(64, longest), 100, 128, 1))
        for rival, times in zip(rivals, taken, strict=True):
            curves[str(rival)][longest] = median(times)
    for name, times_of in curves.items():
        times_of[400] = steps[REVIEWS_400][name]["seconds"]
    return curves


def busy_machine() -> dict[str, Any]:
    """Time a step with one other process that takes all it can of one core."""
    figures: dict[str, Any] = {}
    rivals = [OURS, Rival("project", "malloc"), PADDED_EQUAL]
    with ExitStack() as stack:
        processes = [stack.enter_context(Process(rival)) for rival in rivals]
        shape = STEPS[REVIEWS_400]
        quiet = take_turns(processes, shape)
        busy = subprocess.Popen([sys.executable, "-c", BUSY])
        try:
            loaded = take_turns(processes, shape)
        finally:
            busy.kill()
            busy.wait()
    for rival, before, after in zip(rivals, quiet, loaded, strict=True):
        figures[str(rival)] = {
            "quiet_s": median(before),
            "busy_s": median(after),
            "ratio": median(after) / median(before),
        }
    report.show(
        "Next to a busy process (T<=400, H=128, L=1)",
        ["rival", "quiet", "busy", "times as long"],
        [
            (r, report.seconds(f["quiet_s"]), report.seconds(f["busy_s"]), report.ratio(f["ratio"]))
            for r, f in figures.items()
        ],
    )
    return figures


def whole_loop(quick: bool) -> dict[str, Any]:
    """Time `fit` and a bare loop in turns, and the loader alone."""
    order = ["loader", "fit", "bare"] if quick else ["loader", "bare", "fit", "fit", "bare"]
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for which in tqdm(order, desc="whole loop", leave=False):
            facts = run_loop(which, Path(folder))
            best[which] = min(*facts["seconds"][1:], best.get(which, float("inf")))
    rates = {which: facts["tokens"] / seconds for which, seconds in best.items()}
    figures = {"tokens_per_s": rates, "fit_against_bare": rates["fit"] / rates["bare"], **facts}
    report.show(
        "Whole loop: IMDB's lengths, T<=400, B=64, E=50, H=128, L=1",
        ["what", "tokens/s", "of the bare loop"],
        [(which, f"{rate:,.0f}", f"{rate / rates['bare']:.1%}") for which, rate in rates.items()],
    )
    print(f"padding: {facts['padding_in_buckets']:.1%} in buckets, {facts['padding_at_random']:.1%} at random\n")
    return figures


def run_loop(which: str, folder: Path) -> dict[str, Any]:
    """Run benchmarks/loop.py in `folder`."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "WANDB_MODE": "offline"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.loop", which],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return facts


def main() -> None:
    """Measure, print, and write unless it is quick."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer shapes and turns; write nothing")
    quick = parser.parse_args().quick
    figures: dict[str, Any] = {
        "training_steps": training_steps(quick),
        "busy_machine": busy_machine(),
        "inference": inference(quick),
        "whole_loop": whole_loop(quick),
        "grid": grid(quick),
    }
    if not quick:
        figures["curve"] = curve(figures["training_steps"])
        report.save(ROOT / "benchmarks" / "encoder.json", figures)
        report.plot_lengths(ROOT / "docs" / "encoder_speed.png", figures["curve"])


if __name__ == "__main__":
    main()
