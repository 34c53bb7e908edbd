"""Limits of a request, of a batch and of the queue."""

MAX_BODY = 1024 * 1024  # bytes
MAX_TEXTS = 256  # per request
MAX_CHARACTERS = 100_000  # per text to classify
MAX_EXPLAINED = 10_000  # characters per text to explain, which is classified again without each of its words
MAX_WORDS = 200  # explained per text, from its beginning

MAX_BATCH = 32  # texts that are classified together
MAX_WAITING = 64 * MAX_TEXTS  # texts; 64 clients that each wait for their answer never fill the queue
