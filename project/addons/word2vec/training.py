"""Texts of a corpus, its unlabelled part too -> word vectors trained on them, kept in the cache."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from project.errors import UserError
from project.ingest.fetch import cache_dir
from project.ingest.held_out import texts_without_labels
from project.ingest.store import Corpus
from project.text import basic_english
from project.vectors import WordVectors, kept_vectors

WORD2VEC = "word2vec"
# skip-gram with negative sampling (Mikolov et al. 2013), with the paper's window and samples
SETTINGS = {"sg": 1, "negative": 5, "window": 5, "min_count": 2, "sample": 1e-4, "epochs": 8}
FORMAT = 2  # of the choice of texts; part of the key
LONGEST = 10_000  # words of a line that gensim reads


def corpus_vectors(own: Corpus, other: Corpus | None, dim: int, unlabelled: bool = True) -> WordVectors:
    """Return vectors trained on the texts of train and the unlabelled ones; from the cache, where they are known.

    A text that stands in val or test of `own` is left out wherever it comes from, so that no figure rests on having
    read what it is measured on. All cores take part, in no fixed order: trained anew, the vectors differ a little.

    Args:
        own: The corpus that is to be classified.
        other: Another one whose texts are read too.
        dim: E, the numbers in a vector.
        unlabelled: Whether unlabelled texts are read.

    Raises:
        UserError: gensim is not installed, or the cache cannot be written.
    """
    corpora = [own] if other is None else [own, other]
    sources = [[c.fingerprint, c.source.key] for c in corpora]
    described = [FORMAT, SETTINGS, dim, sources] + ["train alone"] * (not unlabelled)
    key = hashlib.sha256(json.dumps(described).encode()).hexdigest()
    return kept_vectors(key, lambda: _train(training_texts(corpora, unlabelled), dim))


def _train(texts: Iterable[list[str]], dim: int) -> WordVectors:
    try:
        from gensim.models import Word2Vec
    except ImportError as error:
        raise UserError("word vectors are trained by gensim: pip install -e '.[vectors]'") from error
    with tempfile.TemporaryDirectory(prefix=".texts-", dir=cache_dir()) as scratch:
        lines = Path(scratch) / "texts.txt"
        count = 0
        with lines.open("w", encoding="utf-8") as file:
            for words in texts:
                file.write(" ".join(words[:LONGEST]) + "\n")
                count += 1
        print(f"training word vectors of {dim} dimensions on {count:,} texts (once; minutes)", flush=True)
        model = Word2Vec(corpus_file=str(lines), vector_size=dim, workers=os.cpu_count() or 1, **SETTINGS)
    return WordVectors(model.wv.index_to_key, model.wv.vectors)


def training_texts(corpora: Sequence[Corpus], unlabelled: bool = True) -> Iterator[list[str]]:
    """Yield the tokens of every text that may be read; see `texts_without_labels`."""
    for text in texts_without_labels(corpora, unlabelled):
        if words := basic_english(text):
            yield words
