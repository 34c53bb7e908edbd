"""``sentiment serve``: a bundle behind HTTP, with a page to try it."""

import argparse
import signal
import socket
import sys
import threading
from pathlib import Path

from project.errors import UserError
from project.export.bundle import predictor_of, read_bundle
from project.serve.app import create_app
from project.serve.logs import log_json_lines
from project.serve.server import Server

BACKLOG = 2048  # connections that may wait to be accepted


def run() -> None:
    """Serve the bundle that the command line names, until SIGTERM or SIGINT.

    Raises:
        UserError: The bundle cannot be used, or the address is taken.
    """
    parser = argparse.ArgumentParser("sentiment serve", description=__doc__)
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="a folder that `sentiment export` wrote")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this host only)")
    parser.add_argument("--port", type=port, default=8000, help="port to listen on (default: 8000; 0: any free one)")
    arguments = parser.parse_args(sys.argv[2:])
    if arguments.bundle.is_file():
        raise UserError(
            f"{arguments.bundle} is no bundle: write one with "
            f"`sentiment export --ckpt_path {arguments.bundle} --output bundle`"
        )
    facts, files = read_bundle(arguments.bundle)
    predictor, stopping = predictor_of(facts, files), threading.Event()
    listener = listen(arguments.host, arguments.port)
    log_json_lines()
    # uvicorn ends orderly, then sends itself the signal again: the exit code of that is 0
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    Server(create_app(predictor, facts, stopping), stopping).run([listener])


def port(word: str) -> int:
    """Return a port.

    Raises:
        ValueError: It is none.
    """
    number = int(word)
    if not 0 <= number <= 65535:
        raise ValueError(word)
    return number


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        UserError: The address does not exist here, or is taken.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        reason = str(error.strerror or error).partition(" (while")[0]
        raise UserError(f"cannot listen on {host}:{port}: {reason}; choose others with --host and --port") from error
    # asyncio sets it on the connections of its own sockets only; without it the second part of an answer waits up to
    # 40 ms for the client to confirm the first
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
