"""Corpora of a few rows, opened without anything of this repository but ingest."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from project.ingest import Corpus, ReadOptions, Split, file_source, folder_source, open_corpus
from tests.conftest import write_csv


def text_fault(text: object) -> str | None:
    return None if isinstance(text, str) and text.strip() else "the text is empty"


def load_corpus(
    name: str,
    options: ReadOptions | None = None,
    known_labels: Sequence[str] | None = None,
    labelled: bool = True,
) -> Corpus:
    path = Path(name)
    options = options or ReadOptions()
    source = folder_source(name, path, options) if path.is_dir() else file_source(name, path, options)
    known = tuple(known_labels) if known_labels else None
    source = replace(source, text_fault=text_fault, labelled=labelled, known_labels=known)
    if not labelled:
        source = replace(source, parts={"test": source.parts.get("test") or source.parts["train"]})
    return open_corpus(source, options)


def folder(tmp_path: Path, **files: list[tuple[str, str]]) -> str:
    path = tmp_path / "corpus"
    path.mkdir(exist_ok=True)
    for split, rows in files.items():
        write_csv(path / f"{split}.csv", rows)
    return str(path)


def with_unlabelled(tmp_path: Path) -> Corpus:
    """A corpus whose train and unlabelled texts repeat some of val and test, written in other ways."""
    return load_corpus(
        folder(
            tmp_path,
            train=[("A cold cast.", "bad"), ("A half-baked plot!", "good")],
            val=[("A half - baked plot", "bad")],
            test=[("One warm and wise film.", "good")],
            unlabelled=[("Unlabelled.", ""), ("", ""), ("ONE WARM AND WISE FILM", "")],
        )
    )


def texts(corpus: Corpus, split: Split) -> list[str]:
    return [text for text, _ in corpus.split(split)]
