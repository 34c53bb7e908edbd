"""Server events -> one JSON object per line on standard error; texts of requests are never logged."""

import json
import logging
import time
from datetime import UTC, datetime
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from project.serve.wrapper import Wrapper

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


class RequestLog(Wrapper):
    """Logs every request when it is answered: method, path, status, milliseconds."""

    async def request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer, then log the request."""
        began = time.perf_counter()
        status: int | None = None  # None if the client has disconnected

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, seen)
        finally:
            ms = round((time.perf_counter() - began) * 1e3, 2)
            fields = {"method": scope["method"], "path": scope["path"], "status": status, "ms": ms}
            LOG.info("request", extra={"fields": fields})
