"""Texts -> sentences, for a student that classifies single sentences."""

import re
from collections.abc import Iterator

BOUNDARY = re.compile(r"(?<=[.!?])\s+|<br />|\n")
SHORTEST, LONGEST = 4, 40  # words


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text that have 4 to 40 words, with single spaces between the words.

    A sentence ends at a full stop, exclamation mark or question mark followed by whitespace, at the end of a line, or
    at ``<br />``.
    """
    for piece in BOUNDARY.split(text):
        words = piece.split()
        if SHORTEST <= len(words) <= LONGEST:
            yield " ".join(words)
