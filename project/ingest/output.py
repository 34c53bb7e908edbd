"""Rows of a source and their predictions -> a CSV, TSV, JSONL or Parquet file: one row per row, in order."""

import csv
import gzip
import json
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from project.atomic import atomic_write
from project.errors import UserError
from project.ingest.records import BATCH_ROWS, SUFFIXES, file_kind, is_data_file

Row = dict[str, Any]


def check_output(path: Path, overwrite: bool) -> None:
    """Check that predictions can be written to `path`.

    Raises:
        UserError: Its suffix is unknown, its folder is missing, or it exists already and `overwrite` is off.
    """
    if not is_data_file(path):
        raise UserError(f"output {path} should end in one of {', '.join(SUFFIXES)}")
    check_new(path, "one, or add --overwrite=true", overwrite)


def check_new(path: Path, instead: str, overwrite: bool = False) -> None:
    """Check, before hours are spent, that a file or folder can be created.

    Raises:
        UserError: It exists already and `overwrite` is off, or its parent folder does not.
    """
    if path.exists() and not overwrite:
        raise UserError(f"{path} exists already: choose another {instead}")
    if not path.absolute().parent.is_dir():
        raise UserError(f"the folder {path.parent} does not exist: create it, or choose another path than {path}")


def merged(row: Row, prediction: Row) -> Row:
    """Return a row with the columns of its prediction.

    Raises:
        UserError: The row has a column of that name already.
    """
    if taken := [name for name in prediction if name in row]:
        raise UserError(f"the input already has a column {taken[0]!r}: rename it, the prediction needs that name")
    return row | prediction


def write_rows(path: Path, rows: Iterator[Row], types: dict[str, Any]) -> None:
    """Write `rows`, a few thousand at a time, to `path`, which appears when it is complete.

    Args:
        path: The file; its suffix, one of `project.ingest.records.SUFFIXES`, tells the format.
        rows: The rows; all but JSONL take the columns of the first.
        types: Arrow types of columns in Parquet; the first rows decide those of others.

    Raises:
        UserError: Rows have other columns than the first, or a column of a Parquet file changes its type.
    """
    import pyarrow as pa

    kind, opened = file_kind(path), gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with atomic_write(path) as scratch:
            if kind == "parquet":
                _write_parquet(scratch, rows, types)
                return
            # bytes that are not UTF-8, of a bad row, are written as they were read; in JSON as an escape
            errors = "backslashreplace" if kind == "jsonl" else "surrogateescape"
            with opened(scratch, "wt", encoding="utf-8", errors=errors, newline="") as file:
                if kind == "jsonl":
                    file.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
                elif first := next(rows, None):
                    writer = csv.DictWriter(file, list(first), delimiter="\t" if kind == "tsv" else ",")
                    writer.writeheader()
                    writer.writerows(chain([first], rows))
    except (pa.ArrowException, ValueError, OverflowError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"the rows do not fit one {kind} table ({reason}); write .jsonl instead") from error


def _write_parquet(path: Path, rows: Iterator[Row], types: dict[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    batch = list(islice(rows, BATCH_ROWS))
    unknown = {pa.null(): pa.string()}  # of a column that only later rows have
    found = {each.name: unknown.get(each.type, each.type) for each in pa.Table.from_pylist(batch).schema}
    schema = pa.schema({name: types.get(name, type_) for name, type_ in found.items()})
    free = pa.schema([each for each in schema if each.name not in types])
    with pq.ParquetWriter(path, schema) as writer:
        while batch:
            if further := {name for row in batch for name in row} - set(schema.names):
                raise ValueError(f"the first rows have no column {min(further)!r}")
            # raises if the line after it would cut a number short
            pa.Table.from_pylist([{name: row.get(name) for name in free.names} for row in batch]).cast(free)
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            batch = list(islice(rows, BATCH_ROWS))
