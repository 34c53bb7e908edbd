"""One bad input -> a forked process with limits, and what is wrong with how it ended."""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

SECONDS = 10  # that an input may take of a core, whatever else the machine does
PATIENCE = 90  # seconds until one that waits for something is ended
MEMORY = 1500 * 2**20  # bytes that it may add to what the imports take
OWN = ("runs", "cache")  # what every command may write
SHOWN = 300  # characters of a fault
PAGE = os.sysconf("SC_PAGE_SIZE")


class Case(NamedTuple):
    """A bad input.

    Attributes:
        kind: The row of the table that counts it.
        name: What is bad about it.
        words: Of the command line.
        prepare: Writes its files to the folder in which the command will run.
        stdin: Standard input.
        run: Called instead of the command line; returns an exit code.
        user: Id of the user who runs it; None for the one who started this.
        largest: Bytes that a file may grow to; None for no limit.
        disk: Bytes of the disk on which the folder lies; None for any.
    """

    kind: str
    name: str
    words: tuple[str, ...]
    prepare: Callable[[Path], None] = lambda folder: None
    stdin: bytes = b""
    run: Callable[[], int] | None = None
    user: int | None = None
    largest: int | None = None
    disk: int | None = None


class Ended(NamedTuple):
    """How a case ended.

    Attributes:
        case: The case.
        how: answered, refused, or what is wrong: hang, traceback, crash, memory, exit code, not one line, changed.
        detail: What it said, shortened.
        seconds: Of a core that it took.
        peak: Bytes of memory that it added.
    """

    case: Case
    how: str
    detail: str
    seconds: float
    peak: int


class Started(NamedTuple):
    """A process at work."""

    case: Case
    folder: Path
    said: Path  # its standard error
    began: float
    before: dict[str, tuple[int, int]]


def run_all(cases: Iterable[Case], work: Path, at_once: int) -> Iterator[Ended]:
    """Run each case in a process and a folder of its own, a few at a time; yield how they ended."""
    running: dict[int, Started] = {}
    try:
        for number, case in enumerate(cases):
            while len(running) >= at_once:
                yield from ended(running)
            folder = work / f"case{number}"
            folder.mkdir()
            if case.disk is not None:
                subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={case.disk}", "tmpfs", folder], check=True)
            folder.chmod(0o777)
            in_a_process(case.prepare, folder)
            pid, started = start(case, folder)
            running[pid] = started
        while running:
            yield from ended(running)
    finally:
        for pid, started in running.items():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            remove(started)


def can_mount() -> bool:
    """Return whether small disks can be had here."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
        try:
            mounted = subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0
        except FileNotFoundError:
            return False
        if mounted:
            subprocess.run(["umount", folder], check=True)
        return mounted


def remove(started: Started) -> None:
    """Remove the folder of a case that has ended."""
    if started.case.disk is not None:
        subprocess.run(["umount", "--lazy", started.folder], check=True)
    shutil.rmtree(started.folder, ignore_errors=True)


def in_a_process(prepare: Callable[[Path], None], folder: Path) -> None:
    """Let files be written by a process that leaves neither memory nor threads here.

    Raises:
        RuntimeError: They could not be written.
    """
    if pid := os.fork():
        if os.waitpid(pid, 0)[1]:
            raise RuntimeError(f"a bad input could not be written in {folder}")
        return
    code = 1
    try:
        prepare(folder)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def start(case: Case, folder: Path) -> tuple[int, Started]:
    """Fork a process that runs a case."""
    said = folder.with_suffix(".err")
    folder.with_suffix(".in").write_bytes(case.stdin)
    before, began = content_of(folder), time.monotonic()
    sys.stdout.flush()
    if pid := os.fork():
        return pid, Started(case, folder, said, began, before)
    code = 1
    try:
        code = child(case, folder)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # as the interpreter does
        traceback.print_exc()
    finally:
        with suppress(BaseException):
            sys.stdout.flush()
        with suppress(BaseException):
            sys.stderr.flush()
        os._exit(code & 0xFF)


def child(case: Case, folder: Path) -> int:
    """Run a case under its limits; return the exit code."""
    os.setsid()
    os.chdir(folder)
    os.dup2(os.open(folder.with_suffix(".in"), os.O_RDONLY), 0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(folder.with_suffix(".err"), os.O_WRONLY | os.O_CREAT), 2)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w", errors="backslashreplace")
    os.environ |= {"SENTIMENT_CACHE": "cache", "HOME": str(folder / "cache")}  # where other programs leave files
    if case.user is not None:
        os.setgroups([])
        os.setgid(case.user)
        os.setuid(case.user)
    most = used_memory() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    sys.dont_write_bytecode = True  # half a file of it would outlive the case
    if case.largest is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that writing fails as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (case.largest, case.largest))
    from project.__main__ import main

    sys.argv = ["sentiment", *case.words]
    return case.run() if case.run else main()


def used_memory() -> int:
    """Return the size of this process's address space in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * PAGE


