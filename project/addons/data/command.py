"""Built-in corpora and word vectors -> the cache."""

from project.corpora import CORPORA, OWNED, load_corpus
from project.errors import UserError
from project.ingest import cache_dir
from project.registry import registered
from project.vectors import GLOVE_6B_50D, load_vectors


def data() -> None:
    """Download the built-in corpora and the word vectors to the cache."""
    for name in (each for each in [*CORPORA, *registered("CORPORA")] if each != OWNED):
        try:
            corpus = load_corpus(name)
        except UserError as error:  # some come from a hub that may be unreachable
            print(f"{name}: {error}")
            continue
        sizes = ", ".join(f"{len(rows):,} {split}" for split, rows in corpus.splits.items())
        print(f"{name}: {sizes} ({' / '.join(corpus.label_names)})")
    vectors = load_vectors(GLOVE_6B_50D)
    print(f"{GLOVE_6B_50D}: {len(vectors.words):,} words, {vectors.vectors.shape[1]} dimensions")
    print(f"cache: {cache_dir()}")
