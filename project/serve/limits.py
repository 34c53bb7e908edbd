"""How much a request may hold, and how much may wait."""

MAX_BODY = 1024 * 1024  # bytes
MAX_TEXTS = 256  # of one request
MAX_CHARACTERS = 100_000  # of one text to classify
MAX_EXPLAINED = 10_000  # characters of one text to explain: it is classified once for every word
MAX_WORDS = 200  # that are explained, from the text's beginning

MAX_BATCH = 32  # texts that are classified together
MAX_WAITING = 64 * MAX_TEXTS  # texts; 64 clients that wait for their answers never meet the end of the queue
