"""What all requests and answers have in common: hosts, the key, HEAD, the model that answers, the connection's end."""

import threading
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from project.serve.failures import failure
from project.serve.key import OPEN, brings
from project.serve.models import Models


class Front:
    """Answers HEAD as GET without the body; says in each answer which model gave it, and if the connection will close.

    Args:
        app: The application; it finds the model of a request in its scope.
        models: The model that answers, from a request's first byte to its last.
        stopping: Set when the server is about to stop: clients are then told ``Connection: close``.
        hosts: Names that the Host header may have; nothing for any. They keep out pages of other sites whose own name
            points to this machine (DNS rebinding).
        key: What requests must carry, see `project.serve.key`; None for nothing.
    """

    def __init__(
        self, app: ASGIApp, models: Models, stopping: threading.Event, hosts: Collection[str], key: str | None
    ) -> None:
        self._app, self._models, self._stopping, self._hosts, self._key = app, models, stopping, hosts, key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer, unless the host or the key is wrong."""
        model, headers, app = self._models.current, Headers(scope=scope), self._app
        mark = (b"x-model", model.digest.encode())

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                ends = [(b"connection", b"close")] if self._stopping.is_set() else []
                message = {**message, "headers": [*message.get("headers", []), *ends, mark]}
            await send(message)

        if self._hosts and host_name(host := headers.get("host", "")) not in self._hosts:
            app = failure(421, f"this server is not {host}: name it with --allowed_hosts")
        elif self._key and scope["path"] not in OPEN and not brings(headers.get("authorization", ""), self._key):
            app = failure(401, "a key is needed: Authorization: Bearer KEY", {"WWW-Authenticate": "Bearer"})
        method = "GET" if scope["method"] == "HEAD" else scope["method"]  # the server leaves the body out
        await app({**scope, "method": method, "model": model}, receive, marked)


def host_name(header: str) -> str:
    """Return the name in a Host header, without the port: ``[::1]:8000`` is ``[::1]``."""
    end = header.find("]") + 1
    return (header[:end] or header.partition(":")[0]).lower()
