"""Rows of a source -> checked, split and kept on disk, so that memory stays flat and a second run starts at once.

A store is a folder in the cache, keyed by the source's content and by every option that shapes it. It is built beside
its place and moved there whole: a killed run leaves no torn one, a changed file or option never meets a stale one.
"""

import csv
import hashlib
import itertools
import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from project.atomic import atomic_folder
from project.batch import NO_LABEL
from project.errors import UserError
from project.ingest.fetch import cache_dir
from project.ingest.records import Record, label_name
from project.ingest.soft_targets import probability_columns, soft_fault, soft_label
from project.ingest.splits import carve_phrases, carve_rows
from project.text import text_fault

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
FORMAT = 2  # of a store; part of its key
BATCH_ROWS = 4096
SOFT = "train.soft.npy"
MOST_LABELS = 100  # where more than half of the rows have a label of their own, the column was mistaken
SCHEMA = pa.schema([("text", pa.large_string()), ("label", pa.int32())])


class Example(NamedTuple):
    """A text and the index of its label in the corpus's `label_names`, or NO_LABEL."""

    text: str
    label: int


@dataclass(frozen=True)
class CorpusOptions:
    """How rows become a corpus.

    Attributes:
        text_column: Name of the column of texts.
        label_column: Name of the column of labels.
        bad_rows: error stops at a source with bad rows, counting them; skip leaves them out and lists them in a file.
        quoting: Whether quotation marks in CSV and TSV enclose fields.
        val_share: Share of train that becomes val where the source has none.
        test_share: Share of train that becomes test where the source has none; 0 for no test split.
        drop_duplicates: Whether texts that come again, or stand in val or test too, leave train.
        soft_labels: Whether train carries a teacher's probabilities in columns p_LABEL, which name the labels then. A
            row of train may lack its label, and counts as the most probable one, but is never carved out of train.
    """

    text_column: str = "text"
    label_column: str = "label"
    bad_rows: Literal["error", "skip"] = "error"
    quoting: bool = True
    val_share: float = 0.1
    test_share: float = 0.1
    drop_duplicates: bool = False
    soft_labels: bool = False


class Part(NamedTuple):
    """A file, or another place that rows come from."""

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
        labelled: False where texts are to be predicted and need no label.
        phrases: Whether rows are phrases of each other, as in the Stanford Sentiment Treebank: val is then carved by
            whole sentences, and no phrase of theirs stays in train.
        unlabelled: Where more texts come from that no one has labelled, for word vectors alone.
        text_column: Name of their column of texts.
    """

    name: str
    key: str
    parts: dict[Split, list[Part]]
    renamed: dict[str, str] = field(default_factory=dict)
    known_labels: tuple[str, ...] | None = None
    labelled: bool = True
    phrases: bool = False
    unlabelled: list[Part] = field(default_factory=list)
    text_column: str = "text"


class Rows(Sequence[Example]):
    """Examples in an Arrow file, in order; iterating reads a few thousand at a time.

    Args:
        path: Arrow IPC file with columns text and label, in batches of BATCH_ROWS.
        chosen: Rising positions of the rows that count.
        order: The final index of each label, by its index in the file.
    """

    def __init__(self, path: Path, chosen: NDArray[np.int64], order: Sequence[int]) -> None:
        self.path = path
        self.chosen = chosen
        self.order = [*order, NO_LABEL]  # a label of -1 picks the last

    def __len__(self) -> int:
        return len(self.chosen)

    def __iter__(self) -> Iterator[Example]:
        with pa.OSFile(str(self.path)) as file:
            reader = pa.ipc.open_file(file)
            starts = np.arange(reader.num_record_batches + 1) * BATCH_ROWS
            edges = np.searchsorted(self.chosen, starts)
            for number, (first, last) in enumerate(itertools.pairwise(edges)):
                if first < last:
                    batch = reader.get_batch(number).take(pa.array(self.chosen[first:last] - starts[number]))
                    labels = [self.order[label] for label in batch["label"].to_pylist()]
                    yield from map(Example, batch["text"].to_pylist(), labels)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Rows(self.path, self.chosen[index], self.order[:-1])
        (example,) = Rows(self.path, self.chosen[[index]], self.order[:-1])
        return example


@dataclass(frozen=True)
class Corpus:
    """Labelled texts, split once and for all.

    Attributes:
        name: What the user called it.
        label_names: The classes; a label is an index into them.
        splits: Examples by split, in the order of their source; a split may be absent.
        fingerprint: Digest of every split, text, label name and soft label: equal content, equal fingerprint.
        test_fingerprint: Digest of the test split alone: figures on equal ones can be compared.
        notes: What the user should know about the rows, a line each.
        folder: Where it is kept.
        source: What it was made of.
    """

    name: str
    label_names: tuple[str, ...]
    splits: dict[Split, Rows] = field(repr=False)
    fingerprint: str
    test_fingerprint: str
    notes: tuple[str, ...]
    folder: Path
    source: Source = field(repr=False)

    @property
    def soft(self) -> NDArray[np.float32] | None:
        """A teacher's probabilities for the texts of train, (texts, C), memory-mapped; None where there are none."""
        path = self.folder / SOFT
        return np.load(path, mmap_mode="r") if path.exists() else None

    def source_rows(self, split: Split) -> Iterator[tuple[dict[str, Any], int | None]]:
        """Yield every row of the split's source with all its columns, and its position in the split.

        The position is None for a bad row that was left out; what cannot be parsed has no columns.
        """
        places = np.load(self.folder / f"{split}.places.npy")
        row = 0
        for part_number, part in enumerate(self.source.parts[split]):
            for record in part.records():
                good = row < len(places) and places[row, 0] == part_number and places[row, 1] == record.line
                yield record.columns, row if good else None
                row += good

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


