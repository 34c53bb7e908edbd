# needs project/export project/serve
"""Does the server stay quick for an honest client, lose nothing, and stay as small as it was?

    make soak              half an hour; writes its part of docs/serving.md
    make soak QUICK=1      the same in a minute, with an endurance of seconds; writes nothing

Bad clients, a server and the honest client share this machine over loopback. The exit code is 1 if a limit is exceeded.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import linear_regression, quantiles
from typing import Any, NamedTuple

import aiohttp

from benchmarks import report, victim
from benchmarks.crowd import HELD, IDLE, PREDICT, SLOW
from benchmarks.generated import write_table
from benchmarks.http import memory_mb, serving
from benchmarks.worker import ROOT
from project.registry import registered

PAGE = ROOT / "docs" / "serving.md"
HEAD = ("what", "measured", "limit", "within it")
DEFAULT_SIZES = ("--model.embedding_dim=50", "--model.encoder.hidden_size=128", "--trainer.max_epochs=1")
ABANDONED, TEXTS = 70, 256  # requests whose client leaves at once, and texts in each
PATIENCE = 1.0  # seconds for the 99th percentile of the honest client
RECOVERY = 5  # seconds after which that has to hold again
SLOPE = 0.2  # MB a minute
BEGINNING = 10  # seconds until the crowd is there
PAUSE = 0.05  # seconds between two requests of the honest client
LINE = 400  # bytes of the log for a request

TEXT = "A warm and funny film."
LONG = " ".join(["The story is moving and the ending was long, but the music is dull."] * 4)
BODY = json.dumps({"texts": [f"{LONG} {number}" for number in range(TEXTS)]}).encode()


class Limit(NamedTuple):
    """A figure and what it may be."""

    what: str
    measured: str
    limit: str
    held: bool

    @property
    def row(self) -> tuple[str, ...]:
        """The row of the table."""
        return self.what, self.measured, self.limit, "yes" if self.held else "no"


@contextmanager
def crowd(url: str) -> Iterator[None]:
    """Keep the bad connections, in a process of their own, for as long as the block lasts."""
    with subprocess.Popen([sys.executable, "-m", "benchmarks.crowd", url], cwd=ROOT) as process:
        try:
            yield
        finally:
            process.kill()


async def honest(url: str, seconds: float) -> tuple[list[float], int]:
    """Ask with a connection for each request; return how long each took, and how many were not answered."""
    took, failed, end = [], 0, time.monotonic() + seconds
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        while time.monotonic() < end:
            began = time.monotonic()
            try:
                async with session.post(f"{url}/predict", json={"text": TEXT}) as answer:
                    await answer.read()
                failed += answer.status != 200
            except aiohttp.ClientError:
                failed += 1
            took.append(time.monotonic() - began)
            await asyncio.sleep(PAUSE)
    return took, failed


def quick_enough(what: str, took: list[float], failed: int) -> list[Limit]:
    """Return the figures of the honest client."""
    slow = quantiles(took, n=100)[98]
    return [
        Limit(f"{what}: honest client, p99", f"{slow:.2f} s", f"{PATIENCE:.0f} s", slow < PATIENCE),
        Limit(f"{what}: its requests without an answer", f"{failed} of {len(took)}", "0", not failed),
    ]


async def crowded(url: str, pid: int, log: Path, seconds: float) -> list[Limit]:
    """Measure among bad connections."""
    before = log.stat().st_size
    with crowd(url):
        await asyncio.sleep(BEGINNING)
        took, failed = await honest(url, seconds)
    bytes_a_second = (log.stat().st_size - before) / (seconds + BEGINNING)
    what = f"{IDLE:,} idle and {SLOW} slow connections, {HELD} held bodies"
    bounded = Limit(f"{what}: log", f"{bytes_a_second / 1e3:.0f} kB a second", "50", bytes_a_second < 50e3)
    peak = memory_mb(pid, "VmHWM")
    return [*quick_enough(what, took, failed), bounded, Limit(f"{what}: memory", f"{peak:.0f} MB", "500", peak < 500)]


async def abandon(url: str) -> None:
    """Send a large request and leave."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(PREDICT % len(BODY) + BODY)
    await writer.drain()
    writer.close()


async def abandoned(url: str, pid: int, log: Path, seconds: float) -> list[Limit]:
    """Measure after many large requests whose clients have left."""
    await asyncio.gather(*(abandon(url) for _ in range(ABANDONED)))
    await asyncio.sleep(RECOVERY)
    what = f"{RECOVERY} s after {ABANDONED} abandoned requests of {TEXTS} texts"
    return quick_enough(what, *await honest(url, seconds))


