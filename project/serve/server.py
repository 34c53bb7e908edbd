"""An application -> a server that stops without losing a request."""

import asyncio
import socket
import threading

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from project.serve.logs import LOG

DRAIN = 1.0  # seconds in which answers on open connections tell clients that these will be closed
LAST_ANSWERS = 8  # seconds for requests still running then; with DRAIN less than the 10 that `docker stop` waits
KEEP_ALIVE = 75  # seconds for idle connections: longer than proxies keep theirs, so that the proxy closes them


class Server(uvicorn.Server):
    """Serves until SIGTERM or SIGINT, then answers the requests that have already been sent.

    uvicorn alone closes every idle connection at once, even if the next request is already on its way.

    Args:
        app: The application.
        stopping: Set as soon as the server is told to stop.
    """

    def __init__(self, app: ASGIApp, stopping: threading.Event) -> None:
        self._stopping = stopping
        config = uvicorn.Config(
            closing(app, stopping),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=LAST_ANSWERS,
        )
        super().__init__(config)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, and log the address."""
        await super().startup(sockets)
        host, port, *_ = self.servers[0].sockets[0].getsockname()
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        LOG.info("ready", extra={"fields": {"url": url}})

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more connections, announce on the open ones that they will be closed, then close them."""
        self._stopping.set()
        LOG.info("stopping", extra={"fields": {"connections": len(self.server_state.connections)}})
        for server in self.servers:
            server.close()
        end = asyncio.get_running_loop().time() + DRAIN
        while self.server_state.connections and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)
        LOG.info("stopped")


def closing(app: ASGIApp, stopping: threading.Event) -> ASGIApp:
    """Return the application with ``Connection: close`` on each answer once `stopping` is set."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start" and stopping.is_set():
                message = {**message, "headers": [*message.get("headers", []), (b"connection", b"close")]}
            await send(message)

        await app(scope, receive, marked)

    return answer
