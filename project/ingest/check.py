"""A row -> its text, label and target, or why it cannot be used; bad rows are listed in a file."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

import numpy as np
from numpy.typing import NDArray

from project.errors import UserError
from project.ingest.records import NOT_TEXT, Record, label_name
from project.ingest.rows import NO_LABEL, GoodRow
from project.ingest.soft_targets import probability_columns, soft_target, target_fault
from project.ingest.source import ReadOptions, Source, Split
from project.ingest.splits import Carve, carve_rows

Answers = tuple[Sequence[str], Sequence[int], NDArray[np.float32] | None, Carve]


def label_order(name: str) -> tuple[int, int, str]:
    """Sort whole numbers by value, before words by alphabet."""
    return (0, int(name), "") if name.removeprefix("-").isdecimal() else (1, 0, name)


class RowChecker:
    """Tells the good rows of a source from the bad ones; each has one label, unless a subclass reads several.

    Args:
        source: Where they come from.
        options: How they are read.
        bad_rows: Collects the bad ones.

    Attributes:
        labels: Index of each answer, which is a label; unless they are `closed`, new ones in a row are added.
        classes: Index of each label.
        closed: Whether other labels are faults.
        soft: Whether rows of train need soft targets.
        notes: What the user should know about readable rows, each with the place of the first, by kind.

    Raises:
        UserError: Soft targets are asked for, and train has no column of probabilities.
    """

    def __init__(self, source: Source, options: ReadOptions, bad_rows: "BadRows") -> None:
        self.source, self.options, self.bad_rows = source, options, bad_rows
        self.soft = bool(options.soft_targets) and source.labelled
        given = source.known_labels or self._labels_of_targets()
        self.classes = self.labels = {name: number for number, name in enumerate(given)}
        self.closed = bool(given)
        self.notes: dict[str, str] = {}

    def _labels_of_targets(self) -> list[str]:
        """Return the labels that train has columns of probabilities for; nothing if it needs none."""
        first = None
        for part in self.source.parts.get("train", []) if self.soft else []:
            for record in part.records():
                if columns := probability_columns(record.columns, self.source.renamed):
                    return sorted(columns, key=label_order)
                first = first or f"{part.name}:{record.line}"
        if first is None:
            return []
        raise UserError(
            f"{first}: there is no column p_LABEL with a teacher's probability of each label, such as p_good and "
            "p_bad: `sentiment predict` writes them; labels alone need no --data.soft_targets"
        )

    def good_rows(self, split: Split) -> Iterator[tuple[int, int, GoodRow]]:
        """Yield the good rows of a split, each with the index of its part and its line; train closes the labels."""
        for number, part in enumerate(self.source.parts[split]):
            for record in part.records():
                row = self.check(record, split)
                if record.note:
                    self.notes.setdefault(record.note, f"{part.name}:{record.line}: {record.note}")
                if isinstance(row, GoodRow):
                    yield number, record.line, row
                else:
                    self.bad_rows.add(part.name, record.line, row)
        self.closed = self.closed or split == "train"

    def check(self, record: Record, split: Split) -> GoodRow | str:
        """Return what the row of a split holds, or why it cannot be used."""
        row, has_targets = record.columns, self.soft and split == "train"
        columns = probability_columns(row, self.source.renamed) if has_targets else None
        name = label_name(row.get(self.options.label_column)) if self.source.labelled else None
        label = None if name is None else self.source.renamed.get(name, name)
        if fault := next(filter(None, self._faults(record, label, columns)), None):
            return fault
        target = soft_target(row, columns, self.labels) if columns else []
        if label is not None:
            number = self.labels.setdefault(label, len(self.labels))
        else:
            number = target.index(max(target)) if target else NO_LABEL
        text, group = row[self.options.text_column], row.get(self.options.group_column or "")
        return GoodRow(text, number, target, label is not None, text if group in (None, "") else f"group {group}")

    def answers(self, names: Sequence[str]) -> Answers:
        """Return the answers in their final order, and the place there of each of `labels`, for the final `names`.

        The third is which name is in which answer, (answers, C) of 0 and 1, if an answer is not a name itself; the last
        chooses the rows of a split, as `carve_rows` does.
        """
        return names, [names.index(name) for name in self.labels], None, carve_rows

    def _faults(self, record: Record, label: str | None, columns: Mapping[str, str] | None) -> Iterator[str | None]:
        """Yield what each check says; a check may rest on those before it."""
        yield record.fault
        row, options = record.columns, self.options
        value = row.get(options.label_column)
        needs_label = self.source.labelled and (columns is None or value not in (None, ""))
        for option in ("text_column", "label_column")[: 1 + needs_label]:
            if (column := getattr(options, option)) not in row:
                hint = f"name it with --data.{option} (by number if there is no header), or set --data.delimiter"
                yield f"there is no column {column!r}, only {', '.join(row):.200}: {hint}"
        yield self.source.text_fault(row[options.text_column])
        yield _storage_fault("text", row[options.text_column])
        if needs_label:
            if value in (None, ""):
                yield "the label is missing"
            if label is None:
                yield f"the label is neither a name nor a whole number: {value!r:.40}"
            yield _storage_fault("label", label)
            if self.closed and label not in self.labels:
                yield f"the label {label!r} is not one of {', '.join(self.source.known_labels or self.labels)}"
        if columns is not None:
            yield target_fault(row, columns, self.labels)


def _storage_fault(what: str, value: object) -> str | None:
    """Return why a text or label cannot be kept in an Arrow file."""
    if not isinstance(value, str):
        return f"the {what} is not text but {value!r:.40}"
    if "\0" in value:
        return f"the {what} holds a NUL character"
    return f"the {what} is not valid UTF-8" if NOT_TEXT.search(value) else None


def label_notes(names: Sequence[str]) -> list[str]:
    """Return what the user should know about the names of labels."""
    folded = [name.casefold() for name in names]
    alike = ", ".join(name for name in names if folded.count(name.casefold()) > 1)
    return [f"labels that differ only in case are kept apart: {alike}; spell them alike to merge them"] if alike else []


class BadRows:
    """Bad rows, listed in a CSV file as they come.

    Args:
        file: The file to write.
    """

    def __init__(self, file: IO[str]) -> None:
        self.count, self.first = 0, ""
        self._writer = csv.writer(file)
        self._writer.writerow(["file", "line", "reason"])

    def add(self, part: str, line: int, reason: str) -> None:
        """Append a row."""
        self.count += 1
        self.first = self.first or f"{part}:{line}: {reason}"
        self._writer.writerow([part, line, reason])

    def notes(self, skip: bool, place: str) -> list[str]:
        """Return what the user should know; `place` is where the list will be.

        Raises:
            UserError: There are bad rows, and they are not to be skipped.
        """
        rows = "1 bad row" if self.count == 1 else f"{self.count:,} bad rows, the first"
        if self.count and not skip:
            raise UserError(f"{rows}: {self.first}; fix it, or skip bad rows with --data.bad_rows=skip")
        return [f"left out {rows}: {self.first}; all are listed in {place}"] if self.count else []