async def visitor(url: str, number: int, seen: list[int]) -> None:
    """Ask for ever, with requests of all kinds: one text, many, bad ones, figures; now and then leave too early."""
    bodies: list[Any] = [{"text": TEXT}, {"texts": [LONG] * 16}, {"text": ""}, {"text": f"{LONG} {number}"}]
    async with aiohttp.ClientSession() as session:
        for turn in range(sys.maxsize):
            seen[0] += 1
            with suppress(aiohttp.ClientError):
                if turn % 50 == 49:
                    await abandon(url)
                elif turn % 10 == 9:
                    await (await session.get(f"{url}/metrics")).read()
                else:
                    await (await session.post(f"{url}/predict", json=bodies[turn % 4])).read()
            await asyncio.sleep(PAUSE)


async def endured(url: str, pid: int, log: Path, seconds: float) -> list[Limit]:
    """Measure memory, open files and the log of a server that is asked for a long time."""
    seen, sizes, files, before = [0], [], [], log.stat().st_size
    visitors = [asyncio.create_task(visitor(url, number, seen)) for number in range(8)]
    began = time.monotonic()
    while (minute := (time.monotonic() - began) / 60) < seconds / 60:
        await asyncio.sleep(min(5, seconds / 20))
        sizes.append((minute, memory_mb(pid, "VmRSS")))
        files.append(len(list(Path(f"/proc/{pid}/fd").iterdir())))
    for task in visitors:
        task.cancel()
    await asyncio.gather(*visitors, return_exceptions=True)
    settled = sizes[len(sizes) // 4 :]  # threads and their memory come with the first requests
    slope = linear_regression(*zip(*settled, strict=True)).slope
    grown = (log.stat().st_size - before) / seen[0]
    half = len(files) // 2
    more_files = max(files[half:]) - max(files[:half])
    what = f"{seconds / 60:.0f} minutes, {seen[0]:,} requests"
    return [
        Limit(f"{what}: memory", f"{slope:+.2f} MB a minute", f"{SLOPE}", slope < SLOPE or seconds < 300),
        Limit(f"{what}: open files, second half against first", f"{more_files:+d}", "+8", more_files <= 8),
        Limit(f"{what}: log", f"{grown:.0f} bytes a request", f"{LINE}", grown < LINE),
    ]


Step = Callable[[str, int, Path, float], Coroutine[Any, Any, list[Limit]]]


def measure(work: Path, quick: bool, minutes: float) -> list[Limit]:
    """Take all steps; return the figures."""
    from benchmarks.reload import change_and_end  # needs project/export

    bundle = victim.make_models(work, *DEFAULT_SIZES).bundle
    assert bundle is not None  # since there is a server
    found: list[Limit] = []
    steps: list[tuple[Step, float]] = [(crowded, 5 if quick else 60), (abandoned, 3 if quick else 30)]
    steps.append((endured, 5 if quick else 60 * minutes))
    log = work / "log"
    with serving(bundle, log) as (url, pid):
        for step, seconds in steps:
            found += (limits := asyncio.run(step(url, pid, log, seconds)))
            for each in limits:
                print(" | ".join(each.row), flush=True)
    answers = 2000 if quick else 20_000
    (work / "changing").mkdir()
    seen = change_and_end(bundle, work / "changing", answers)
    lost = seen["lost"] + seen["wrong"]
    what = f"64 clients, {seen['reloads']} times SIGHUP, then SIGTERM: lost or wrong"
    found.append(Limit(what, f"{lost} of {seen['answered'] + lost:,}", "0", not lost))
    return found


def main() -> int:
    """Measure, print and write; return 1 if a limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="in a minute; writes nothing")
    parser.add_argument("--minutes", type=float, default=20, help="of endurance; other than 20: writes nothing")
    given, began = parser.parse_args(), time.monotonic()
    if sys.platform != "linux":
        print("this needs Linux: it reads memory and open files from /proc")
        return 0
    if "serve" not in registered("COMMANDS"):
        print("there is nothing to serve: this tree lacks project/serve")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        limits = measure(Path(folder), given.quick, given.minutes)
    rows = [each.row for each in limits]
    report.show("", HEAD, rows)
    if not given.quick and given.minutes == 20:
        write_table(PAGE, "soak", (time.monotonic() - began) / 60, HEAD, rows)
    return int(not all(each.held for each in limits))


if __name__ == "__main__":
    sys.exit(main())
