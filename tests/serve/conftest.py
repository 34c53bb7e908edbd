"""A real server of the toy model: `sentiment serve` in a process of its own, on a free port."""

import asyncio
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from starlette.types import ASGIApp

from project import Predictor, load
from project.export.bundle import BundleFacts, read_bundle
from tests.export.conftest import exported_once  # noqa: F401 # the fixture that `bundle` uses

ROOT = Path(__file__).parents[2]


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class Running:
    """A server whose log goes to a file."""

    def __init__(self, bundle: Path, log: Path, *options: str) -> None:
        command = [sys.executable, "-m", "project", "serve", str(bundle), "--port", "0", *options]
        self._log = log
        with log.open("w") as stderr:
            self.process = subprocess.Popen(command, stderr=stderr, env=os.environ | {"PYTHONPATH": str(ROOT)})
        self.url: str = self.logged("ready")["url"]
        self.port = int(self.url.rpartition(":")[2])

    def log(self) -> list[dict[str, Any]]:
        """The complete lines logged so far."""
        return [json.loads(line) for line in self._log.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send one request; bytes are sent unchanged, anything else as JSON."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        fields = {} if content is None else {"Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, content, fields | {k.replace("_", "-"): v for k, v in headers.items()})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def logged(self, event: str) -> dict[str, Any]:
        """Wait for the first line of an event."""
        end = time.monotonic() + 60
        while not (found := [entry for entry in self.log() if entry["event"] == event]):
            assert self.process.poll() is None, self._log.read_text()
            assert time.monotonic() < end, self._log.read_text()
            time.sleep(0.02)
        return found[0]

    def stop(self) -> int:
        """Send SIGTERM; return the exit code."""
        self.process.terminate()
        return self.process.wait(timeout=60)


async def ask(app: ASGIApp, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    """Send one request to an application in this process."""
    fields = {"content-type": "application/json", "host": "localhost"} | headers
    names = [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in fields.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": names}
    messages = [{"type": "http.request", "body": json.dumps(body).encode() if body else b""}]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop() if messages else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    found = http.client.HTTPMessage()
    for name, value in sent[0]["headers"]:
        found[name.decode()] = value.decode()
    return Answer(sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent))


@pytest.fixture(scope="session")
def facts(bundle: Path) -> BundleFacts:
    return read_bundle(bundle)[0]


@pytest.fixture(scope="session")
def bundle(exported_once: Path) -> Path:  # noqa: F811
    """A bundle of the toy model; read-only."""
    return exported_once


@pytest.fixture
def started(bundle: Path, tmp_path: Path) -> Iterator[Running]:
    """A server for a single test."""
    running = Running(bundle, tmp_path / "log")
    yield running
    running.process.kill()
    running.process.wait()


@pytest.fixture(scope="session")
def predictor(bundle: Path) -> Predictor:
    return load(bundle)


@pytest.fixture(scope="session")
def server(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that tests share; it must survive everything they send."""
    running = Running(bundle, tmp_path_factory.mktemp("log") / "log")
    yield running
    assert running.process.poll() is None
    assert running.stop() == 0
    assert [entry for entry in running.log() if entry["level"] == "error"] == []
