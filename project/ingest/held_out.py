"""Texts of other corpora without those of val and test, so that no result rests on having read what it measures."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from project.errors import UserError
from project.ingest.corpus import Corpus
from project.ingest.phrases import PhraseIndex
from project.ingest.source import Part


def unseen_texts(own: Corpus, candidates: Callable[[], Iterable[str]], with_phrases: bool) -> Iterator[str]:
    """Yield those of `candidates` that are in neither val nor test of `own`.

    Corpora may write the same sentence in different ways (``half - baked``), so only letters and digits count.

    Args:
        own: The corpus that is to be classified.
        candidates: Iterates over the texts from the start at each call.
        with_phrases: Whether the phrases of a held-out text are left out too: for corpora that consist of phrases.
    """
    held_out = {hash(_plain(text)) for text in held_out_texts(own)}
    if with_phrases:
        offered = PhraseIndex(map(_plain, candidates()))
        for text in held_out_texts(own):
            held_out |= offered.inside(_plain(text))
    yield from (text for text in candidates() if hash(_plain(text)) not in held_out)


def texts_of(parts: Iterable[Part], column: str, text_fault: Callable[[object], str | None]) -> Iterator[str]:
    """Yield the usable texts in `column` of the rows of `parts`."""
    for part in parts:
        for record in part.records():
            text = record.columns.get(column)
            if isinstance(text, str) and text_fault(text) is None:
                yield text


def text_key(text: str) -> int:
    """Return a 63-bit hash of a text that ignores case and punctuation.

    It is the same on every machine, unlike `hash`.
    """
    return int.from_bytes(hashlib.blake2b(_plain(text).encode(), digest_size=8).digest(), "big") >> 1


def check_unread(path: Path, read: Iterable[int], corpus: Corpus) -> None:
    """Check that the file at `path`, which has `read` the texts of these keys, has read none of val and test.

    Raises:
        UserError: It has read some of them.
    """
    known = set(read)
    if count := sum(text_key(text) in known for text in held_out_texts(corpus)):
        raise UserError(
            f"{path} has read {count:,} of the texts in val and test of {corpus.name}: "
            f"make it with --held_out={corpus.name}, which leaves them out"
        )


def held_out_texts(corpus: Corpus) -> Iterator[str]:
    """Yield the texts of val and test."""
    for split in ("val", "test"):
        yield from (example.text for example in corpus.splits.get(split, ()))


def _plain(text: str) -> str:
    """Return the runs of letters and digits of a text, in lower case, separated by single spaces."""
    return " ".join(re.findall(r"[^\W_]+", text.lower()))
