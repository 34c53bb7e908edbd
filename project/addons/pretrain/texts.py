"""Corpora -> the texts that may be read without their labels."""

from collections.abc import Iterator, Sequence
from functools import partial

from project.ingest import Corpus, text_key, texts_of, unseen_texts


def readable_texts(
    corpora: Sequence[Corpus], read: set[int], unlabelled: bool = True, held_out: Corpus | None = None
) -> Iterator[str]:
    """Yield the texts that may be read without their labels, of train and unlabelled, adding their keys to `read`.

    Args:
        corpora: The one to be classified, without its val and test, and others.
        read: Takes the key of each text, so that a result can be refused that rests on it.
        unlabelled: Whether unlabelled texts are read too.
        held_out: A corpus whose val and test are left out too.
    """

    def candidates() -> Iterator[str]:
        for corpus in corpora:
            yield from (example.text for example in corpus.split("train"))
            if unlabelled:
                yield from texts_of(corpus.source.unlabelled, corpus.source.text_column, corpus.source.text_fault)

    phrases = any(corpus.source.carve_phrases for corpus in corpora)
    texts = partial(unseen_texts, corpora[0], candidates, phrases)
    if held_out is not None:
        texts = partial(unseen_texts, held_out, texts, phrases or bool(held_out.source.carve_phrases))
    for text in texts():
        read.add(text_key(text))
        yield text
