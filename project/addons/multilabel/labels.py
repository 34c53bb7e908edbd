"""The columns of a row -> the set of its labels, as one name: a list, names with a separator, or columns of 0 and 1."""

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cached_property, partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from project.addons.multilabel.carve import carve
from project.atomic import code_digest
from project.decision import SEPARATOR
from project.ingest import ReadOptions, Record, Source, Split, label_name
from project.ingest.check import Answers, BadRows, RowChecker
from project.ingest.rows import GoodRow
from project.ingest.soft_targets import probability_columns, probability_fault

LIKELY = 0.5  # a soft target from which on a row without labels counts as having one
SEPARATORS = "|;,"  # which of them separates names is detected from the first rows
LOOKED_AT = 1_000  # rows
LONGEST = 10_000  # characters of a list that is written as text
TRUE, FALSE = {"1", "true", "1.0"}, {"0", "false", "0.0", ""}


class AnyChecker(RowChecker):
    """Reads rows that have any number of labels: an answer is their names as one, equal for equal sets.

    They are in the column of labels, or in columns of 0 and 1, of which ``label_column`` has names or patterns with
    commas between them.
    """

    figures = "project.addons.multilabel.figures:AnyFigures"
    code = code_digest(Path(__file__).parent.glob("*.py"))

    def __init__(self, source: Source, options: ReadOptions, bad_rows: BadRows) -> None:
        super().__init__(source, options, bad_rows)
        self.labels, self.labelled = {}, source.labelled  # sets; `classes` are what is known
        self.source = replace(source, labelled=False)  # the faults of labels are told here
        self._patterns = [pattern.strip() for pattern in options.label_column.split(",")]

    def check(self, record: Record, split: Split) -> GoodRow | str:
        """Return what the row of a split holds, or why it cannot be used."""
        found = super().check(record, "test")  # all but labels and targets
        if isinstance(found, str) or not self.labelled:
            return found
        row = record.columns
        try:
            target = self._target(row) if self.soft and split == "train" else []
            own = not target or row.get(self.options.label_column) not in (None, "")
            names = self._names(row) if own else None
        except ValueError as error:
            return str(error)
        return self._labelled(found, target, names)

    def _labelled(self, found: GoodRow, target: list[float], names: set[str] | None) -> GoodRow:
        """Return a row with its labels, or those that are more probable than not if it does not say."""
        likely = {name for name, p in zip(self.classes, target, strict=False) if p >= LIKELY}
        answer = SEPARATOR.join(sorted(likely if names is None else names))
        for name in sorted(names or ()):
            self.classes.setdefault(name, len(self.classes))
        number = self.labels.setdefault(answer, len(self.labels))
        return found._replace(label=number, target=target, has_label=names is not None)

    @cached_property
    def _separator(self) -> str:
        """The first of `SEPARATORS` that is in one of the first values; the bar if none is."""
        parts = next(iter(self.source.parts.values()))
        rows = islice(chain.from_iterable(part.records() for part in parts), LOOKED_AT)
        values = [value for row in rows if isinstance(value := row.columns.get(self.options.label_column), str)]
        return next((each for each in SEPARATORS if any(each in value for value in values)), SEPARATOR)

    def answers(self, names: Sequence[str]) -> Answers:
        """Return the sets, named as a `Decision` names its answers, their order and their labels."""
        if not self.labels:  # texts to predict
            return super().answers(names)
        owned = [set(label.split(SEPARATOR)) for label in self.labels]
        members = np.array([[name in own for name in names] for own in owned], dtype=np.float32)
        sets = [SEPARATOR.join(name for name in names if name in own) for own in owned]
        return sets, list(range(len(owned))), members, partial(carve, members)

    def _target(self, row: Mapping[str, Any]) -> list[float]:
        """Return the probability of each of `classes`.

        Raises:
            ValueError: A column is missing, or one holds no probability.
        """
        columns = probability_columns(row, self.source.renamed)
        if missing := [name for name in self.classes if name not in columns]:
            raise ValueError(f"there is no column p_{missing[0]}, the probability of a label")
        for column in columns.values():
            if fault := probability_fault(column, row[column]):
                raise ValueError(fault)
        return [min(float(row[columns[name]]), 1.0) for name in self.classes]

    def _names(self, row: Mapping[str, Any]) -> set[str]:
        """Return the names of a row's labels.

        Raises:
            ValueError: They cannot be read.
        """
        column = self.options.label_column
        if column in row:
            value = row[column]
            return self._known(checked(parts_of(value, self._separator) if isinstance(value, str) else listed(value)))
        flags = [name for name in row if any(fnmatchcase(name, pattern) for pattern in self._patterns)]
        if not flags:
            hint = "name it, or columns of 0 and 1 such as joy,fear or is_*, with --data.label_column"
            raise ValueError(f"there is no column {column!r}, only {', '.join(row)}: {hint}")
        return self._known(checked(name for name in flags if flag(name, row[name])))

    def _known(self, names: set[str]) -> set[str]:
        """Return names, none of which may be new once they are closed."""
        if self.closed and (unknown := sorted(names - self.classes.keys())):
            raise ValueError(f"the label {unknown[0]!r} is not one of {', '.join(self.classes)}")
        return names


def parts_of(value: str, separator: str) -> Iterable[Any]:
    """Return the labels in a text: a list as Python or JSON write it, or names with a separator."""
    if not value.lstrip().startswith("["):
        return value.split(separator)
    try:
        return listed(ast.literal_eval(value[:LONGEST].strip()))
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError(f"the labels are not a list that can be read: {value!r:.40}") from error


def listed(value: Any) -> Iterable[Any]:
    """Return what a column holds as several values."""
    return () if value is None else value if isinstance(value, list | tuple) else [value]


def checked(labels: Iterable[Any]) -> set[str]:
    """Return the names of labels, without empty ones.

    Raises:
        ValueError: One is no name, or holds what stands between names.
    """
    names = set()
    for label in labels:
        if label is None or (isinstance(label, str) and not label.strip()):
            continue
        name = label_name(label.strip() if isinstance(label, str) else label)
        if name is None:
            raise ValueError(f"a label is neither a name nor a whole number: {label!r:.40}")
        if SEPARATOR in name:
            raise ValueError(f"the label {name!r:.40} holds {SEPARATOR!r}, which separates the labels of an answer")
        if "\0" in name or not name.isprintable():
            raise ValueError(f"a label holds a character that cannot be shown: {name!r:.40}")
        names.add(name)
    return names


def flag(column: str, value: Any) -> bool:
    """Return whether a column of 0 and 1 says 1.

    Raises:
        ValueError: It says something else.
    """
    word = str("" if value is None else value).strip().casefold()
    if word not in TRUE | FALSE:
        raise ValueError(f"the column {column!r} should be 0 or 1, but is {value!r:.40}")
    return word in TRUE
