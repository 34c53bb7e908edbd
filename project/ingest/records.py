"""Rows of a CSV, TSV, JSONL or Parquet file, each with its line number and what is wrong with it."""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from copy import copy, deepcopy
from functools import partial
from itertools import chain, islice, starmap, tee
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from project.errors import UserError

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz", ".tsv.gz", ".jsonl.gz")
BATCH_ROWS = 4096  # rows that are in memory together
LONGEST = 10_000_000  # characters of a line, and of a field: an unclosed quotation mark must not swallow a whole file
DEEPEST = 100  # levels of nested lists and objects, which nothing fails on
UNPACKED, MOST_TIMES = 2**24, 100  # bytes, and times its size: a compressed file may hold the larger of both
MANY_LINES = 24  # a quoted field with more of them was hardly meant, if they look like rows
SEP_LINE = re.compile('"?sep=(.)"?\\s*', re.IGNORECASE)  # Excel's own, before the header
CR_ENDS = re.compile(rb"[^\r\n]*\r(?!\n)")  # of a file whose lines end as on old Macs
NOT_TEXT = re.compile("[\0\ud800-\udfff]")  # surrogates are what could not be decoded
WHOLE = re.compile(r"(-?\d+)\.0+")
csv.field_size_limit(LONGEST)


class Record(NamedTuple):
    """One row of a file.

    Attributes:
        line: The line it begins on, from 1; in Parquet the row's number, from 1.
        columns: Its values by column name.
        fault: Why it cannot be read; None if it can.
        note: What the user should know, though it can.
    """

    line: int
    columns: dict[str, Any]
    fault: str | None = None
    note: str | None = None


def is_data_file(path: Path) -> bool:
    """Return whether `path` has one of `SUFFIXES`, in upper or lower case."""
    return path.name.lower().endswith(SUFFIXES)


def file_kind(path: Path) -> str:
    """Return csv, tsv, jsonl or parquet, whether a file with one of `SUFFIXES` is compressed or not."""
    return path.name.lower().removesuffix(".gz").rsplit(".", 1)[-1]


def read_records(path: Path, delimiter: str | None = None, needed: Collection[str] = ()) -> Iterator[Record]:
    """Yield the rows of `path` in order, skipping blank lines; a progress bar appears on a terminal.

    Args:
        path: The file.
        delimiter: What separates the columns of CSV and TSV; None for what the first line suggests.
        needed: Columns that the caller will look for. If one is a whole number, and no column has that name, the file
            has no header: its columns are called 1, 2, ...

    Raises:
        UserError: The file is not what its suffix says, or its header cannot be used.
    """
    import pyarrow as pa

    readers = {"parquet": _read_parquet, "jsonl": _read_jsonl}
    reader = readers.get(file_kind(path)) or partial(_read_delimited, delimiter=delimiter, needed=needed)
    try:
        yield from reader(path)
    except (OSError, EOFError, ValueError, OverflowError, zlib.error, csv.Error, pa.ArrowException) as error:
        raise UserError(f"{path} cannot be read as {file_kind(path)}: {' '.join(str(error).split())}") from error