def open_store(source: Source, options: CorpusOptions) -> Corpus:
    """Return the corpus of `source`, building its store where the cache has none.

    Raises:
        UserError: Rows cannot be used, or the cache cannot be written.
    """
    settings = [FORMAT, source.key, asdict(options), source.renamed, source.known_labels, source.labelled]
    key = hashlib.sha256(json.dumps([*settings, source.phrases]).encode()).hexdigest()[:32]
    folder = cache_dir() / "corpora" / key
    if not folder.is_dir():
        atomic_folder(folder, lambda scratch: _build(source, options, scratch))
    facts = json.loads((folder / "store.json").read_text(encoding="utf-8"))
    splits: dict[Split, Rows] = {
        split: Rows(folder / file, np.load(folder / f"{split}.npy"), facts["order"])
        for split, file in facts["splits"].items()
    }
    notes = tuple(note.replace("{folder}", str(folder)) for note in facts["notes"])
    fingerprints = facts["fingerprint"], facts["test_fingerprint"]
    return Corpus(source.name, tuple(facts["label_names"]), splits, *fingerprints, notes, folder, source)


class _Written:
    """What is remembered of the rows of one split, whose texts are on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.parts: list[tuple[int, str]] = []  # first row and name of each part
        self.lines = array("q")
        self.labels = array("i")
        self.hashes = array("Q")
        self.soft = array("f")  # a teacher's probabilities, C for each row, or nothing
        self.unlabelled = array("q")  # rows whose label is the teacher's

    def save_places(self) -> None:
        """Keep part and line of every row, (rows, 2), for `source_rows`."""
        firsts = [first for first, _ in self.parts]
        parts = np.searchsorted(firsts, np.arange(len(self.lines)), side="right") - 1
        np.save(self.path.with_suffix(".places.npy"), np.stack([parts, np.array(self.lines)], axis=1))

    def where(self, row: int) -> str:
        """Return file and line of a row."""
        name = [name for first, name in self.parts if first <= row][-1]
        return f"{name}:{self.lines[row]}"

    def digests(self) -> NDArray[np.uint64]:
        return np.frombuffer(self.hashes, dtype=np.uint64)

    def taught(self) -> NDArray[np.float32]:
        """Return the teacher's probabilities, (rows, C)."""
        return np.frombuffer(self.soft, dtype=np.float32).reshape(len(self.lines), -1)

    def labelled(self) -> NDArray[np.bool_]:
        """Return which rows have a label of their own, (rows,)."""
        own = np.ones(len(self.lines), dtype=bool)
        own[np.array(self.unlabelled, dtype=np.int64)] = False
        return own


