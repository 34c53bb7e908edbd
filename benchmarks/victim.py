"""The command line on a small corpus, in a process that others interrupt."""

import csv
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from benchmarks.worker import ROOT
from project.checkpoint import read_checkpoint
from project.registry import registered

COMMAND = [sys.executable, "-m", "project"]
FIT = (
    *("fit", "--resume=auto", "--data.corpus=own.csv", "--data.vectors=null", "--data.batch_size=4"),
    *("--model.embedding_dim=8", "--model.encoder.hidden_size=8", "--trainer.max_epochs=4"),
    *("--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"),
)
LIMIT = 120  # seconds that a process may take

Process = subprocess.Popen[bytes]


class Models(NamedTuple):
    """What bad inputs and bad clients are tried on.

    Attributes:
        checkpoint: A small one.
        bundle: The same, exported; None in a tree without project/export.
    """

    checkpoint: Path
    bundle: Path | None

    @property
    def quick(self) -> str:
        """The one that answers sooner."""
        return str(self.bundle or self.checkpoint)


def make_models(work: Path, *options: str) -> Models:
    """Train a small model, and export it where this tree can."""
    folder = work / "model"
    folder.mkdir()
    write_corpus(folder / "own.csv")
    run(folder, work, *FIT, *options)
    checkpoint = next(folder.rglob("best.ckpt")).rename(folder / "best.ckpt")
    bundle = None
    if "export" in registered("COMMANDS"):
        run(folder, work, "export", "--ckpt_path", str(checkpoint), "--output", "bundle")
        bundle = folder / "bundle"
    for path in (work, *work.rglob("*")):  # for the user that owns nothing
        path.chmod(0o755 if path.is_dir() else 0o644)
    return Models(checkpoint, bundle)


def run(folder: Path, work: Path, *words: str) -> None:
    """Run a command that must succeed."""
    with running(folder, work, work / "cache", *words) as process:
        if (code := exit_code(process)) != 0:
            raise SystemExit(f"{words[0]} failed, {failure(folder, code)}")


def write_corpus(path: Path) -> None:
    """Write 400 sentences and their labels."""
    draw, subjects = random.Random(0), ["film", "story", "cast", "music", "ending", "plot"]
    words = {"positive": ["lovely", "moving", "funny", "warm"], "negative": ["dull", "clumsy", "hollow", "cold"]}
    rows = [("text", "label")]
    for number in range(400):
        label, (subject, other) = list(words)[number % 2], draw.sample(subjects, 2)
        rows.append((f"The {subject} is {draw.choice(words[label])}, and {other} {number} was long.", label))
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


@contextmanager
def running(folder: Path, scratch: Path, cache: Path, *words: str) -> Iterator[Process]:
    """Run a command in `folder`, with output to ``out.txt`` and ``err.txt``; it does not outlive the block."""
    env = os.environ | {"PYTHONPATH": str(ROOT), "WANDB_MODE": "disabled", "OMP_NUM_THREADS": "1"}
    env |= {"TMPDIR": str(scratch), "SENTIMENT_CACHE": str(cache)}
    with (folder / "out.txt").open("wb") as out, (folder / "err.txt").open("wb") as err:
        process = subprocess.Popen([*COMMAND, *words], cwd=folder, env=env, stdout=out, stderr=err)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def exit_code(process: Process) -> int | None:
    """Wait for the end; return the exit code as a shell gives it, None if the process hangs."""
    with suppress(subprocess.TimeoutExpired):
        code = process.wait(LIMIT)
        return code if code >= 0 else 128 - code
    return None


def failure(folder: Path, code: int | None) -> str:
    """Return how the last command in `folder` failed: its exit code and its last line."""
    lines = (folder / "err.txt").read_text(errors="replace").strip().splitlines()
    return f"{'it hangs' if code is None else f'exit code {code}'}: {lines[-1][:200] if lines else ''}"


def results(folder: Path) -> tuple[dict[str, bytes], list[str]]:
    """Return the weights of the newest ``last.ckpt``, bit by bit, and what the last command has printed of its test."""
    paths = folder.glob("runs/*/checkpoints/last.ckpt")
    newest = max(paths, key=lambda path: path.stat().st_mtime, default=folder / "last.ckpt")
    weights = {name: w.numpy().tobytes() for name, w in read_checkpoint(newest)["state_dict"].items()}
    return weights, [line for line in (folder / "out.txt").read_text().splitlines() if "test/" in line]


def begun(folder: Path) -> bool:
    """Return whether a run is about to train: it has printed what it trains on."""
    return b"\ntrain: " in (folder / "out.txt").read_bytes()


def being_written(folder: Path, scratch: Path) -> set[tuple[Path, int, int]]:
    """Return names, sizes and times of checkpoints and of files next to them and in TMPDIR."""
    found = set()
    for path in (*folder.glob("runs/*/checkpoints/*"), *scratch.rglob("*")):
        with suppress(FileNotFoundError):
            found.add((path, path.stat().st_size, path.stat().st_mtime_ns))
    return found


def wait_until(process: Process, reached: Callable[[], bool], pause: float) -> None:
    """Ask every `pause` seconds whether something is reached; give up when the process has ended, or after LIMIT."""
    end = time.monotonic() + LIMIT
    while not reached() and process.poll() is None and time.monotonic() < end:
        time.sleep(pause)


def wait_for_a_write(process: Process, folder: Path, scratch: Path, draw: random.Random) -> None:
    """Wait until a checkpoint is being written: for one of the first changes among those files."""
    seen = being_written(folder, scratch)

    def changed() -> bool:
        return being_written(folder, scratch) != seen

    for _ in range(draw.randint(1, 12)):
        wait_until(process, changed, pause=0.0003)
        seen = being_written(folder, scratch)


def wait_for_a_moment(process: Process, folder: Path, seconds: float, draw: random.Random) -> None:
    """Wait for a moment of the training; every fifth time for one since the start of the process."""
    if draw.randrange(5):
        wait_until(process, lambda: begun(folder), pause=0.005)
    with suppress(subprocess.TimeoutExpired):
        process.wait(draw.uniform(0, seconds))
