"""Bytes of a request -> a body of limited size, before anything reads it."""

from starlette.types import Message, Receive, Scope, Send

from project.serve.failures import failure
from project.serve.limits import MAX_BODY
from project.serve.wrapper import Wrapper

PATIENCE = 16  # times the limit: read and discarded, so that a client that sends too much still gets its answer


class BodyLimit(Wrapper):
    """Answers 413 if the body is larger than `MAX_BODY`; passes other requests on."""

    async def request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, then let the application answer."""
        body = await read_body(receive)
        if body is None:
            await failure(413, f"the request is larger than {MAX_BODY:,} bytes")(scope, receive, send)
            return
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        await self.app(scope, replay, send)


async def read_body(receive: Receive) -> bytes | None:
    """Return the body, or None if it is too large."""
    chunks, size, more = [], 0, True
    while more and size <= PATIENCE * MAX_BODY:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        size += len(message.get("body", b""))
        if size <= MAX_BODY:
            chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks) if size <= MAX_BODY else None