class _Faults:
    """Bad rows, listed in a file as they come."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.first = ""
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(["file", "line", "reason"])

    def __enter__(self) -> "_Faults":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, part: str, line: int, reason: str) -> None:
        self.count += 1
        self.first = self.first or f"{part}:{line}: {reason}"
        self._writer.writerow([part, line, reason])

    def judge(self, options: CorpusOptions) -> list[str]:
        """Return a note about the bad rows, or raise."""
        if not self.count:
            self.path.unlink()
            return []
        rows = "1 bad row" if self.count == 1 else f"{self.count:,} bad rows, the first"
        if options.bad_rows == "error":
            raise UserError(f"{rows}: {self.first}; mend it, or leave bad rows out with --data.bad_rows=skip")
        return [f"left out {rows}: {self.first}; all are listed in {{folder}}/{self.path.name}"]


def _build(source: Source, options: CorpusOptions, folder: Path) -> None:
    """Fill `folder` with the rows of `source`."""
    given = source.known_labels or _taught_labels(source, options)
    labels = {name: number for number, name in enumerate(given)}
    written: dict[Split, _Written] = {}
    with _Faults(folder / "bad_rows.csv") as faults:
        for split in SPLITS:
            if split in source.parts:
                closed = len(given) > 0 or "train" in written
                written[split] = _write_split(source, options, split, folder, labels, closed, faults)
    notes = faults.judge(options)
    if not any(len(rows.lines) for rows in written.values()):
        raise UserError(f"corpus {source.name} has no text{f': {faults.first}' if faults.count else ''}")
    rows = sum(len(each.lines) for each in written.values())
    if len(labels) > max(MOST_LABELS, rows / 2):
        raise UserError(
            f"column {options.label_column!r} has {len(labels):,} different values in {rows:,} rows: these can hardly "
            "be labels, name the column with --data.label_column"
        )
    names = list(source.known_labels or sorted(labels, key=_label_order))
    place = {name: number for number, name in enumerate(names)}
    order = [place[name] for name in labels]
    origin, chosen = _choose(source, options, written, order, notes)
    for split, positions in chosen.items():
        np.save(folder / f"{split}.npy", positions)
    for each in written.values():
        each.save_places()
    if "train" in written and written["train"].soft:
        np.save(folder / SOFT, written["train"].taught()[chosen["train"]])
    if "train" in written and written["train"].unlabelled:
        count = len(written["train"].unlabelled)
        notes.append(f"{count:,} texts of train have no label: the one that is most probable to the teacher counts")
    rows_of = {split: (written[origin[split]], positions) for split, positions in chosen.items()}
    test_rows: dict[Split, Any] = {split: rows for split, rows in rows_of.items() if split == "test"}
    facts = {
        "label_names": names,
        "order": order,
        "splits": {split: written[origin[split]].path.name for split in chosen},
        "fingerprint": _fingerprint(rows_of, list(labels)),
        "test_fingerprint": _fingerprint(test_rows, list(labels)),
        "notes": notes,
    }
    (folder / "store.json").write_text(json.dumps(facts), encoding="utf-8")


def _label_order(name: str) -> tuple[int, int, str]:
    """Sort whole numbers by value, before words by alphabet."""
    return (0, int(name), "") if name.lstrip("-").isdecimal() else (1, 0, name)


def _is_taught(source: Source, options: CorpusOptions, split: Split) -> bool:
    return options.soft_labels and source.labelled and split == "train"


def _taught_labels(source: Source, options: CorpusOptions) -> list[str]:
    """Return the labels of which train gives probabilities, in order; nothing where no one asked for them.

    Raises:
        UserError: It gives none.
    """
    if not _is_taught(source, options, "train"):
        return []
    first = None
    for part in source.parts.get("train", []):
        for record in part.records():
            if names := probability_columns(record.columns, source.renamed):
                return sorted(names, key=_label_order)
            first = first or f"{part.name}:{record.line}"
    if first is None:
        return []
    raise UserError(
        f"{first}: there is no column p_LABEL with a teacher's probability of each label, such as p_good and p_bad: "
        "`sentiment predict` writes them; labels alone need no --data.soft_labels"
    )


def _write_split(
    source: Source,
    options: CorpusOptions,
    split: Split,
    folder: Path,
    labels: dict[str, int],
    closed: bool,
    faults: _Faults,
) -> _Written:
    """Write the good rows of one split; where `labels` are not `closed` new ones join them."""
    written = _Written(folder / f"{split}.arrow")
    taught = _is_taught(source, options, split)
    with pa.OSFile(str(written.path), "wb") as file, pa.ipc.new_file(file, SCHEMA) as writer:
        texts: list[str] = []
        for part in source.parts[split]:
            written.parts.append((len(written.lines), part.name))
            for record in part.records():
                text, label = record.columns.get(options.text_column), _label(source, options, record)
                columns = probability_columns(record.columns, source.renamed) if taught else None
                if fault := _fault(source, options, record, label, labels, closed, columns):
                    faults.add(part.name, record.line, fault)
                    continue
                if columns is not None:
                    label = _learn(record, columns, label, list(labels), written)
                texts.append(text)  # type: ignore[arg-type] # text_fault found it a str
                written.lines.append(record.line)
                written.labels.append(NO_LABEL if label is None else labels.setdefault(label, len(labels)))
                written.hashes.append(_digest(texts[-1]))
                if len(texts) == BATCH_ROWS:
                    _flush(writer, texts, written.labels)
        _flush(writer, texts, written.labels)
    return written


def _learn(record: Record, columns: dict[str, str], label: str | None, names: list[str], written: _Written) -> str:
    """Keep what the teacher says of a row; return its label, which may be the teacher's most probable one."""
    probabilities = soft_label(record.columns, columns, names)
    written.soft.extend(probabilities)
    if label is not None:
        return label
    written.unlabelled.append(len(written.lines))
    return names[probabilities.index(max(probabilities))]


