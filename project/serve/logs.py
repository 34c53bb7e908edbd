"""Server events -> one JSON object per line on standard error; texts of requests are never logged."""

import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOG = logging.getLogger("project.serve")


class JsonLine(logging.Formatter):
    """A record as one line of JSON: time, level, event, the record's `fields`, and the traceback of an error."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def log_json_lines() -> None:
    """Log this process to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLine())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # its seven lines say no more than our three


class RequestLog:
    """Logs every request when it is answered: method, path, status, milliseconds.

    Args:
        app: The application.
        answered: Told path, status and seconds.
    """

    def __init__(self, app: ASGIApp, answered: Callable[[str, int | None, float], None]) -> None:
        self._app, self._answered = app, answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer, then log the request."""
        began = time.perf_counter()
        status: int | None = None  # None if the client has disconnected

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, seen)
        finally:
            seconds = time.perf_counter() - began
            self._answered(scope["path"], status, seconds)
            fields = {"method": scope["method"], "path": scope["path"], "status": status, "ms": round(seconds * 1e3, 2)}
            LOG.info("request", extra={"fields": fields})
