"""Rows of a source and their predictions -> a CSV, JSONL or Parquet file: one row per row, in order, columns kept."""

import csv
import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from project.errors import UserError

SUFFIXES = (".csv", ".jsonl", ".parquet")
BATCH_ROWS = 4096

Row = dict[str, Any]


def check_output(path: Path) -> None:
    """Check that predictions can be written to `path`.

    Raises:
        UserError: Its suffix is unknown, or its folder is missing.
    """
    if path.suffix not in SUFFIXES:
        raise UserError(f"output {path} should end in one of {', '.join(SUFFIXES)}")
    if not path.absolute().parent.is_dir():
        raise UserError(f"output {path}: the folder {path.parent} does not exist")


def merged(row: Row, prediction: Row) -> Row:
    """Return a row with the columns of its prediction.

    Raises:
        UserError: The row has a column of that name already.
    """
    taken = [name for name in prediction if name in row]
    if taken:
        raise UserError(f"the input has a column {taken[0]!r} already: rename it, the prediction needs the name")
    return row | prediction


def write_rows(path: Path, suffix: str, rows: Iterator[Row], types: dict[str, pa.DataType]) -> None:
    """Write `rows` to `path`, a few thousand at a time.

    Args:
        path: The file.
        suffix: .csv, .jsonl or .parquet: its format.
        rows: The rows; CSV and Parquet take the columns of the first.
        types: Of columns in Parquet; of others the first rows decide.

    Raises:
        UserError: Rows have other columns than the first, or a column of a Parquet file changes its type.
    """
    try:
        WRITERS[suffix](path, rows, types)
    except (pa.ArrowException, ValueError) as error:
        why = str(error).splitlines()[0]
        raise UserError(f"the rows do not fit one {suffix[1:]} table ({why}); write .jsonl instead") from error


def _write_csv(path: Path, rows: Iterator[Row], _: dict[str, pa.DataType]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = None
        for row in rows:
            if writer is None:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
            writer.writerow(row)


def _write_jsonl(path: Path, rows: Iterator[Row], _: dict[str, pa.DataType]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")


def _write_parquet(path: Path, rows: Iterator[Row], types: dict[str, pa.DataType]) -> None:
    first = list(islice(rows, BATCH_ROWS))
    inferred = pa.Table.from_pylist(first).schema
    schema = pa.schema([(field.name, types.get(field.name, field.type)) for field in inferred])
    with pq.ParquetWriter(path, schema) as writer:
        batch = first
        while batch:
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            batch = list(islice(rows, BATCH_ROWS))


WRITERS: dict[str, Callable[[Path, Iterator[Row], dict[str, pa.DataType]], None]] = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".parquet": _write_parquet,
}
