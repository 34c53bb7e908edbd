"""Bytes of a request -> a body of limited size, before anything reads it; a client that leaves ends its request."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from project.serve.failures import RETRY, failure
from project.serve.limits import BODY_SECONDS, MAX_BODY, MAX_HELD

PATIENCE = 16  # times the limit: read and discarded, so that a client that sends too much still gets its answer
CLOSE = {"Connection": "close"}


class BodyLimit:
    """Refuses bodies that are too large, too slow, too many at once, or compressed; passes other requests on.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._held = app, 0  # bytes of all bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, then let the application answer for as long as the client is there."""
        encoding = Headers(scope=scope).get("content-encoding", "identity")
        if encoding != "identity":
            await failure(415, f"Content-Encoding {encoding} is not supported: send plain JSON")(scope, receive, send)
            return
        chunks: list[bytes] = []
        try:
            if refusal := await self._read(receive, chunks):
                await refusal(scope, receive, send)
            else:
                await self._answer(scope, receive, send, b"".join(chunks))
        finally:
            self._held -= sum(map(len, chunks))

    async def _read(self, receive: Receive, chunks: list[bytes]) -> ASGIApp | None:
        """Append the body to `chunks`; return the answer if it cannot be taken."""
        size, more = 0, True
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while more and size <= PATIENCE * MAX_BODY:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        break
                    chunk = message.get("body", b"")
                    size += len(chunk)
                    if size <= MAX_BODY:
                        chunks.append(chunk)
                        self._held += len(chunk)
                    more = message.get("more_body", False)
                    if self._held > MAX_HELD:
                        return failure(503, "too many large requests at once; try again", RETRY | CLOSE)
        except TimeoutError:
            return failure(408, f"the body did not arrive within {BODY_SECONDS} seconds", CLOSE)
        return failure(413, f"the request is larger than {MAX_BODY:,} bytes") if size > MAX_BODY else None

    async def _answer(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        """Let the application answer, until the client leaves."""
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        answering = asyncio.ensure_future(self._app(scope, replay, send))
        gone = asyncio.ensure_future(receive())  # after the body only a disconnection can come
        try:
            await asyncio.wait([answering, gone], return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                await answering  # raises what it raised
        finally:
            answering.cancel()
            gone.cancel()
