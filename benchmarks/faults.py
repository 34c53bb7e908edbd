"""Kill, flip and resume: does anything get lost?

    make faults            interrupts 85 runs and resumes them, flips 60 bits; writes its part of docs/reliability.md
    make faults QUICK=1    a sample of that in less than a minute; writes nothing

Every run is the real command line in a process of its own, on 400 sentences that are made here. Moments and bits are
drawn from fixed seeds. The exit code is 1 if anything was lost.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM, Signals, default_int_handler, signal
from typing import Any, NamedTuple

from benchmarks import report, victim
from benchmarks.generated import write_table
from benchmarks.worker import ROOT
from project import load
from project.checkpoint import read_checkpoint
from project.errors import UserError
from project.process import CORES
from project.registry import registered

SIGNALS = (SIGKILL, SIGTERM, SIGINT)
OTHER_DISK = Path("/dev/shm")  # on Linux another file system than that of the runs
TEXTS = ["A lovely film.", "The plot is dull, but the music was warm.", "!", "wise " * 40]
HEAD = ("what", "times", "how it ended", "with a loss")
PAGE = ROOT / "docs" / "reliability.md"

Outcome = tuple[str, list[str]]  # how an attempt ended, in a word or two, and what was lost
Step = tuple[str, list[Callable[[], Outcome]]]


class Whole(NamedTuple):
    """The run that nothing has interrupted.

    Attributes:
        work: Folder of everything.
        results: See `victim.results`.
        seconds: From its first batch, about, to its end.
    """

    work: Path
    results: tuple[dict[str, bytes], list[str]]
    seconds: float


def same_results(whole: Whole, folder: Path) -> bool:
    """Return whether a run has ended as the uninterrupted one did."""
    with suppress(UserError):
        return victim.results(folder) == whole.results
    return False


def uninterrupted(work: Path) -> Whole:
    """Train once to the end, which also fills the cache that the other runs share."""
    folder = work / "whole"
    folder.mkdir()
    victim.write_corpus(folder / "own.csv")
    with victim.running(folder, work, work / "cache", *victim.FIT) as process:
        victim.wait_until(process, partial(victim.begun, folder), pause=0.01)
        began = time.monotonic()
        if (code := victim.exit_code(process)) != 0:
            raise SystemExit(f"the uninterrupted run failed, {victim.failure(folder, code)}")
    return Whole(work, victim.results(folder), time.monotonic() - began)


def interrupt(whole: Whole, folder: Path, scratch: Path, sent: Signals, aimed: bool, draw: random.Random) -> list[str]:
    """Train, send a signal on the way, and return what is wrong then.

    Raises:
        TimeoutError: The run ended before.
    """
    with victim.running(folder, scratch, whole.work / "cache", *victim.FIT) as process:
        if aimed:
            victim.wait_for_a_write(process, folder, scratch, draw)
        else:
            victim.wait_for_a_moment(process, folder, whole.seconds, draw)
        process.send_signal(sent)
        code = victim.exit_code(process)
    if code == 0:
        raise TimeoutError
    faults = [] if code == 128 + sent else [f"{sent.name}: {victim.failure(folder, code)}"]
    for path in folder.rglob("*.ckpt"):
        try:
            read_checkpoint(path)
        except UserError:
            faults.append(f"{sent.name}: {path.name} cannot be read")
    return faults


def leftovers(folder: Path, scratch: Path) -> list[str]:
    """Return a fault for each other file among checkpoints, each hidden file, and each file in TMPDIR."""
    beside = [path for path in folder.rglob("checkpoints/*") if path.suffix != ".ckpt"]
    there = {*beside, *folder.rglob(".*"), *(path for path in scratch.rglob("*") if path.is_file())}
    return [f"a scratch file is left in {'TMPDIR' if scratch in path.parents else path.parent.name}" for path in there]


def resumed(whole: Whole, signals: tuple[Signals, ...], aimed: bool, seed: str) -> Outcome:
    """Interrupt a run with each of the signals, continue it to its end, and compare it with the uninterrupted one."""
    for attempt in range(9):  # a signal may come too late
        draw, folder = random.Random(f"{seed} {attempt}"), Path(tempfile.mkdtemp(dir=whole.work))
        shutil.copy(whole.work / "whole" / "own.csv", folder)
        with tempfile.TemporaryDirectory(dir=OTHER_DISK if aimed and OTHER_DISK.is_dir() else whole.work) as scratch:
            common = (folder, Path(scratch))
            try:
                faults = [fault for sent in signals for fault in interrupt(whole, *common, sent, aimed, draw)]
            except TimeoutError:
                continue
            with victim.running(*common, whole.work / "cache", *victim.FIT) as process:
                code = victim.exit_code(process)
            faults += leftovers(*common)
        if code != 0:
            return "not resumed", [*faults, f"resuming: {victim.failure(folder, code)}"]
        if not same_results(whole, folder):
            return "not bit-equal", [*faults, "other weights or another test"]
        return "bit-equal", faults
    return "never interrupted", ["each time the run ended before the signal"]


def flip(path: Path, draw: random.Random) -> None:
    """Flip one bit of a file."""
    content = bytearray(path.read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)


def flipped_model(model: Path, answers: Any, seed: str) -> Outcome:
    """Flip a bit of a copy of a checkpoint or a bundle, and ask it again."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / model.name
        (shutil.copytree if model.is_dir() else shutil.copy)(model, copy)
        flip(draw.choice(sorted(copy.iterdir())) if model.is_dir() else copy, draw)
        try:
            same = load(copy)(TEXTS) == answers
        except UserError as error:
            return "refused", [] if len(str(error).splitlines()) == 1 else [f"several lines: {error}"]
        except Exception as error:
            return "traceback", [f"traceback: {type(error).__name__}"]
    return ("without effect", []) if same else ("other answers", ["other answers"])


