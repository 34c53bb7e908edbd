"""Rows of any columns and values -> a file whose format may hold fewer: no value makes the file or its row fail.

JSONL takes every row as it is. The other formats want all columns at once, and Parquet one type for each: rows are kept
in a file without a name until these are known, so that memory stays flat.
"""

import json
import pickle
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from project.ingest import Row, write_rows
from project.ingest.records import BATCH_ROWS, file_kind

UNFIT = (ValueError, TypeError, OverflowError, NotImplementedError)  # what pyarrow raises for values of another type


class Odd:
    """Counts values that a file cannot hold as they are."""

    def __init__(self) -> None:
        self.count, self.first = 0, ""

    def add(self, row: int, column: str) -> None:
        """Count one; rows count from 1."""
        self.count += 1
        self.first = self.first or f"column {column!r} of row {row:,}"


def write_any(path: Path, rows: Iterator[Row], types: dict[str, Any], alike: bool = False) -> None:
    """Write rows as `write_rows` does, with every column that one of them has.

    Values that the format cannot hold are written as text, or with escapes such as ``\\ud83d``, and a line on standard
    error counts them.

    Args:
        path: The file; its suffix tells the format.
        rows: The rows.
        types: Arrow types of columns in Parquet; the rows decide those of others.
        alike: Whether all rows have the columns of the first.

    Raises:
        UserError: The file cannot be written.
    """
    kind, odd = file_kind(path), Odd()
    if kind == "jsonl":
        write_rows(path, _counted(rows, odd), {})
    elif kind != "parquet" and alike:
        write_rows(path, _encodable(rows, "surrogateescape", odd), {})
    else:
        with tempfile.TemporaryFile(dir=path.parent) as spool:
            # csv and tsv take bytes that are not UTF-8 as they were read
            errors = "strict" if kind == "parquet" else "surrogateescape"
            kinds = _keep(_encodable(rows, errors, odd), spool, types if kind == "parquet" else None)
            write_rows(path, _uniform(spool, kinds, odd), kinds)
    if odd.count:
        how = f"values that {kind} cannot hold are written as text or with escapes such as \\udc80"
        print(f"{path}: {odd.count:,} {how}, the first is in {odd.first}", file=sys.stderr)


def _counted(rows: Iterator[Row], odd: Odd) -> Iterator[Row]:
    """Yield rows for JSONL, which has escapes for everything."""
    for number, row in enumerate(rows, start=1):
        for column in _unencodable(row, "strict"):
            odd.add(number, column)
        yield row


def _encodable(rows: Iterator[Row], errors: str, odd: Odd) -> Iterator[Row]:
    """Yield rows with escapes for what cannot be encoded."""
    for number, row in enumerate(rows, start=1):
        if columns := _unencodable(row, errors):
            for column in columns:
                odd.add(number, column)
            row = {_as_text(name): _as_text(value) if name in columns else value for name, value in row.items()}
        yield row


def _unencodable(row: Row, errors: str) -> list[str]:
    """Return the columns whose names or texts cannot be encoded."""

    def fits(text: str) -> bool:
        try:
            text.encode("utf-8", errors)
        except UnicodeEncodeError:
            return False
        return True

    texts = {name: name + value if isinstance(value, str) else name for name, value in row.items()}
    return [] if fits("".join(texts.values())) else [name for name, text in texts.items() if not fits(text)]


def _as_text(value: object) -> str:
    text = json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)
    return text.encode("utf-8", "backslashreplace").decode()


def _keep(rows: Iterator[Row], spool: IO[bytes], types: dict[str, Any] | None) -> dict[str, Any]:
    """Write rows to a file for `_uniform`.

    Args:
        rows: The rows.
        spool: The file.
        types: Arrow types of some columns; None if types do not matter.

    Returns:
        Every column, and the Arrow type that holds all its values; None if types do not matter.
    """
    kinds: dict[str, Any] = {}
    while batch := list(islice(rows, BATCH_ROWS)):
        for name in dict.fromkeys(name for row in batch for name in row):
            kinds[name] = None
            if types is not None:
                values = [row.get(name) for row in batch]
                types = types | {name: _common_type(types.get(name), values)}
                kinds[name] = types[name]
        pickle.dump(batch, spool)
    pickle.dump([], spool)
    return kinds


def _common_type(kind: Any, values: list[Any]) -> Any:
    """Return an Arrow type for `values` and for those of type `kind`: text if there is no other."""
    import pyarrow as pa

    kind = pa.null() if kind is None else kind
    with suppress(*UNFIT):  # which also makes 0 of 0.5 in silence
        stored = pa.array(values, kind).to_pylist()
        if all(type(a) is type(b) and a == b for a, b in zip(stored, values, strict=True)):
            return kind
    with suppress(*UNFIT):
        both = [pa.schema({"": each}) for each in (kind, pa.array(values).type)]
        common = pa.unify_schemas(both, promote_options="permissive").types[0]
        return pa.string() if "struct<>" in str(common) else common  # Parquet has none without fields
    return pa.string()


def _uniform(spool: IO[bytes], kinds: dict[str, Any], odd: Odd) -> Iterator[Row]:
    """Yield the rows that were kept, each with all columns, and with values that their types can hold."""
    changed = {name: held for name, kind in kinds.items() if (held := HELD.get(str(kind)))}
    spool.seek(0)
    rows = chain.from_iterable(iter(partial(pickle.load, spool), []))
    for number, row in enumerate(rows, start=1):
        whole = {name: row.get(name) for name in kinds}
        for name, held in changed.items():
            value = held(whole[name])
            if value != whole[name]:
                odd.add(number, name)
                whole[name] = value
        yield whole


def _held_by_text(value: object) -> str | None:
    return value if isinstance(value, str | None) else _as_text(value)


def _held_by_double(value: object) -> object:
    """Return the nearest number to one of more than 53 bits."""
    return float(value) if isinstance(value, int) else value


HELD = {"string": _held_by_text, "double": _held_by_double}
