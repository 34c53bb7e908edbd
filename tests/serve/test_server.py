"""The server's end, in this process."""

import asyncio
import http.client
import socket
import threading

from project.serve.app import create_app
from project.serve.command import listen
from project.serve.server import Server


def test_connections_that_wait_to_be_accepted_are_answered_at_the_end(predictor, facts):
    stopping = threading.Event()
    server = Server(create_app(predictor, facts, stopping), stopping)
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    listener = listen("127.0.0.1", 0)

    async def run():
        await server.startup([listener])
        clients = [socket.create_connection(listener.getsockname()) for _ in range(20)]
        for client in clients:
            client.sendall(b"GET /info HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await server.shutdown([listener])
        return clients

    statuses = []
    for client in asyncio.run(run()):
        with client:
            answer = http.client.HTTPResponse(client)
            answer.begin()
            statuses.append((answer.status, answer.headers["Connection"]))
    assert statuses == [(200, "close")] * 20
