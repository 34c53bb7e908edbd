"""Limits of a request, of a batch and of the queue."""

MAX_BODY = 1024 * 1024  # bytes
MAX_TEXTS = 256  # per request
MAX_CHARACTERS = 100_000  # per text to classify
MAX_EXPLAINED = 10_000  # characters per text to explain, which is classified again without each of its words
MAX_WORDS = 200  # explained per text, from its beginning

MAX_BATCH = 32  # texts that are classified together
MAX_WAITING = 64 * MAX_TEXTS  # texts
MAX_SECONDS = 8  # of work that waits; as much is answered after SIGTERM

HEAD_SECONDS = 10  # for the headers of a request, from the connection or the request's first byte on
MAX_HEAD = 64 * 1024  # bytes of these headers
MAX_PIPELINED = 64  # requests that a connection may send before its first is answered
BODY_SECONDS = 30  # for its body
MAX_CONNECTIONS = 512  # half of what a process may usually open
MAX_HELD = 64 * MAX_BODY  # bytes of bodies in memory at once
HANG_SECONDS = 60  # for one batch, which takes a fraction of a second: a longer one may never end