def _flush(writer: Any, texts: list[str], labels: "array[int]") -> None:
    if texts:
        writer.write_batch(pa.record_batch([texts, labels[-len(texts) :].tolist()], schema=SCHEMA))
        texts.clear()


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _label(source: Source, options: CorpusOptions, record: Record) -> str | None:
    name = label_name(record.columns.get(options.label_column)) if source.labelled else None
    return name if name is None else source.renamed.get(name, name)


def _fault(
    source: Source,
    options: CorpusOptions,
    record: Record,
    label: str | None,
    labels: dict[str, int],
    closed: bool,
    columns: dict[str, str] | None,
) -> str | None:
    """Return why a row cannot be used, None where it can; `columns` of probabilities where a teacher gives them."""
    may_lack_label = columns is not None and record.columns.get(options.label_column) in (None, "")
    needs_label = source.labelled and not may_lack_label
    fault = record.fault or _column_fault(options, record, needs_label)
    fault = fault or text_fault(record.columns[options.text_column])
    if needs_label:
        fault = fault or _label_fault(source, options, record, label, labels, closed)
    if columns is not None:
        fault = fault or soft_fault(record.columns, columns, labels)
    return fault


def _column_fault(options: CorpusOptions, record: Record, needs_label: bool) -> str | None:
    needed = {"text_column": options.text_column} | ({"label_column": options.label_column} if needs_label else {})
    for option, column in needed.items():
        if column not in record.columns:
            return f"there is no column {column!r}, only {', '.join(record.columns)}: name it with --data.{option}"
    return None


def _label_fault(
    source: Source, options: CorpusOptions, record: Record, label: str | None, labels: dict[str, int], closed: bool
) -> str | None:
    if label is None:
        value = record.columns.get(options.label_column)
        return (
            "the label is missing" if value in (None, "") else f"the label is no name or whole number but {value!r:.40}"
        )
    if fault := text_fault(label):
        return fault.replace("the text", "the label")
    if closed and label not in labels:
        return f"the label {label!r} is none of {', '.join(source.known_labels or labels)}"
    return None


