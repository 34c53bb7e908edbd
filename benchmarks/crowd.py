# needs project/export project/serve
"""Bad clients of a server: silent, endlessly slow, or with a body that never ends. They stay until they are killed."""

import asyncio
import random
import sys
from contextlib import suppress

IDLE, SLOW, HELD = 1100, 50, 300  # connections: silent, with a byte of a header a second, with most of a body
PREDICT = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
AWAY = 20, 40  # seconds until a client comes back whose connection was closed


async def connection(url: str, content: bytes, drip: bytes = b"") -> None:
    """Open a connection, send `content`, then a byte of `drip` a second; come back a while after it is closed."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(content)
                for byte in drip:
                    await asyncio.sleep(1)
                    writer.write(bytes([byte]))
                    await writer.drain()
                await reader.read()
            finally:
                writer.close()
        await asyncio.sleep(random.uniform(*AWAY))


async def crowd(url: str) -> None:
    """Keep all of them."""
    most_of_a_body = PREDICT % 1_000_000 + b" " * 900_000
    connections = [connection(url, b"") for _ in range(IDLE)]
    connections += [connection(url, b"GET / HTTP/1.1\r\nX-A: ", b"b" * 600) for _ in range(SLOW)]
    connections += [connection(url, most_of_a_body) for _ in range(HELD)]
    await asyncio.gather(*connections)


if __name__ == "__main__":
    asyncio.run(crowd(sys.argv[1]))
