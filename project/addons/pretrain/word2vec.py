"""Texts of a corpus, including unlabelled ones -> a file of word vectors for ``--data.vectors``."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import torch
from gensim.models import Word2Vec

from project.addons.pretrain.file import save_pretrained
from project.addons.pretrain.texts import readable_texts
from project.corpora import load_corpus
from project.datamodule import SentimentDataModule
from project.errors import UserError
from project.ingest import check_new
from project.text import basic_english

# skip-gram with negative sampling (Mikolov et al. 2013), with the paper's window and samples
SETTINGS = {"sg": 1, "negative": 5, "window": 5, "min_count": 2, "sample": 1e-4, "epochs": 8}
LONGEST = 10_000  # gensim ignores any further words of a line


def word2vec(
    data: SentimentDataModule,
    output: Path,
    dim: int = 100,
    other: str | None = None,
    held_out: str | None = None,
    unlabelled: bool = True,
) -> None:
    """Train word vectors for --data.vectors on a corpus's own texts, without its val and test.

    Training runs on all cores and is not reproducible: the vectors differ slightly from run to run.

    Args:
        output: The .pt file to write.
        dim: Size of a vector; `fit` needs the same --model.embedding_dim.
        other: Another corpus whose texts are also read.
        held_out: Another corpus whose val and test texts are also left out.
        unlabelled: Whether to read unlabelled texts too.

    Raises:
        UserError: A corpus cannot be used, or the file cannot be written.
    """
    if output.suffix != ".pt":
        raise UserError(f"--output {output} should end in .pt")
    check_new(output, "file, or remove it")
    read: set[int] = set()
    corpora = [data.corpus, *([load_corpus(other)] if other else [])]
    texts = readable_texts(corpora, read, unlabelled, load_corpus(held_out) if held_out else None)
    model = train(texts, dim)
    save_pretrained(output, model.wv.index_to_key, torch.from_numpy(model.wv.vectors), read)
    print(f"written: {output}; to start from it: fit --data.vectors={output} --model.embedding_dim={dim}")


def train(texts: Iterable[str], dim: int) -> Word2Vec:
    """Return gensim's trained model; `texts` are streamed through a file, so memory use does not grow with them."""
    with tempfile.TemporaryDirectory() as scratch:
        lines, count = Path(scratch) / "texts.txt", 0
        with lines.open("w", encoding="utf-8") as file:
            for text in texts:
                if words := basic_english(text):
                    file.write(" ".join(words[:LONGEST]) + "\n")
                    count += 1
        print(f"training word vectors of {dim} dimensions on {count:,} texts (takes minutes)", flush=True)
        return Word2Vec(corpus_file=str(lines), vector_size=dim, workers=os.cpu_count() or 1, **SETTINGS)
