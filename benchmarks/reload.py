# needs project/export project/serve
"""Does a server lose a request if its model is replaced ten times under load, and it is then told to stop?

    .venv/bin/python -m benchmarks.reload --bundle bundle    in half a minute

64 clients ask without a pause while the bundle is exchanged for one of another temperature, and back. After 20,000
answers the server gets SIGTERM; the clients go on, with new connections, until these are refused. Every answer has to
be that of the model that its header X-Model names.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.http import memory_mb, serving
from project.export.bundle import open_bundle, read_bundle
from project.export.command import write_facts

CLIENTS, ANSWERS, RELOADS = 64, 20_000, 10
TEXT = "A warm and funny film."


def two_bundles(bundle: Path, folder: Path) -> dict[str, float]:
    """Make two bundles of one; return the probability that each gives, by the model's name in X-Model."""
    expected = {}
    for name, factor in (("first", 1.0), ("second", 3.0)):
        copy = shutil.copytree(bundle, folder / name)
        facts, _ = read_bundle(copy)
        facts["decision"]["temperature"] *= factor
        write_facts(copy, facts)
        digest = read_bundle(copy)[0]["sha256"]["bundle.json"][:16]
        expected[digest] = open_bundle(copy)([TEXT])[0].probability
    return expected


def point(folder: Path, name: str) -> None:
    """Let the link that is served point to a bundle, in one step."""
    (folder / "new").symlink_to(name)
    (folder / "new").replace(folder / "current")


async def client(session: aiohttp.ClientSession, url: str, expected: dict[str, float], seen: Counter[str]) -> None:
    """Ask until connections are refused; count what happens."""
    while True:
        try:
            async with session.post(f"{url}/predict", json={"text": TEXT}) as answer:
                content, model = await answer.json(), answer.headers["X-Model"]
        except aiohttp.ClientConnectorError:  # no connection: nothing was sent
            seen["refused"] += 1
            return
        except aiohttp.ClientError:
            seen["lost"] += 1
            continue
        right = answer.status == 200 and abs(content["predictions"][0]["probability"] - expected[model]) < 1e-6
        seen["answered" if right else "wrong"] += 1
        seen[model] += 1


async def load(url: str, pid: int, folder: Path, expected: dict[str, float], answers: int) -> Counter[str]:
    """Let the clients ask while the model changes and the server ends."""
    seen: Counter[str] = Counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CLIENTS)) as session:
        clients = [asyncio.create_task(client(session, url, expected, seen)) for _ in range(CLIENTS)]
        for turn in range(1, RELOADS + 1):
            while seen["answered"] < turn * answers // (RELOADS + 1):
                await asyncio.sleep(0.01)
            point(folder, ("first", "second")[turn % 2])
            os.kill(pid, signal.SIGHUP)
        while seen["answered"] < answers:
            await asyncio.sleep(0.01)
        seen["MB"] = round(memory_mb(pid, "VmHWM"))
        os.kill(pid, signal.SIGTERM)
        await asyncio.gather(*clients)
    return seen


def change_and_end(bundle: Path, folder: Path, answers: int) -> dict[str, Any]:
    """Let clients ask a server of this bundle, which changes its model under way, and ends after so many answers."""
    expected = two_bundles(bundle, folder)
    point(folder, "first")
    with serving(folder / "current", folder / "log") as (url, pid):
        seen: dict[str, Any] = asyncio.run(load(url, pid, folder, expected, answers))
    events = Counter(json.loads(line)["event"] for line in (folder / "log").read_text().splitlines())
    seen["models"] = sorted((seen.pop(digest) for digest in expected), reverse=True)
    return {"lost": 0, "wrong": 0, **seen, "requests": events["request"], "reloads": events["reloaded"]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, required=True)
    bundle = parser.parse_args().bundle
    with tempfile.TemporaryDirectory() as name:
        print(change_and_end(bundle, Path(name), ANSWERS))


if __name__ == "__main__":
    main()
