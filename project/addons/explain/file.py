"""A file of texts -> its rows, in order and with all columns, each with the columns of an answer."""

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from project.errors import UserError
from project.ingest import (
    ReadOptions,
    Record,
    Row,
    check_output,
    column_types,
    is_data_file,
    merged,
    read_records,
    write_rows,
)
from project.ingest.records import file_kind
from project.text import text_fault

ROWS = 32  # answered together: each of their words costs another text

Answer = Callable[[Sequence[str]], Sequence[Row]]  # the columns to add to the row of each text


def annotate_file(
    path: Path, output: Path, options: ReadOptions, answer: Answer, empty: Row | None, overwrite: bool
) -> None:
    """Write the rows of `path` to `output`, which appears when it is complete; tell of bad rows on standard error.

    Args:
        path: .csv, .tsv or .jsonl (each also .gz), or .parquet.
        output: Likewise.
        options: The column of texts, and what separates the columns.
        answer: What is added for texts.
        empty: What is added to a bad row; None to stop at the first one.
        overwrite: Whether `output` may be there already.

    Raises:
        UserError: A file cannot be read or written, a column is missing, or a row is bad and `empty` is None.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist")
    if not is_data_file(path):
        raise UserError(f"{path}: the name should end in .csv, .tsv, .jsonl (each also .gz) or .parquet")
    check_output(output, overwrite)
    column = options.text_column
    columns = columns_of(path, options)
    if columns and column not in columns:
        hint = "name one, or its number if there is no header, with --text_column, or set --delimiter"
        raise UserError(f"{path}: no column {column!r}, only {', '.join(columns)}: {hint}")
    all_columns = {} if file_kind(output) == "jsonl" else dict.fromkeys(columns)
    faults, notes = list[str](), dict[str, None]()

    def annotated() -> Iterator[Row]:
        records = read_records(path, options.delimiter, [column])
        while chunk := list(islice(records, ROWS)):
            notes.update({f"{path}: {record.note}": None for record in chunk if record.note})
            bad = [fault_of(path, record, column) for record in chunk]
            faults.extend(filter(None, bad))
            if faults and empty is None:
                raise UserError(f"{faults[0]}; fix it, or add --bad_rows=skip")
            pairs = list(zip(chunk, bad, strict=True))
            answers = iter(answer([record.columns[column] for record, fault in pairs if not fault]))
            for record, fault in pairs:
                yield all_columns | merged(record.columns, (empty or {}) if fault else next(answers))

    write_rows(output, annotated(), column_types(path))
    print(f"written: {output}")
    if faults:
        notes[f"{len(faults):,} bad rows have no prediction, the first is {faults[0]}"] = None
    print(*notes, sep="\n", end="\n" * bool(notes), file=sys.stderr)


def fault_of(path: Path, record: Record, column: str) -> str | None:
    """Return where a row is and what is wrong with it; None if nothing is."""
    fault = record.fault or text_fault(record.columns.get(column))
    return fault and f"{path}:{record.line}: {fault}"


def columns_of(path: Path, options: ReadOptions) -> list[str]:
    """Return all columns of a file; of JSONL every row may bring another."""
    found: dict[str, None] = {}
    for record in read_records(path, options.delimiter, [options.text_column]):
        found |= dict.fromkeys(record.columns)
        if found and file_kind(path) != "jsonl":
            break
    return list(found)
