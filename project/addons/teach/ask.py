"""A corpus -> a file of the texts that a language model is to label: see docs/teaching.md."""

import random
from pathlib import Path

from project.addons.teach.command import check_labels, further_texts
from project.corpora import load_corpus
from project.datamodule import SentimentDataModule
from project.errors import UserError
from project.ingest import check_output, write_rows


def ask(
    data: SentimentDataModule,
    output: Path,
    labelled: int | None = None,
    texts: str | None = None,
    sentences: bool = False,
    most: int = 200_000,
    seed_everything: int = 42,
    overwrite: bool = False,
) -> None:
    """Write the texts that a language model is to label for `sentiment teach --answers`: none of val or test.

    Args:
        output: File to write (.csv, .tsv, .jsonl, each also .gz, or .parquet).
        labelled: Maximum number of train's labelled texts, drawn at random; all by default.
        texts: Corpus with further texts.
        sentences: Whether to split these into sentences.
        most: Maximum number of these, drawn at random.
        seed_everything: Random seed.
        overwrite: Whether an existing file is replaced.

    Raises:
        UserError: The corpus or the further texts cannot be used, there is no text, or the file cannot be written.
    """
    if most < 1 or (labelled is not None and labelled < 0):
        raise UserError("--most should be 1 or more, and --labelled 0 or more")
    check_labels(data)
    check_output(output, overwrite)
    own = load_corpus(data.corpus_name, data.options)
    found = list(dict.fromkeys(text for text, _ in own.split("train")))
    if labelled is not None:
        found = random.Random(seed_everything).sample(found, min(labelled, len(found)))
    count = len(found)
    if texts:
        found += further_texts(own, data, texts, sentences, most, seed_everything)
    if not found:
        raise UserError("there is no text to write: with --labelled=0, name a corpus with --texts")
    write_rows(output, ({"text": text} for text in found), {})
    print(f"written: {output}, {count:,} texts of train and {len(found) - count:,} further ones")
