"""What all requests and answers have in common: hosts, HEAD, the model that answers, the end of a connection."""

import threading
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from project.serve.failures import failure
from project.serve.wrapper import Wrapper


class Front(Wrapper):
    """Answers HEAD as GET without the body; says in each answer which model gave it, and if the connection will close.

    Args:
        app: The application.
        model: Digest of the bundle.
        stopping: Set when the server is about to stop: clients are then told ``Connection: close``.
        hosts: Names that the Host header may have; nothing for any. A page of another site that has its own name point
            to this machine cannot ask then (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, model: str, stopping: threading.Event, hosts: Collection[str]) -> None:
        super().__init__(app)
        self._model, self._stopping, self._hosts = (b"x-model", model.encode()), stopping, hosts

    async def request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer, unless the host is another."""

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [self._model, *([(b"connection", b"close")] if self._stopping.is_set() else [])]
                message = {**message, "headers": [*message.get("headers", []), *own]}
            await send(message)

        app, host = self.app, Headers(scope=scope).get("host", "")
        if self._hosts and host_name(host) not in self._hosts:
            app = failure(421, f"this server is not {host}: name it with --allowed_hosts")
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # the server leaves the body out
        await app(scope, receive, marked)


def host_name(header: str) -> str:
    """Return the name in a Host header, without the port: ``[::1]:8000`` is ``[::1]``."""
    end = header.find("]") + 1
    return (header[:end] or header.partition(":")[0]).lower()
