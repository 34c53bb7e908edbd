"""Where the rows of each split come from: a file, or a folder of files named after their splits."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from project.atomic import sha256_of
from project.errors import UserError
from project.ingest.records import SUFFIXES, Record, is_data_file, read_records

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
# what a split is called in the name of a file: train.csv, test-00000-of-00001.parquet, validation.jsonl.gz
UNLABELLED = ("unlabelled", "unlabeled", "unsupervised")
SPLIT_NAMES = {"training": "train", "valid": "val", "validation": "val", "dev": "val"}
SPLIT_NAMES |= {split: split for split in SPLITS} | dict.fromkeys(UNLABELLED, UNLABELLED[0])


@dataclass(frozen=True)
class ReadOptions:
    """How rows become a corpus.

    Attributes:
        text_column: Name of the column of texts.
        label_column: Name of the column of labels.
        bad_rows: error stops if there are bad rows, and counts them; skip leaves them out and lists them in a file.
        val_share: Share of train that becomes val if the source has none.
        test_share: Share of train that becomes test if the source has none; 0 for no test split.
        drop_duplicates: Whether train loses its repeated texts and those that are also in val or test.
        soft_targets: Whether train has a probability of each label in columns p_LABEL, which then name the labels. A
            row of train may lack its label; its most probable one is used, but it never moves to val or test. None if
            the source decides.
        delimiter: What separates the columns of CSV and TSV; None for what the first line suggests.
        group_column: Name of a column of groups, such as authors: rows of one group stay together when val and test are
            carved out of train. A row without a value is a group of its own.
        labels: Whether a row has one label, or any number of them.

    Raises:
        UserError: The shares leave nothing to train on.
    """

    text_column: str = "text"
    label_column: str = "label"
    bad_rows: Literal["error", "skip"] = "error"
    val_share: float = 0.1
    test_share: float = 0.1
    drop_duplicates: bool = False
    soft_targets: bool | None = None
    delimiter: str | None = None
    group_column: str | None = None
    labels: Literal["one", "any"] = "one"

    @classmethod
    def among(cls, settings: Mapping[str, Any]) -> "ReadOptions":
        """Return the options that are among `settings` of a data module or of a checkpoint; others have defaults."""
        return cls(**{each.name: settings[each.name] for each in fields(cls) if each.name in settings})

    def __post_init__(self) -> None:
        for name, share in (("val_share", self.val_share), ("test_share", self.test_share)):
            if not 0 <= share < 1:
                raise UserError(f"{name} is {share}: set --data.{name} to at least 0 and less than 1")
        if self.val_share + self.test_share >= 1:
            raise UserError("val_share and test_share leave nothing to train on: their sum should be less than 1")
        if self.delimiter is not None and len(self.delimiter.replace(r"\t", "\t")) != 1:
            raise UserError(f"delimiter is {self.delimiter!r}: it should be one character, such as ; or \\t")


DEFAULTS = ReadOptions()


class Part(NamedTuple):
    """A file, or another place that rows come from; `records` reads it from its beginning at every call."""

    name: str
    records: Callable[[], Iterable[Record]]


@dataclass(frozen=True)
class Source:
    """Where a corpus comes from.

    Attributes:
        name: What the user called it.
        key: Digest of its content.
        parts: Where the rows of each split come from, in order.
        renamed: Names for labels, by what they are called in the source.
        known_labels: The only labels allowed, in their order; None for those of train.
        labelled: False if the texts are to be predicted and need no label.
        carve_phrases: If rows are phrases of each other, chooses those of a split, (rows,), given their texts and a
            share; rows are chosen by class otherwise.
        unlabelled: Further texts that no one has labelled.
        text_column: Name of the column of texts.
        text_fault: Returns why a value is not a usable text, or None; every text is by default.
        code: Digest of the code that reads this source and checks its texts: new code, new folder in the cache.
        soft_targets: Whether train has them, unless `ReadOptions` say otherwise.
        checker: A subclass of `RowChecker` that reads rows differently; None for `RowChecker`.
    """

    name: str
    key: str
    parts: dict[Split, list[Part]]
    renamed: dict[str, str] = field(default_factory=dict)
    known_labels: tuple[str, ...] | None = None
    labelled: bool = True
    carve_phrases: Callable[[Sequence[str], float], NDArray[np.bool_]] | None = None
    unlabelled: list[Part] = field(default_factory=list)
    text_column: str = ReadOptions.text_column
    text_fault: Callable[[object], str | None] = lambda text: None
    code: str = ""
    soft_targets: bool = False
    checker: Any = None


def file_source(name: str, path: Path, options: ReadOptions = DEFAULTS) -> Source:
    """Return one file as train, from which val and test will be carved.

    Raises:
        UserError: Its format is not known, or it cannot be read.
    """
    if not is_data_file(path):
        raise UserError(f"{path} has none of the suffixes that are read: {', '.join(SUFFIXES)}")
    return Source(name, digest_files([path]), {"train": [_file_part(path, options)]})


def folder_source(name: str, folder: Path, options: ReadOptions = DEFAULTS) -> Source:
    """Return the files of a folder, or of its folder ``data``, that are named after splits, as on the Hugging Face hub.

    Files called unsupervised, unlabelled or unlabeled are its unlabelled texts.

    Raises:
        UserError: There are none, or one cannot be read.
    """
    files = sorted(filter(is_data_file, [*folder.iterdir(), *(folder / "data").glob("*")]))
    named = [(word, path) for path in files if (word := re.split(r"[-._]", path.name.lower())[0]) in SPLIT_NAMES]
    parts, unlabelled = by_split((word, _file_part(path, options)) for word, path in named)
    if not parts:
        raise UserError(f"{folder} holds no file named after its split, such as train.csv or test.parquet")
    return Source(name, digest_files(path for _, path in named), parts, unlabelled=unlabelled)


def by_split(named: Iterable[tuple[str, Part]]) -> tuple[dict[Split, list[Part]], list[Part]]:
    """Return the parts of each split, and the unlabelled ones, of parts that have one of `SPLIT_NAMES` each."""
    found: dict[str, list[Part]] = {}
    for name, part in named:
        found.setdefault(SPLIT_NAMES[name], []).append(part)
    return {split: found[split] for split in SPLITS if split in found}, found.get(UNLABELLED[0], [])


def _file_part(path: Path, options: ReadOptions) -> Part:
    return Part(str(path), partial(_records, path, options, _version(path)))


def _records(path: Path, options: ReadOptions, version: object) -> Iterator[Record]:
    """Yield the rows of a file; raise `UserError` if its `_version` has changed."""
    label_column = options.label_column if options.labels == "one" else None  # else a pattern of names, maybe
    needed = filter(None, (options.text_column, label_column, options.group_column))
    yield from read_records(path, options.delimiter, list(needed))
    if _version(path) != version:
        raise UserError(f"{path} changed while it was being read: try again when nothing writes to it")


def _version(path: Path) -> object:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def digest_files(paths: Iterable[Path]) -> str:
    """Return a digest of the files' names and content.

    Raises:
        UserError: A file cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        try:
            digest.update(f"{path.name} {sha256_of(path)}\n".encode())
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}") from error
    return digest.hexdigest()
