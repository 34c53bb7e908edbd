"""Texts of a corpus, unlabelled ones too -> a file of word vectors for ``--data.vectors``."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import torch
from gensim.models import Word2Vec

from project.corpora import load_corpus
from project.datamodule import SentimentDataModule
from project.errors import UserError
from project.ingest import check_new, readable_texts
from project.pretrained import save_pretrained
from project.text import basic_english

# skip-gram with negative sampling (Mikolov et al. 2013), with the paper's window and samples
SETTINGS = {"sg": 1, "negative": 5, "window": 5, "min_count": 2, "sample": 1e-4, "epochs": 8}
LONGEST = 10_000  # words of a line that gensim reads


def word2vec(
    data: SentimentDataModule,
    output: Path,
    dim: int = 100,
    other: str | None = None,
    held_out: str | None = None,
    unlabelled: bool = True,
) -> None:
    """Train word vectors on a corpus's own texts, without its val and test, for --data.vectors.

    All cores take part, in no fixed order: trained again, the vectors differ a little.

    Args:
        output: The .pt file to write.
        dim: Numbers in a vector: --model.embedding_dim of what starts from it.
        other: Another corpus whose texts are read too.
        held_out: Another corpus whose val and test are left out too.
        unlabelled: Whether unlabelled texts are read.

    Raises:
        UserError: A corpus cannot be used, or the file cannot be written.
    """
    if output.suffix != ".pt":
        raise UserError(f"--output {output} should end in .pt")
    check_new(output, "file")
    read: set[int] = set()
    corpora = [data.corpus, *([load_corpus(other)] if other else [])]
    texts = readable_texts(corpora, read, unlabelled, load_corpus(held_out) if held_out else None)
    model = train(texts, dim)
    save_pretrained(output, model.wv.index_to_key, torch.from_numpy(model.wv.vectors), read)
    print(f"written: {output}; to start from it: fit --data.vectors={output} --model.embedding_dim={dim}")


def train(texts: Iterable[str], dim: int) -> Word2Vec:
    """Return gensim's model of the words of `texts`, which go through a file so that memory stays flat."""
    with tempfile.TemporaryDirectory() as scratch:
        lines, count = Path(scratch) / "texts.txt", 0
        with lines.open("w", encoding="utf-8") as file:
            for text in texts:
                if words := basic_english(text):
                    file.write(" ".join(words[:LONGEST]) + "\n")
                    count += 1
        print(f"training word vectors of {dim} dimensions on {count:,} texts (minutes)", flush=True)
        return Word2Vec(corpus_file=str(lines), vector_size=dim, workers=os.cpu_count() or 1, **SETTINGS)
