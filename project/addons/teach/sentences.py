"""Texts -> sentences: what a teacher labels where the student is to read single ones."""

import re
from collections.abc import Iterator

BOUNDARY = re.compile(r"(?<=[.!?])\s+|<br />|\n")
SHORTEST, LONGEST = 4, 40  # words


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text that have 4 to 40 words, each on one line.

    One ends at a full stop, exclamation or question mark before white space, at a line's end, or at HTML's ``<br />``.
    """
    for piece in BOUNDARY.split(text):
        words = piece.split()
        if SHORTEST <= len(words) <= LONGEST:
            yield " ".join(words)
