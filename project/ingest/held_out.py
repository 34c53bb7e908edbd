"""Texts of other corpora -> those that do not stand in val or test, so that no figure rests on having read them."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from project.ingest.splits import phrases
from project.ingest.store import Corpus, Part
from project.text import text_fault


def unseen_texts(own: Corpus, candidates: Callable[[], Iterable[str]], with_phrases: bool) -> Iterator[str]:
    """Yield those of `candidates` that stand neither in val nor in test of `own`.

    Corpora may share sentences that they write otherwise (``half - baked``), so letters and digits alone count.

    Args:
        own: The corpus that is to be classified.
        candidates: Goes through the texts anew at each call.
        with_phrases: Whether the phrases of a held-out text are left out with it: where a corpus consists of phrases.
    """
    held_out = {_plain(text) for text in held_out_texts(own)}
    if with_phrases:
        offered = {_plain(text) for text in candidates()}
        # of a long review's phrases, far too many to keep, those alone that stand somewhere as a text
        held_out |= {phrase for text in held_out for phrase in phrases(text.split()) & offered}
    for text in candidates():
        if _plain(text) not in held_out:
            yield text


def texts_without_labels(corpora: Sequence[Corpus], unlabelled: bool = True) -> Iterator[str]:
    """Return what is read without its label: train, and the unlabelled part, but for the first corpus's val and test.

    Args:
        corpora: The one that is to be classified, and others.
        unlabelled: Whether the unlabelled parts are read too.
    """
    with_phrases = any(corpus.source.phrases for corpus in corpora)

    def candidates() -> Iterator[str]:
        for corpus in corpora:
            yield from (example.text for example in corpus.split("train"))
            if unlabelled:
                yield from texts_of(corpus.source.unlabelled, corpus.source.text_column)

    return unseen_texts(corpora[0], candidates, with_phrases)


def texts_of(parts: Iterable[Part], column: str) -> Iterator[str]:
    """Yield what stands in `column` of the rows of `parts`, wherever that is a text."""
    for part in parts:
        for record in part.records():
            text = record.columns.get(column)
            if isinstance(text, str) and text_fault(text) is None:
                yield text


def text_key(text: str) -> int:
    """Return 63 bits that tell a text from others, and the same for one that is only written otherwise."""
    return int.from_bytes(hashlib.blake2b(_plain(text).encode(), digest_size=8).digest(), "big") >> 1


def held_out_texts(corpus: Corpus) -> Iterator[str]:
    """Yield the texts of val and test."""
    for split in ("val", "test"):
        if split in corpus.splits:
            yield from (example.text for example in corpus.splits[split])


def _plain(text: str) -> str:
    """Return the runs of letters and digits of a text, in small letters."""
    return " ".join(re.findall(r"[^\W_]+", text.lower()))
