"""A row -> its text, label and target, or why it cannot be used; bad rows are listed in a file."""

import csv
import re
from collections.abc import Iterator, Mapping
from typing import IO

from project.errors import UserError
from project.ingest.records import Record, label_name
from project.ingest.rows import NO_LABEL, GoodRow
from project.ingest.soft_targets import probability_columns, soft_target, target_fault
from project.ingest.source import ReadOptions, Source, Split

SURROGATES = re.compile("[\ud800-\udfff]")  # bytes of a file that are not UTF-8 were read as these


def label_order(name: str) -> tuple[int, int, str]:
    """Sort whole numbers by value, before words by alphabet."""
    return (0, int(name), "") if name.lstrip("-").isdecimal() else (1, 0, name)


class RowChecker:
    """Tells the good rows of a source from the bad ones.

    Args:
        source: Where they come from.
        options: How they are read.
        bad_rows: Takes the bad ones.

    Attributes:
        labels: Index of each label; unless they are `closed`, labels that appear in a row join them.
        closed: Whether other labels are faults.
        without_label: How many good rows have soft targets alone.

    Raises:
        UserError: Soft targets are asked for, and train has no column of probabilities.
    """

    def __init__(self, source: Source, options: ReadOptions, bad_rows: "BadRows") -> None:
        self.source = source
        self.options = options
        self.bad_rows = bad_rows
        given = source.known_labels or self._labels_of_targets()
        self.labels = {name: number for number, name in enumerate(given)}
        self.closed = bool(given)
        self.without_label = 0

    def has_targets(self, split: Split) -> bool:
        """Return whether rows of this split need soft targets."""
        return self.options.soft_targets and self.source.labelled and split == "train"

    def _labels_of_targets(self) -> list[str]:
        """Return the labels that train has columns of probabilities for; nothing if it needs none."""
        first = None
        for part in self.source.parts.get("train", []) if self.has_targets("train") else []:
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
                if isinstance(row, GoodRow):
                    yield number, record.line, row
                else:
                    self.bad_rows.add(part.name, record.line, row)
        self.closed = self.closed or split == "train"

    def check(self, record: Record, split: Split) -> GoodRow | str:
        """Return what the row of a split holds, or why it cannot be used."""
        has_targets = self.has_targets(split)
        columns = probability_columns(record.columns, self.source.renamed) if has_targets else {}
        may_lack_label = has_targets and record.columns.get(self.options.label_column) in (None, "")
        has_label = self.source.labelled and not may_lack_label
        label = self._label(record) if has_label else None
        fault = record.fault or self._column_fault(record, has_label) or self._text_fault(record)
        if has_label:
            fault = fault or self._label_fault(record, label)
        if has_targets:
            fault = fault or target_fault(record.columns, columns, self.labels)
        return fault or self._good_row(record, label, columns)

    def _good_row(self, record: Record, label: str | None, columns: Mapping[str, str]) -> GoodRow:
        text = record.columns[self.options.text_column]
        target = soft_target(record.columns, columns, self.labels) if columns else []
        if label is not None:
            return GoodRow(text, self.labels.setdefault(label, len(self.labels)), target, has_label=True)
        self.without_label += bool(target)
        return GoodRow(text, target.index(max(target)) if target else NO_LABEL, target, has_label=False)

    def _label(self, record: Record) -> str | None:
        name = label_name(record.columns.get(self.options.label_column))
        return name if name is None else self.source.renamed.get(name, name)

    def _column_fault(self, record: Record, needs_label: bool) -> str | None:
        for option in ("text_column", "label_column")[: 1 + needs_label]:
            column = getattr(self.options, option)
            if column not in record.columns:
                return f"there is no column {column!r}, only {', '.join(record.columns)}: name it with --data.{option}"
        return None

    def _text_fault(self, record: Record) -> str | None:
        text = record.columns[self.options.text_column]
        return self.source.text_fault(text) or _storage_fault("text", text)

    def _label_fault(self, record: Record, label: str | None) -> str | None:
        value = record.columns[self.options.label_column]
        if value in (None, ""):
            return "the label is missing"
        if label is None:
            return f"the label is neither a name nor a whole number: {value!r:.40}"
        if fault := _storage_fault("label", label):
            return fault
        if self.closed and label not in self.labels:
            return f"the label {label!r} is none of {', '.join(self.source.known_labels or self.labels)}"
        return None


def _storage_fault(what: str, value: object) -> str | None:
    """Return why a text or label cannot be kept in an Arrow file."""
    if not isinstance(value, str):
        return f"the {what} is not text but {value!r:.40}"
    if "\0" in value:
        return f"the {what} holds a NUL character"
    return f"the {what} is not valid UTF-8" if SURROGATES.search(value) else None


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
        if not self.count:
            return []
        rows = "1 bad row" if self.count == 1 else f"{self.count:,} bad rows, the first"
        if not skip:
            raise UserError(f"{rows}: {self.first}; fix it, or skip bad rows with --data.bad_rows=skip")
        return [f"left out {rows}: {self.first}; all are listed in {place}"]
