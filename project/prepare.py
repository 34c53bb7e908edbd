"""``sentiment data``: fetches the default corpus and the word vectors, and says what they hold."""

import argparse
import sys

from project.corpora import BUILT_IN, load_corpus
from project.ingest.fetch import cache_dir
from project.vectors import GLOVE_6B_50D, load_vectors


def run() -> None:
    """Fill the cache.

    Raises:
        UserError: A download fails.
    """
    argparse.ArgumentParser("sentiment data", description=__doc__).parse_args(sys.argv[2:])
    for name in BUILT_IN:
        corpus = load_corpus(name)
        sizes = ", ".join(f"{len(rows):,} {split}" for split, rows in corpus.splits.items())
        print(f"{name}: {sizes} ({' / '.join(corpus.label_names)})")
    vectors = load_vectors(GLOVE_6B_50D)
    print(f"{GLOVE_6B_50D}: {len(vectors.words):,} words, {vectors.dim} dimensions")
    print(f"cache: {cache_dir()}")
