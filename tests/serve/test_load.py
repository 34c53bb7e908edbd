"""64 clients at once: nothing fails, nothing is lost, each gets the answer to its own text."""

import asyncio
import io
import json
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import aiohttp
import pytest

from project import Predictor

pytestmark = pytest.mark.slow

CLIENTS, REQUESTS = 64, 20_000
WORDS = [
    "film",
    "story",
    "cast",
    "lovely",
    "dull",
    "wise",
    "cold",
    "🙂",
    "🎬",
    "知らない",
    "неизвестно",
    "قصة",
    "naïve",
]


class Expected(NamedTuple):
    """A request and its expected answer."""

    body: bytes
    status: int
    probability: float | None = None


def mixed(predictor: Predictor) -> list[Expected]:
    """Requests of every kind."""
    draw = random.Random(0)
    texts = [" ".join(draw.choices(WORDS, k=length)) for length in [*range(1, 60), 100, 200, 400, 1000, 2000]]
    good = [
        Expected(json.dumps({"text": text}, ensure_ascii=length % 2 == 0).encode(), 200, prediction.probability)
        for length, (text, prediction) in enumerate(zip(texts, predictor(texts), strict=True))
    ]
    bad = [
        Expected(b'{"text": ""}', 422),
        Expected(json.dumps({"text": "x" * 1_000_000}).encode(), 422),
        Expected(json.dumps({"text": "x" * 1_048_576}).encode(), 413),
        Expected(b'{"text": "Caf\xe9"}', 400),
        Expected(b'{"text": ', 400),
        Expected(b'{"words": "Warm."}', 422),
    ]
    rare = draw.choices(good, k=REQUESTS - 600) + draw.choices(bad, k=600)
    draw.shuffle(rare)
    return rare


async def client(
    session: aiohttp.ClientSession, url: str, requests: Iterator[Expected], done: list[tuple[Expected, int, Any]]
) -> None:
    """Send one request after the other; keep the answers."""
    headers = {"Content-Type": "application/json"}
    for request in requests:
        async with session.post(f"{url}/predict", data=io.BytesIO(request.body), headers=headers) as answer:
            done.append((request, answer.status, await answer.json()))


def test_no_request_fails_or_is_lost(server, predictor):
    requests = mixed(predictor)
    done: list[tuple[Expected, int, Any]] = []

    async def load() -> None:
        shared = iter(requests)
        connector = aiohttp.TCPConnector(limit=CLIENTS)
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(client(session, server.url, shared, done) for _ in range(CLIENTS)))

    asyncio.run(load())
    assert len(done) == REQUESTS
    assert [request for request, status, _ in done if status != request.status] == []
    for request, _, content in done:
        if request.probability is None:
            assert list(content) == ["error"]
        else:
            assert content["predictions"][0]["probability"] == pytest.approx(request.probability, abs=1e-5)


def test_sigterm_under_load_loses_no_accepted_request(started, predictor):
    done: list[tuple[Expected, int, Any]] = []
    refused: list[aiohttp.ClientConnectorError] = []

    async def until_refused(session: aiohttp.ClientSession, requests: Iterator[Expected]) -> None:
        try:
            await client(session, started.url, requests, done)
        except aiohttp.ClientConnectorError as error:  # no connection: nothing was sent
            refused.append(error)

    async def load() -> None:
        shared = iter(mixed(predictor))
        connector = aiohttp.TCPConnector(limit=CLIENTS)
        async with aiohttp.ClientSession(connector=connector) as session:
            clients = [asyncio.create_task(until_refused(session, shared)) for _ in range(CLIENTS)]
            await asyncio.sleep(2)
            started.process.terminate()
            await asyncio.gather(*clients)

    asyncio.run(load())
    assert started.process.wait() == 0
    assert len(refused) == CLIENTS
    assert len(done) == len([entry for entry in started.log() if entry["event"] == "request"])
    assert [request for request, status, _ in done if status != request.status] == []
