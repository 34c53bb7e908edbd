"""Rows of a CSV, TSV, JSONL or Parquet file, each with its line number and what is wrong with it."""

import csv
import gzip
import io
import itertools
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from project.errors import UserError

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz", ".tsv.gz", ".jsonl.gz")
BATCH_ROWS = 4096  # rows that are in memory together
csv.field_size_limit(10_000_000)  # characters; an unclosed quotation mark must not swallow a whole file


class Record(NamedTuple):
    """One row of a file.

    Attributes:
        line: The line it begins on, from 1; in Parquet the row's number, from 1.
        columns: Its values by column name.
        fault: Why it cannot be read; None if it can.
    """

    line: int
    columns: dict[str, Any]
    fault: str | None = None


def is_data_file(path: Path) -> bool:
    """Return whether `path` has one of `SUFFIXES`, in upper or lower case."""
    return path.name.lower().endswith(SUFFIXES)


def file_kind(path: Path) -> str:
    """Return csv, tsv, jsonl or parquet, whether a file with one of `SUFFIXES` is packed or not."""
    return path.name.lower().removesuffix(".gz").rsplit(".", 1)[-1]


def read_records(path: Path) -> Iterator[Record]:
    """Yield the rows of `path` in order, skipping blank lines; a progress bar appears on a terminal.

    Raises:
        UserError: The file is not what its suffix says.
    """
    import pyarrow as pa

    reader = {"parquet": _read_parquet, "jsonl": _read_jsonl}.get(file_kind(path), _read_delimited)
    try:
        yield from reader(path)
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise UserError(f"{path} cannot be read as {file_kind(path)}: {error}") from error


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file; bytes that are not UTF-8 become surrogates, so that only their row is bad."""
    bar = tqdm(desc=f"reading {path.name}", total=path.stat().st_size, unit="B", unit_scale=True, disable=None)
    with path.open("rb") as raw, bar:
        file = gzip.GzipFile(fileobj=raw) if path.suffix.lower() == ".gz" else raw
        lines = io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline="\n")  # closes `raw` when it is gone
        for number, line in enumerate(lines):
            if number % BATCH_ROWS == 0:
                bar.update(raw.tell() - bar.n)
            yield line
        bar.update(raw.tell() - bar.n)


def _read_delimited(path: Path) -> Iterator[Record]:
    reader = csv.reader(_lines(path), delimiter="\t" if file_kind(path) == "tsv" else ",", strict=True)
    if not (header := next(reader, [])):
        raise UserError(f"{path}:1: the file is empty; its first line should name the columns")
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Record(line, dict.fromkeys(header), f"not valid {file_kind(path).upper()} ({error})")
            continue
        if len(row) == len(header):
            yield Record(line, dict(zip(header, row, strict=True)))
        elif row:
            yield Record(line, dict.fromkeys(header), f"{len(row)} columns where the header has {len(header)}")


def _read_jsonl(path: Path) -> Iterator[Record]:
    for line, text in enumerate(_lines(path), start=1):
        if not text.strip():
            continue
        try:
            columns = json.loads(text)
            fault = None if isinstance(columns, dict) else "not a JSON object"
        except ValueError as error:
            fault = f"not valid JSON ({error})"
        yield Record(line, {} if fault else columns, fault)


def _read_parquet(path: Path) -> Iterator[Record]:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    rows = itertools.chain.from_iterable(batch.to_pylist() for batch in file.iter_batches(batch_size=BATCH_ROWS))
    bar = tqdm(rows, f"reading {path.name}", file.metadata.num_rows, unit=" rows", unit_scale=True, disable=None)
    yield from itertools.starmap(Record, enumerate(bar, start=1))


def column_types(path: Path) -> dict[str, Any]:
    """Return the Arrow types of a Parquet file's columns by name; nothing for other formats, which have no types."""
    if file_kind(path) != "parquet":
        return {}
    import pyarrow.parquet as pq

    return {field.name: field.type for field in pq.read_schema(path)}


def label_name(value: object) -> str | None:
    """Return the name of a label that is text, a whole number or a boolean; None for any other value."""
    if isinstance(value, bool) or value in ("True", "False"):
        return str(value).lower()
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return str(int(value))
    return value if isinstance(value, str) and value.strip() else None
