"""A file of texts -> the same rows with columns added to them, a few thousand at a time, so that memory stays flat."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from project.addons.classify.uniform import write_any
from project.errors import UserError
from project.ingest import ReadOptions, Record, Row, check_output, column_types, is_data_file, merged, read_records
from project.ingest.records import BATCH_ROWS, file_kind

Answer = Callable[[Sequence[str]], Sequence[Row]]  # the columns to add to the row of each text
Fault = Callable[[object], str | None]  # why a value is no usable text


def annotate_file(
    path: Path,
    output: Path,
    options: ReadOptions,
    answer: Answer,
    text_fault: Fault,
    empty: Row | None,
    overwrite: bool = False,
) -> list[str]:
    """Write every row of `path` to `output`, in order, with all its columns and those of its answer.

    Args:
        path: .csv, .tsv or .jsonl (each also .gz), or .parquet.
        output: Likewise; it appears when it is complete.
        options: The column of texts, and what separates the columns.
        answer: What is added for texts.
        text_fault: Checks a text.
        empty: What is added to a bad row; None to stop at the first bad row.
        overwrite: Whether `output` may be there already.

    Returns:
        What the user should know: about the file, and where the bad rows are and what is wrong with them.

    Raises:
        UserError: A file cannot be read or written, a column is missing, or a row is bad and `empty` is None.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist")
    if not is_data_file(path):
        raise UserError(f"{path}: the name should end in .csv, .tsv, .jsonl (each also .gz) or .parquet")
    check_output(output, overwrite)
    started, rows, bad, first, notes = time.perf_counter(), 0, 0, "", dict[str, str]()
    text_column, source = options.text_column, read_records(path, options.delimiter, [options.text_column])
    opening = list(islice(source, 1))  # a file that cannot be read says so here
    if opening and opening[0].columns and text_column not in opening[0].columns:
        names = ", ".join(map(str, opening[0].columns))
        hint = "name one, or its number if there is no header, with --text_column, or set --delimiter"
        raise UserError(f"{path}:{opening[0].line}: no column {text_column!r}, only {names}: {hint}")

    def annotated() -> Iterator[Row]:
        nonlocal rows, bad, first
        records = _noting(chain(opening, source), path, notes)
        while chunk := list(islice(records, BATCH_ROWS)):
            faults = [_fault_of(record, path, text_column, text_fault) for record in chunk]
            found = list(filter(None, faults))
            if found and empty is None:
                raise UserError(f"{found[0]}; fix it, or add --bad_rows=skip")
            rows, bad, first = rows + len(chunk), bad + len(found), first or next(iter(found), "")
            texts = [record.columns[text_column] for record, fault in zip(chunk, faults, strict=True) if not fault]
            answers = iter(answer(texts))
            for record, fault in zip(chunk, faults, strict=True):
                yield merged(record.columns, (empty or {}) if fault else next(answers))

    write_any(output, annotated(), column_types(path), alike=file_kind(path) != "jsonl")
    seconds = time.perf_counter() - started
    print(f"{rows:,} rows in {seconds:.1f} s ({rows / seconds:,.0f} a second): {output}")
    return [*notes.values(), *([f"{bad:,} bad rows have no prediction, the first is {first}"] if bad else [])]


def _noting(records: Iterable[Record], path: Path, notes: dict[str, str]) -> Iterator[Record]:
    """Yield records, keeping each different note with the place of the first."""
    for record in records:
        if record.note:
            notes.setdefault(record.note, f"{path}:{record.line}: {record.note}")
        yield record


def _fault_of(record: Record, path: Path, text_column: str, text_fault: Fault) -> str | None:
    """Return where a row is and what is wrong with it; None if nothing is."""
    fault = record.fault or text_fault(record.columns.get(text_column))
    return fault and f"{path}:{record.line}: {fault}"