def flipped_cache(whole: Whole, seed: str) -> Outcome:
    """Flip a bit of a copy of the cache, and train and test with it."""
    draw, folder = random.Random(seed), Path(tempfile.mkdtemp(dir=whole.work))
    shutil.copy(whole.work / "whole" / "own.csv", folder)
    cache = shutil.copytree(whole.work / "cache", folder / "cache")
    path = draw.choice(sorted(path for path in cache.rglob("*") if path.is_file() and path.stat().st_size))
    flip(path, draw)
    with victim.running(folder, whole.work, cache, *victim.FIT) as process:
        code = victim.exit_code(process)
    failure = victim.failure(folder, code)
    if failure.startswith("exit code 2: error: "):
        return "refused", []
    if code != 0:
        return "failed", [f"{path.name}: {failure}"]
    same = same_results(whole, folder)
    return ("healed or without effect", []) if same else ("other results", [f"{path.name}: other results"])


def interruptions(whole: Whole, quick: bool) -> Iterator[Step]:
    """Yield the steps that interrupt runs and resume them."""
    in_turn = [(SIGNALS[n % 3],) for n in range(40)]
    several = [tuple(random.Random(n).choices(SIGNALS, k=1 + n % 2)) for n in range(25)]
    plan: dict[str, tuple[bool, list[tuple[Signals, ...]]]] = {
        "interrupted at the write of a checkpoint": (True, [*in_turn[:20]]),
        "interrupted at any moment": (False, [*in_turn]),
        "interrupted once or twice": (False, several),
    }
    if quick:
        plan = {"interrupted at the write of a checkpoint": (True, [(SIGKILL, SIGTERM)])}
    for name, (aimed, chosen) in plan.items():
        yield name, [partial(resumed, whole, sent, aimed, f"{name} {n}") for n, sent in enumerate(chosen)]


def flips(whole: Whole, quick: bool) -> Iterator[Step]:
    """Yield the steps that flip bits; the bundle is exported first, if this tree can."""
    models = {"checkpoint": next((whole.work / "whole").rglob("last.ckpt"))}
    if "export" in registered("COMMANDS"):
        models["bundle"] = whole.work / "bundle"
        words = ("export", "--ckpt_path", str(models["checkpoint"]), "--output", str(models["bundle"]))
        with victim.running(whole.work / "whole", whole.work, whole.work / "cache", *words) as process:
            if (code := victim.exit_code(process)) != 0:
                raise SystemExit(f"export failed, {victim.failure(whole.work / 'whole', code)}")
    for name, model in models.items():
        answers = load(model)(TEXTS)
        yield f"a bit of a {name} flipped", [partial(flipped_model, model, answers, str(n)) for n in range(20)]
    yield "a bit of the cache flipped", [partial(flipped_cache, whole, str(n)) for n in range(1 if quick else 20)]


def row_of(name: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Print and return a step's row of the table."""
    ends = ", ".join(f"{count} {kind}" for kind, count in Counter(kind for kind, _ in outcomes).most_common())
    row = (name, str(len(outcomes)), ends, str(sum(bool(faults) for _, faults in outcomes)))
    report.show("", HEAD, [row])
    for fault, count in Counter(fault for _, faults in outcomes for fault in faults).most_common():
        print(f"  {count} x {fault}", flush=True)
    return row


def measure(work: Path, quick: bool) -> list[tuple[str, ...]]:
    """Do all steps, as many attempts at once as there are cores; return the rows of the table."""
    whole = uninterrupted(work)
    pool = ThreadPoolExecutor(CORES)
    try:
        steps = [*flips(whole, quick), *interruptions(whole, quick)]
        started = [(name, [pool.submit(task) for task in tasks]) for name, tasks in steps]
        return [row_of(name, [each.result() for each in futures]) for name, futures in started]
    finally:
        pool.shutdown(cancel_futures=True)  # Ctrl-C waits for the attempts that are at work, not for all others


def main() -> int:
    """Measure, print and write; return 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a sample of it, in less than a minute; writes nothing")
    quick, began = parser.parse_args().quick, time.monotonic()
    if "auto" not in registered("RESUME"):
        print("no run can be resumed: this tree lacks project/addons/resume")
        return 0
    for number in (SIGINT, SIGTERM):
        signal(number, default_int_handler)  # a script's background job ignores SIGINT, and so would its children
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder), quick)
    if not quick:
        write_table(PAGE, "faults", (time.monotonic() - began) / 60, HEAD, rows)
    return int(any(row[-1] != "0" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