def _choose(
    source: Source, options: CorpusOptions, written: dict[Split, _Written], order: list[int], notes: list[str]
) -> tuple[dict[Split, Split], dict[Split, NDArray[np.int64]]]:
    """Decide which rows make each split, carving what the source lacks; return origin and rows by split.

    Raises:
        UserError: No row of train has a label that a split carved out of it could be measured on.
    """
    chosen: dict[Split, NDArray[np.int64]] = {s: np.arange(len(rows.lines)) for s, rows in written.items()}
    origin: dict[Split, Split] = {split: split for split in chosen}
    if "train" not in written:
        return origin, chosen
    train = written["train"]
    chosen["train"] = _without_duplicates(options, written, notes)
    left = 1.0  # of train
    shares: dict[Split, float] = {"test": options.test_share, "val": options.val_share}
    for split, of_train in shares.items():
        if split in chosen or of_train == 0:
            continue
        rows, share = chosen["train"], of_train / left
        left -= of_train
        own = train.labelled()[rows]
        if len(rows) and not own.any():
            raise UserError(
                f"corpus {source.name}: {split} is measured on labels, and no text of train has one in column "
                f"{options.label_column!r}: give a folder with a file {split}.csv too"
            )
        if source.phrases:
            texts = [example.text for example in Rows(train.path, rows, order)]
            carved = carve_phrases(texts, share)
        else:
            carved = _carve_labelled(train, rows, order, share)
        origin[split], chosen[split], chosen["train"] = "train", rows[carved & own], rows[~carved]
        notes.append(f"carved a {split} split of {len(chosen[split]):,} texts out of train")
    return origin, chosen


def _carve_labelled(train: _Written, rows: NDArray[np.int64], order: list[int], share: float) -> NDArray[np.bool_]:
    """Choose about `share` of the `rows` with a label of their own, and every row of the same text.

    The same ones whether labels come in the order of the file or of a checkpoint: `order` holds their final indices.
    """
    digests, own = train.digests()[rows], train.labelled()[rows]
    labels = np.array(order, dtype=np.int32)[np.frombuffer(train.labels, dtype=np.int32)[rows]]
    return np.isin(digests, digests[own][carve_rows(digests[own], labels[own], share)])


def _without_duplicates(options: CorpusOptions, written: dict[Split, _Written], notes: list[str]) -> NDArray[np.int64]:
    """Count texts that come twice; return the rows of train that stay."""
    digests = {split: rows.digests() for split, rows in written.items()}
    _, first = np.unique(digests["train"], return_index=True)
    again = np.ones(len(digests["train"]), dtype=bool)
    again[first] = False
    found = {"come again in it": again}
    found |= {f"stand in {s} too": np.isin(digests["train"], digests[s]) for s in ("val", "test") if s in digests}
    verb = "left out" if options.drop_duplicates else "kept"
    for what, rows in found.items():
        if rows.any():
            place = written["train"].where(int(rows.argmax()))
            notes.append(f"{verb} {rows.sum():,} texts of train that {what}, the first at {place}")
    if "val" in digests and "test" in digests:
        both = np.isin(digests["val"], digests["test"])
        if both.any():
            place = written["val"].where(int(both.argmax()))
            notes.append(f"kept {both.sum():,} texts of val that stand in test too, the first at {place}")
    gone = np.any(list(found.values()), axis=0) & options.drop_duplicates
    return np.flatnonzero(~gone)


def _fingerprint(splits: dict[Split, tuple[_Written, NDArray[np.int64]]], names: list[str]) -> str:
    """Digest texts, label names and soft labels, whatever order the labels came in."""
    place = {name: number for number, name in enumerate(sorted(names))}
    rank = np.array([place[name] for name in names] + [NO_LABEL], dtype=np.int32)
    digest = hashlib.sha256(json.dumps(sorted(names)).encode())
    for split in SPLITS:
        if split in splits:
            written, rows = splits[split]
            digest.update(split.encode() + written.digests()[rows].tobytes())
            digest.update(rank[np.frombuffer(written.labels, dtype=np.int32)[rows]].tobytes())
            if split == "train" and written.soft:
                digest.update(written.taught()[rows][:, np.argsort(rank[:-1])].tobytes())
    return digest.hexdigest()
