"""An application -> a server that stops without losing a request."""

import asyncio
import math
import re
import socket
import threading
from contextlib import suppress
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from project.serve.limits import HEAD_SECONDS, MAX_CONNECTIONS, MAX_HEAD, MAX_PIPELINED
from project.serve.logs import LOG

DRAIN = 1.0  # seconds in which answers on open connections tell clients that these will be closed
LAST_ANSWERS = 8  # seconds for requests still running then; with DRAIN less than the 10 that `docker stop` waits
KEEP_ALIVE = 75  # seconds for idle connections: longer than proxies keep theirs, so that the proxy closes them


class Connection(HttpToolsProtocol):
    """A connection that is closed if it asks for too much, or if others need its place.

    uvicorn limits neither how long headers are and take, nor how many requests are sent before the first is answered: a
    thousand silent connections, and the process can open no more.

    Attributes:
        size: Of the headers so far, and of those after the body, in bytes.
    """

    size = 0

    @property
    def silent(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Take the place of the connection that has been silent longest if there are too many."""
        super().connection_made(transport)
        self.since = self.loop.time()  # when something last came
        self.deadline = self.since + HEAD_SECONDS  # of the headers that have not come yet
        if len(self.connections) > MAX_CONNECTIONS:
            others: list[Any] = [each for each in self.connections if getattr(each, "silent", False)]
            min(others, key=lambda each: each.since, default=self).transport.close()

    def data_received(self, data: bytes) -> None:
        """Start the time limit with the first byte of a request, end it with its headers; refuse too much."""
        self.size += len(data)
        # the parser drops the body of a request that offers another protocol, as Java's clients do (RFC 9110, 7.8)
        super().data_received(re.sub(rb"(?i)\r\nupgrade *:", b"\r\nx-upgrade:", data, count=1) if self.silent else data)
        self.since = self.loop.time()
        self.deadline = min(self.deadline, self.since + HEAD_SECONDS) if self.silent else math.inf
        if self.size > MAX_HEAD or len(self.pipeline) > MAX_PIPELINED:
            self.send_400_response("The headers are too long, or too many requests wait for their answers.")

    def on_message_begin(self) -> None:
        """Measure the headers from here on."""
        super().on_message_begin()
        self.size = 0

    def on_body(self, body: bytes) -> None:
        """Leave the body out, which has its own limits, and what stands around a piece that is sent on its own."""
        super().on_body(body)
        self.size = max(self.size - len(body) - 8, 0)


class Server(uvicorn.Server):
    """Serves until SIGTERM or SIGINT, then answers what has been sent, also to connections that wait.

    uvicorn alone closes every idle connection at once, even if the next request is already on its way.

    Args:
        app: The application.
        stopping: Set as soon as the server is told to stop.
    """

    def __init__(self, app: ASGIApp, stopping: threading.Event) -> None:
        self._stopping = stopping
        how: dict[str, Any] = {"log_config": None, "access_log": False, "server_header": False, "proxy_headers": False}
        how |= {"http": Connection, "timeout_keep_alive": KEEP_ALIVE, "timeout_graceful_shutdown": LAST_ANSWERS}
        super().__init__(uvicorn.Config(app, **how))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, and log the address."""
        await super().startup(sockets)
        host, port, *_ = self.servers[0].sockets[0].getsockname()
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        LOG.info("ready", extra={"fields": {"url": url}})

    async def on_tick(self, counter: int) -> bool:
        """Close the connections whose headers take too long."""
        now = asyncio.get_running_loop().time()
        for connection in [each for each in self.server_state.connections if getattr(each, "deadline", now) < now]:
            connection.transport.close()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more connections, announce on the open ones that they will be closed, then close them."""
        self._stopping.set()
        loop = asyncio.get_running_loop()
        waiting: list[socket.socket] = []  # to be accepted: the kernel would reset these connections
        with suppress(OSError):  # none is left, or the process may open no more
            while sockets:
                waiting.append(sockets[0].accept()[0])
        for server in self.servers:
            server.close()
        for each in waiting:
            await loop.connect_accepted_socket(
                lambda: Connection(self.config, self.server_state, self.lifespan.state), each
            )
        LOG.info("stopping", extra={"fields": {"connections": len(self.server_state.connections)}})
        end = loop.time() + DRAIN
        while self.server_state.connections and loop.time() < end:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)
        LOG.info("stopped")
