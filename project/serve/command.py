"""Bundle -> a listening socket and a server that shuts down gracefully."""

import signal
import socket
import sys
import threading
from pathlib import Path

from project.errors import UserError
from project.export.bundle import predictor_of, read_bundle
from project.serve.app import create_app
from project.serve.key import read_key
from project.serve.logs import log_json_lines
from project.serve.models import Opened
from project.serve.server import Server

BACKLOG = 2048  # connections that may wait to be accepted
LOCAL = "127.0.0.1"
LOOPBACK = ("localhost", LOCAL, "::1", "[::1]")  # as --host and as a Host header have them


def serve(
    bundle: Path, /, host: str = LOCAL, port: int = 8000, allowed_hosts: str = "", api_key_file: Path | None = None
) -> None:
    """Serve a bundle over HTTP, with a page to try it, until SIGTERM or SIGINT; SIGHUP reads it again.

    Args:
        bundle: A folder that `sentiment export` wrote.
        host: Address to listen on; 127.0.0.1 is reachable from this machine only.
        port: Port to listen on; 0 for any free one.
        allowed_hosts: Names that the Host header of a request may have, separated by commas; by default those of this
            machine if the server listens on it alone, else any.
        api_key_file: A file with the key that requests must carry; by default the key in SENTIMENT_API_KEY if that is
            set, else none is needed.

    Raises:
        UserError: The bundle or the key cannot be used, or the address is taken.
    """
    if not 0 <= port <= 65535:
        raise UserError(f"--port is {port}: choose one from 0 to 65535")
    if bundle.is_file():
        raise UserError(f"{bundle} is not a bundle: `sentiment export --ckpt_path {bundle} --output bundle` writes one")

    def opened() -> Opened:
        facts, files = read_bundle(bundle)
        return predictor_of(facts, files), facts

    stopping, wanted = threading.Event(), threading.Event()
    if hasattr(signal, "SIGHUP"):  # Windows has none
        signal.signal(signal.SIGHUP, lambda *_: wanted.set())
    key, (predictor, facts) = read_key(api_key_file), opened()
    listener = listen(host, port)
    log_json_lines()
    # after a graceful shutdown uvicorn raises the signal again; the process then exits with code 0
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    names = allowed_hosts.lower().replace(" ", "").split(",") if allowed_hosts else LOOPBACK if host in LOOPBACK else ()
    Server(create_app(predictor, facts, stopping, names, key, (opened, wanted)), stopping).run([listener])


def listen(host: str, port: int) -> socket.socket:
    """Return a listening TCP socket.

    Raises:
        UserError: The address does not exist here, or is taken.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        reason = str(error.strerror or error).partition(" (while")[0]
        raise UserError(f"cannot listen on {host}:{port}: {reason}; choose others with --host and --port") from error
    # asyncio sets this only on connections of sockets that it made itself; without it the second part of an answer
    # waits up to 40 ms until the client has acknowledged the first
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
