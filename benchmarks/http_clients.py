# needs project/export project/serve
"""The clients: a process that sends a server one request after the other over so many connections at once."""

import asyncio
import sys
import time
from collections.abc import Iterator
from typing import Any

import aiohttp

from benchmarks.worker import serve


async def client(session: aiohttp.ClientSession, url: str, texts: Iterator[str]) -> list[float]:
    """Send the next text as soon as the one before is answered; return the seconds of each."""
    seconds = []
    for text in texts:
        began = time.perf_counter()
        async with session.post(url, json={"text": text}) as answer:
            content = await answer.json()
        if answer.status != 200 or len(content["predictions"]) != 1:
            raise SystemExit(f"status {answer.status}: {content}")
        seconds.append(time.perf_counter() - began)
    return seconds


async def load(url: str, texts: list[str], clients: int) -> dict[str, Any]:
    """Send every text once; return the seconds of each request, and of all."""
    shared = iter(texts)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=clients)) as session:
        began = time.perf_counter()
        each = await asyncio.gather(*(client(session, url, shared) for _ in range(clients)))
        return {"seconds": [s for seconds in each for s in seconds], "elapsed": time.perf_counter() - began}


if __name__ == "__main__":
    serve({}, lambda task: asyncio.run(load(sys.argv[1], task["texts"], task["clients"])))
