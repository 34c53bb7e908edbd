"""Bodies, as the server hands them to the application."""

import asyncio
from typing import Any

import pytest

from project.serve import body
from project.serve.body import BodyLimit

SCOPE: dict[str, Any] = {"type": "http", "headers": []}


def answered(app: Any, messages: list[dict[str, Any]]) -> list[int]:
    """The status of what is sent if these messages come; nothing comes after them."""
    sent: list[int] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else await asyncio.Event().wait()  # type: ignore[return-value]

    async def send(message: dict[str, Any]) -> None:
        sent.extend([message["status"]] if "status" in message else [])

    asyncio.run(asyncio.wait_for(app(SCOPE, receive, send), 20))
    return sent


async def unasked(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("the application is not to be asked")


def test_a_client_that_leaves_ends_its_request():
    ended = []

    async def endless(scope, receive, send):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    assert answered(BodyLimit(endless), [{"type": "http.request"}, {"type": "http.disconnect"}]) == []
    assert ended == [True]


def test_a_body_that_does_not_come_in_time_is_refused(monkeypatch):
    monkeypatch.setattr(body, "BODY_SECONDS", 0.01)
    assert answered(BodyLimit(unasked), [{"type": "http.request", "body": b"{", "more_body": True}]) == [408]


def test_too_many_bytes_at_once_are_refused(monkeypatch):
    monkeypatch.setattr(body, "MAX_HELD", 3)
    limited = BodyLimit(unasked)
    assert answered(limited, [{"type": "http.request", "body": b"four"}]) == [503]
    assert limited._held == 0


def test_what_the_application_raises_is_raised():
    async def failing(scope, receive, send):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        answered(BodyLimit(failing), [{"type": "http.request"}])
