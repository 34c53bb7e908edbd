"""A file of texts -> the same rows with predictions, a few thousand at a time, so that memory stays flat."""

import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from project.atomic import atomic_write
from project.errors import UserError
from project.ingest.output import Row, added_columns, check_output, merged, suffix_of, write_rows
from project.ingest.records import Record, column_types, is_data_file, read_records
from project.predict import Predictor
from project.text import text_fault

ROWS = 4096  # that are classified together


class Faults:
    """Bad rows, counted; the first one is kept."""

    def __init__(self) -> None:
        self.count, self.first = 0, ""

    def add(self, fault: str) -> None:
        """Count one."""
        self.count += 1
        self.first = self.first or fault


def classify_file(
    classify: Predictor, path: Path, output: Path, text_column: str, skip: bool, quoting: bool = True
) -> None:
    """Write every row of `path` to `output`, in order, with all its columns, `predicted` and a probability per class.

    Args:
        classify: The model.
        path: .csv, .tsv or .jsonl (each also .gz), or .parquet.
        output: Likewise; it appears when it is complete.
        text_column: Column of texts.
        skip: Whether a bad row is written without a prediction instead of ending it all.
        quoting: Whether quotation marks in CSV and TSV enclose fields.

    Raises:
        UserError: A file cannot be read or written, a column is missing, or a row is bad and `skip` is off.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist")
    if not is_data_file(path):
        raise UserError(f"{path}: the format is told by the name: .csv, .tsv, .jsonl (each also .gz) or .parquet")
    check_output(output)
    began, rows, faults = time.perf_counter(), 0, Faults()

    def counted() -> Iterator[Row]:
        nonlocal rows
        for row in classified_rows(classify, path, text_column, faults if skip else None, quoting):
            rows += 1
            yield row

    with atomic_write(output) as scratch:
        write_rows(scratch, suffix_of(output), counted(), column_types(path))
    seconds = time.perf_counter() - began
    print(f"{rows:,} rows in {seconds:.1f} s ({rows / seconds:,.0f} a second): {output}")
    if faults.count:
        print(f"{faults.count:,} bad rows have no prediction, the first is {faults.first}", file=sys.stderr)


def classified_rows(
    classify: Predictor, path: Path, text_column: str, faults: Faults | None, quoting: bool
) -> Iterator[Row]:
    """Yield the rows of `path` with their predictions.

    Args:
        classify: The model.
        path: See `classify_file`.
        text_column: Column of texts.
        faults: Takes bad rows, which get no prediction; None where a bad row ends it all.
        quoting: Whether quotation marks in CSV and TSV enclose fields.

    Raises:
        UserError: A row is bad, and `faults` is None; or the column is missing.
    """
    records = read_records(path, quoting)
    while chunk := list(islice(records, ROWS)):
        found = [fault_of(record, path, text_column) for record in chunk]
        for bad in filter(None, found):
            if faults is None:
                raise UserError(f"{bad}; mend it, or add --bad_rows=skip")
            faults.add(bad)
        texts = [record.columns[text_column] for record, fault in zip(chunk, found, strict=True) if fault is None]
        predictions = iter(classify(texts))
        for record, fault in zip(chunk, found, strict=True):
            if fault:
                yield merged(record.columns, added_columns(classify.label_names, None, []))
            else:
                prediction = next(predictions)
                probabilities = list(prediction.probabilities.values())
                yield merged(record.columns, added_columns(classify.label_names, prediction.label, probabilities))


def fault_of(record: Record, path: Path, text_column: str) -> str | None:
    """Return where a row is and what is wrong with it; None where nothing is.

    Raises:
        UserError: It can be read, but has no such column.
    """
    if record.fault is None and text_column not in record.columns:
        columns = ", ".join(map(str, record.columns))
        raise UserError(f"{path}:{record.line}: no column {text_column!r}: name one of {columns} with --text_column")
    fault = record.fault or text_fault(record.columns[text_column])
    return fault and f"{path}:{record.line}: {fault}"