def bounded(path: Path, pieces: Iterable[Any], size: Callable[[Any], int] | None = None) -> Iterator[Any]:
    """Yield the pieces of a decompressed file; `size` returns how many bytes one counts, by default those of a line.

    Even an empty line takes time to read: each line counts as at least `MOST_TIMES` bytes.

    Raises:
        UserError: They are far more than texts and numbers can be compressed to a file of its size.
    """
    most, total = max(UNPACKED, MOST_TIMES * path.stat().st_size), 0
    for piece in pieces:
        total += size(piece) if size else len(piece) + MOST_TIMES - 1
        if total > most:
            raise UserError(f"{path} expands to over {MOST_TIMES} times its size: if you trust it, decompress it")
        yield piece


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file with their ends: LF, CR or both.

    It is UTF-8, or UTF-16 with a byte order mark. What cannot be decoded becomes surrogates: only its row is bad.

    Raises:
        UserError: A line is longer than any text, or a compressed file has too many.
    """
    bar = tqdm(desc=f"reading {path.name}", total=path.stat().st_size, unit="B", unit_scale=True, disable=None)
    with path.open("rb") as raw, bar:
        file = gzip.GzipFile(fileobj=raw) if path.suffix.lower() == ".gz" else raw
        how = ("utf-8-sig", "surrogateescape", "" if CR_ENDS.match(head := file.peek(1)) else "\n")
        if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            how = ("utf-16", "surrogatepass", "")
        text = io.TextIOWrapper(file, *how)  # closes `raw` when it is gone
        for number, line in enumerate(bounded(path, iter(partial(text.readline, LONGEST), "")), start=1):
            if len(line) == LONGEST:
                raise UserError(f"{path}:{number}: the line has {LONGEST:,} characters or more: are these texts?")
            bar.update(raw.tell() - bar.n)
            yield line


def _read_delimited(path: Path, delimiter: str | None, needed: Collection[str]) -> Iterator[Record]:
    usual, line = "\t" if file_kind(path) == "tsv" else ",", 1
    lines, ahead = tee(_lines(path))
    first = next(ahead, "")
    if told := SEP_LINE.fullmatch(first):
        line = 2
        next(lines)
    found = told[1] if told else _likely_delimiter(first, usual, needed)
    used = delimiter.replace(r"\t", "\t") if delimiter else found
    note = None if delimiter or used == usual else f"columns are separated by {used!r}; if not, set the delimiter"
    lines, ahead = tee(lines)
    header, height = _header(f"{path}:{line}", csv.reader(ahead, delimiter=used, strict=True), needed)
    return _rows(islice(lines, height, None), line + height, header, used, note)


def _likely_delimiter(line: str, usual: str, needed: Collection[str]) -> str:
    """Return comma, semicolon or tab: whichever finds the most needed columns in a line, then the most columns."""
    rows = {each: next(csv.reader([line], delimiter=each), []) for each in (usual, ",", ";", "\t")}
    return max(rows, key=lambda delimiter: (len(set(needed).intersection(rows[delimiter])), len(rows[delimiter])))


def _header(place: str, reader: Any, needed: Collection[str]) -> tuple[list[str], int]:
    """Return the names of the columns, and how many lines hold them: none if the columns are numbered instead."""
    try:
        names: list[str] = next(reader, [])
    except csv.Error as error:
        raise UserError(f"{place}: the header is not valid CSV ({error}): correct its quotation marks") from error
    if names and any(name.isdecimal() and name not in names for name in needed):
        return [str(number) for number in range(1, len(names) + 1)], 0
    faults = {
        "the first line is empty: it should name the columns": not names,
        "the header is not UTF-8: save the file as UTF-8": NOT_TEXT.search("".join(names)),
        f"the header has one name twice ({', '.join(names):.200}): rename one": len(set(names)) < len(names),
    }
    for fault in filter(faults.get, faults):
        raise UserError(f"{place}: {fault}")
    return names, reader.line_num


def _rows(lines: Iterator[str], line: int, header: list[str], delimiter: str, note: str | None) -> Iterator[Record]:
    """Yield the rows of `lines`, which begin with number `line`; those that a bad row has swallowed are read again."""
    width, begin = len(header), partial(csv.reader, delimiter=delimiter, strict=True)
    ahead, lines = tee(lines)
    reader, seen = begin(ahead), 0
    while True:
        row, fault = [], ""
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fault = f"not valid CSV ({error})"
        first, taken = next(lines), reader.line_num - seen
        seen += taken
        if taken > 1:
            after = copy(lines)
            fault, note = _swallowing([first, *islice(after, taken - 1)], len(row), header, delimiter, fault, note)
            if fault:
                row, taken, seen, reader, after = [], 1, 0, begin(copy(lines)), lines
            lines = after
        if len(row) == width:
            yield Record(line, dict(zip(header, row, strict=True)), None, note)
        elif row or fault:
            fault = fault or f"{len(row)} columns, but the header has {width}"
            yield Record(line, dict.fromkeys(header), fault, note)
        line, note = line + taken, None


def _swallowing(
    lines: list[str], columns: int, header: list[str], delimiter: str, fault: str, note: str | None
) -> tuple[str, str | None]:
    """Return fault and note of a row of several lines if its first line, or most of them, look like rows."""
    further = [line.count(delimiter) + 1 - len(header) for line in lines]  # columns more than a row has
    if columns != len(header) and further[0] >= 0:
        fault = fault or "not valid CSV (a quotation mark makes other rows part of this one)"
    elif len(header) > 1 and further.count(0) > max(MANY_LINES, 0.7 * len(lines)):
        note = "quotation marks hold many lines that look like rows: is one of the marks missing?"
    return fault, note


def _read_jsonl(path: Path) -> Iterator[Record]:
    for line, text in enumerate(_lines(path), start=1):
        if not text.strip():
            continue
        try:
            columns = json.loads(text)
            fault = None if isinstance(columns, dict) else "not a JSON object"
            if text.count("[") + text.count("{") > DEEPEST:
                deepcopy(columns)  # raises for what others could neither print nor write
        except (ValueError, RecursionError) as error:
            fault = f"not valid JSON ({error})"
        yield Record(line, {} if fault else columns, fault)


def _read_parquet(path: Path) -> Iterator[Record]:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    facts, batches = file.metadata, file.iter_batches(batch_size=32)  # a few bytes may stand for so many long texts
    # as the file tells it, before the first batch is read; a row as Python writes it has 10 characters or more
    groups = map(facts.row_group, range(facts.num_row_groups))
    list(bounded(path, groups, lambda group: max(group.total_byte_size, 10 * group.num_rows)))
    parts = bounded(path, (batch.to_pylist() for batch in batches), lambda rows: len(str(rows)))
    rows = chain.from_iterable(parts)
    bar = tqdm(rows, f"reading {path.name}", facts.num_rows, unit=" rows", unit_scale=True, disable=None)
    yield from starmap(Record, enumerate(bar, start=1))


def column_types(path: Path) -> dict[str, Any]:
    """Return the Arrow types of a Parquet file's columns by name; nothing for other formats, which have no types."""
    if file_kind(path) != "parquet":
        return {}
    import pyarrow.parquet as pq

    return {field.name: field.type for field in pq.read_schema(path)}


def label_name(value: object) -> str | None:
    """Return the name of a label that is text, a whole number or a boolean; None for any other value.

    White space around it does not count. TRUE, True and true are one label, and so are 1 and 1.0.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    name = str(value).strip() if isinstance(value, str | int) else ""
    if name.lower() in ("true", "false"):
        return name.lower()
    return WHOLE.sub(r"\1", name) if WHOLE.fullmatch(name) else name or None