def ended(running: dict[int, Started]) -> Iterator[Ended]:
    """Yield the cases that have ended, after a short wait, and end those that take too long."""
    time.sleep(0.005)
    for pid, started in list(running.items()):
        done, status, usage = os.wait4(pid, os.WNOHANG)
        seconds = time.monotonic() - started.began
        hangs = not done and seconds > PATIENCE
        if hangs:
            os.kill(pid, signal.SIGKILL)
            done, status, usage = os.wait4(pid, 0)
        if done:
            del running[pid]
            own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            peak = max(usage.ru_maxrss - own, 0) * 1024
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)  # what it has started
            how, detail = ("hang", "") if hangs else verdict(started, os.waitstatus_to_exitcode(status), peak)
            remove(started)
            yield Ended(started.case, how, detail, usage.ru_utime + usage.ru_stime, peak)


def verdict(started: Started, code: int, peak: int) -> tuple[str, str]:
    """Return how a case ended, and what it said."""
    said = started.said.read_text(encoding="utf-8", errors="replace") if started.said.exists() else ""
    last = (said.strip().splitlines() or [""])[-1][:SHOWN]
    if code == -signal.SIGXCPU:
        return "hang", last
    if code < 0:
        return "crash", f"{signal.Signals(-code).name} {last}"
    if "MemoryError" in said or "bad_alloc" in said or peak > MEMORY:
        return "memory", last
    if "Traceback (most recent call last)" in said:
        return "traceback", last
    if code not in (0, 2) and (code, started.case.words[:1]) != (1, ("doctor",)):  # which has found something
        return "exit code", f"{code} {last}"
    if code == 2 and (fault := line_fault(said)):
        return "not one line", fault
    if changed := code and changes(started):
        return "changed", f"{changed}: {last}"
    return ("refused", last) if code else ("answered", last)


def line_fault(said: str) -> str:
    """Return what is wrong with the last words of a command that has refused something."""
    lines = said.rstrip("\n").split("\n")
    places = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    if not places or places[-1] != len(lines) - 1:
        return " / ".join(lines[places[-1] if places else -3 :])[:SHOWN]
    if len(lines[-1]) > 1000:
        return f"{len(lines[-1]):,} characters: {lines[-1]}"[:SHOWN]
    return "" if re.search(r"\w.*\w", lines[-1][7:]) else f"says nothing: {lines[-1]}"


def changes(started: Started) -> str:
    """Return which file a refused command has left, changed or removed; empty if none."""
    after = content_of(started.folder)
    return ", ".join(sorted(name for name in {*after, *started.before} if after.get(name) != started.before.get(name)))


def content_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of each file that is not a command's own business."""
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if name.parts[0] not in OWN and not path.is_dir():
            stat = path.lstat()
            found[str(name)] = (stat.st_size, stat.st_mtime_ns)
    return found
