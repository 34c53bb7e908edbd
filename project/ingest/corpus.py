"""Labelled texts, split once and for all, from the cache if it holds them."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from project.atomic import cached_folder, code_digest
from project.errors import UserError
from project.ingest.build import FACTS, MEMBERS, TARGETS, build_corpus
from project.ingest.fetch import cache_dir
from project.ingest.records import file_kind
from project.ingest.rows import Rows, StoredRows
from project.ingest.source import ReadOptions, Source, Split


@dataclass(frozen=True)
class Corpus:
    """Labelled texts, split once and for all.

    Attributes:
        name: What the user called it.
        label_names: The classes.
        splits: Examples by split, in the order of their source; a split may be absent.
        fingerprint: Digest of every split, text, label name and soft target: equal content, equal fingerprint.
        test_fingerprint: Digest of the test split alone: results on equal ones can be compared.
        notes: What the user should know about the rows, a line each.
        folder: Where it is kept.
        source: What it was made of.
        answers: What the label of an example is called: the classes, or the sets of them that occur.
    """

    name: str
    label_names: tuple[str, ...]
    splits: dict[Split, Rows] = field(repr=False)
    fingerprint: str
    test_fingerprint: str
    notes: tuple[str, ...]
    folder: Path
    source: Source = field(repr=False)
    answers: tuple[str, ...] = field(repr=False)

    @property
    def soft_targets(self) -> NDArray[np.float32] | None:
        """Probability of each class for the texts of train, (texts, C), memory-mapped; None if there are none."""
        path = self.folder / TARGETS
        return np.load(path, mmap_mode="r") if path.exists() else None

    @cached_property
    def members(self) -> NDArray[np.float32] | None:
        """Which class is in which answer, (answers, C) of 0 and 1; None if each is its own answer."""
        return np.load(path) if (path := self.folder / MEMBERS).exists() else None

    def source_rows(self, split: Split) -> Iterator[tuple[dict[str, Any], int | None]]:
        """Yield every row of the split's source with all its columns, and its position in the split.

        The position is None for a bad row that was left out; what cannot be parsed has no columns.
        """
        stored = StoredRows(self.folder / f"{split}.arrow")
        row = 0
        for part_number, part in enumerate(self.source.parts[split]):
            for record in part.records():
                good = row < len(stored) and (stored.parts[row], stored.lines[row]) == (part_number, record.line)
                yield record.columns, row if good else None
                row += good

    def late_columns(self, split: Split, output: Path) -> dict[str, None]:
        """Return the columns of a split's source if its first row may lack some, and `output` is a table."""
        formats = {file_kind(Path(part.name)) for part in self.source.parts[split]}
        if "jsonl" not in formats or file_kind(output) == "jsonl":
            return {}
        return dict.fromkeys(name for columns, _ in self.source_rows(split) for name in columns)

    def places(self, split: Split) -> Iterator[tuple[str, int]]:
        """Yield the file and line that each text of a split came from, in the split's order.

        Raises:
            UserError: The corpus has no such split, or it is empty.
        """
        rows = self.split(split)
        stored, parts = StoredRows(rows.path), self.source.parts[cast(Split, rows.path.stem)]
        for row in rows.chosen:
            yield parts[stored.parts[row]].name, int(stored.lines[row])

    def split(self, name: Split) -> Rows:
        """Return the examples of one split.

        Raises:
            UserError: The corpus has no such split, or it is empty.
        """
        if name not in self.splits:
            raise UserError(f"corpus {self.name} has no {name} split, only {', '.join(self.splits)}")
        if not len(self.splits[name]):
            raise UserError(f"corpus {self.name} has no text in its {name} split")
        return self.splits[name]


@cache
def ingest_code() -> str:
    """Return a digest of this library's code: no folder in the cache outlives a change of it."""
    return code_digest(Path(__file__).parent.glob("*.py"))


def open_corpus(source: Source, options: ReadOptions) -> Corpus:
    """Return the corpus of `source`, building its folder if the cache has none for this content, options and code.

    Raises:
        UserError: Rows cannot be used, or the cache cannot be written.
    """
    settings = [asdict(options), source.renamed, source.known_labels, source.labelled]
    key = json.dumps([source.key, list(source.parts), ingest_code(), source.code, settings])
    folder = cache_dir() / "corpora" / hashlib.sha256(key.encode()).hexdigest()[:32]
    cached_folder(folder, lambda scratch: build_corpus(source, options, scratch))
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    splits: dict[Split, Rows] = {}
    for split, file in facts["splits"].items():
        splits[split] = Rows(folder / file, np.load(folder / f"{split}.npy"), facts["order"])
    notes = tuple(note.replace("{folder}", str(folder)) for note in facts["notes"])
    whole, test = facts["fingerprints"]
    names, answers = tuple(facts["label_names"]), tuple(facts["answers"])
    return Corpus(source.name, names, splits, whole, test, notes, folder, source, answers)
