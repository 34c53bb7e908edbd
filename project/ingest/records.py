"""A CSV, TSV, JSONL or Parquet file -> its rows, each with its line number, and what is wrong with it."""

import csv
import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from project.errors import UserError

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz", ".tsv.gz", ".jsonl.gz")
csv.field_size_limit(10_000_000)  # characters; an unclosed quotation mark must not swallow a whole file


class Record(NamedTuple):
    """One row of a file.

    Attributes:
        line: Where it begins, from 1; in Parquet the row's number, from 1.
        columns: Its values by column name.
        fault: Why it cannot be read; None where it can.
    """

    line: int
    columns: dict[str, Any]
    fault: str | None = None


def is_data_file(path: Path) -> bool:
    """Tell whether `path` has the suffix of a format that is read here."""
    return path.name.lower().endswith(SUFFIXES)


def read_records(path: Path, quoting: bool = True) -> Iterator[Record]:
    """Yield the rows of `path` in order, showing progress on a terminal; blank lines are no rows.

    Args:
        path: .csv, .tsv or .jsonl (each also .gz), or .parquet.
        quoting: Whether quotation marks in CSV and TSV enclose fields; otherwise they are text.

    Raises:
        UserError: The file is not what its suffix says.
    """
    kind = path.name.lower().removesuffix(".gz").rsplit(".", 1)[-1]
    try:
        if kind == "parquet":
            yield from _read_parquet(path)
            return
        with _lines(path) as lines:
            if kind == "jsonl":
                yield from _read_jsonl(lines)
            else:
                yield from _read_delimited(path, lines, "\t" if kind == "tsv" else ",", quoting)
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise UserError(f"{path} cannot be read as {kind}: {error}") from error


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[str]]:
    """Open a text file; bytes that are not UTF-8 become surrogates, which `text_fault` finds in their row."""
    with (
        path.open("rb") as raw,
        tqdm(total=path.stat().st_size, unit="B", unit_scale=True, desc=f"reading {path.name}", disable=None) as bar,
    ):
        file: Iterable[bytes] = gzip.GzipFile(fileobj=raw) if path.suffix.lower() == ".gz" else raw

        def decoded() -> Iterator[str]:
            for number, line in enumerate(file):
                if number % 4096 == 0:
                    bar.update(raw.tell() - bar.n)
                text = line.decode("utf-8", "surrogateescape")
                yield text.removeprefix("\ufeff") if number == 0 else text
            bar.update(raw.tell() - bar.n)

        yield decoded()


def _read_delimited(path: Path, lines: Iterator[str], delimiter: str, quoting: bool) -> Iterator[Record]:
    marks = csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE
    reader = csv.reader(lines, delimiter=delimiter, quoting=marks, strict=True)  # type: ignore[arg-type]
    header = next(reader, [])
    if not header:
        raise UserError(f"{path}:1: the file is empty; its first line should name the columns")
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            bad = dict.fromkeys(header)
            yield Record(
                line, bad, f"not valid {path.suffix[1:].upper()} ({error}); --data.quoting=false reads quotes as text"
            )
            continue
        if not row:
            continue
        if len(row) != len(header):
            yield Record(line, dict.fromkeys(header), f"{len(row)} columns where the header has {len(header)}")
        else:
            yield Record(line, dict(zip(header, row, strict=True)))


def _read_jsonl(lines: Iterable[str]) -> Iterator[Record]:
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            columns = json.loads(text)
        except ValueError as error:
            yield Record(line, {}, f"not valid JSON ({error})")
            continue
        if isinstance(columns, dict):
            yield Record(line, columns)
        else:
            yield Record(line, {}, "not a JSON object")


def _read_parquet(path: Path) -> Iterator[Record]:
    file = pq.ParquetFile(path)
    rows = file.metadata.num_rows
    with tqdm(total=rows, unit="rows", unit_scale=True, desc=f"reading {path.name}", disable=None) as bar:
        line = 0
        for batch in file.iter_batches(batch_size=4096):
            for columns in batch.to_pylist():
                line += 1
                yield Record(line, columns)
            bar.update(len(batch))


def column_types(path: Path) -> dict[str, pa.DataType]:
    """Return the types of a Parquet file's columns by name; nothing for other formats, whose values speak."""
    if path.suffix.lower() != ".parquet":
        return {}
    return {field.name: field.type for field in pq.read_schema(path)}


def label_name(value: object) -> str | None:
    """Return the name of a label (text, whole number or boolean), or None where the value is none of these."""
    if isinstance(value, bool) or value in ("True", "False"):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        return str(value)
    return value if isinstance(value, str) and value.strip() else None
