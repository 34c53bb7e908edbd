"""A few bytes may be packed gigabytes: files that unpack to far more than texts could are refused on the way."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from project.errors import UserError
from project.ingest import read_records, records


@pytest.fixture(autouse=True)
def small_limits(monkeypatch):
    """Limits that small files pass."""
    monkeypatch.setattr(records, "LONGEST", 1000)
    monkeypatch.setattr(records, "UNPACKED", 10_000)


def count(path: Path) -> int:
    return sum(1 for _ in read_records(path))


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.tsv"])
def test_a_long_line_is_named_and_not_read_whole(tmp_path, name):
    (tmp_path / name).write_text("text\n" + "x" * 5000)
    with pytest.raises(UserError, match=rf"{name}:2: the line has 1,000 characters or more: are these texts\?"):
        count(tmp_path / name)


def test_a_line_just_below_the_limit_is_read(tmp_path):
    (tmp_path / "a.csv").write_text("text\n" + "x" * 998 + "\n")
    assert count(tmp_path / "a.csv") == 1


@pytest.mark.parametrize("block", [b"good,1\n", b"\n", b"\t\n"])
def test_equal_lines_in_a_packed_file_are_bounded(tmp_path, block):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"text,label\n" + block * 100_000))
    with pytest.raises(UserError, match=r"a\.csv\.gz expands to over 100 times its size: if you trust it"):
        count(tmp_path / "a.csv.gz")


def test_the_same_lines_unpacked_are_read(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"text,label\n" + b"good,1\n" * 10_000)
    assert count(tmp_path / "a.csv") == 10_000


def write_parquet(path: Path, column: pa.Array) -> Path:
    pq.write_table(pa.table({"text": column}), path)
    return path


def test_one_text_that_stands_for_many_in_parquet_is_bounded(tmp_path):
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 10_000, pa.int32()), ["a " * 500])
    with pytest.raises(UserError, match="expands to over 100 times its size"):
        count(write_parquet(tmp_path / "a.parquet", column))


def test_rows_of_nothing_in_parquet_are_bounded(tmp_path):
    with pytest.raises(UserError, match="expands to over 100 times its size"):
        count(write_parquet(tmp_path / "a.parquet", pa.nulls(1_000_000, pa.string())))


def test_many_short_rows_in_parquet_are_bounded_before_the_first_is_read(tmp_path):
    rows = read_records(write_parquet(tmp_path / "a.parquet", pa.array(["aa"] * 2_000_000)))
    with pytest.raises(UserError, match="expands to over 100 times its size"):
        next(rows)


def test_what_parquet_tells_of_its_size_is_believed_before_it_is_read(tmp_path, monkeypatch):
    pq.write_table(pa.table({"text": ["a" * 10**6]}), tmp_path / "a.parquet", compression="zstd", use_dictionary=False)
    monkeypatch.setattr("pyarrow.parquet.ParquetFile.iter_batches", lambda *_, **__: 1 / 0)
    monkeypatch.setattr(records, "MOST_TIMES", 10)
    with pytest.raises(ZeroDivisionError):
        count(tmp_path / "a.parquet")


@pytest.mark.parametrize("marks", [("[", "]"), ('{"a":', "}")], ids="".join)
def test_deep_values_in_jsonl_are_a_fault(tmp_path, marks, monkeypatch):
    monkeypatch.setattr(records, "LONGEST", 10_000)
    rows = ('{"text": "a", "x": ' + marks[0] * depth + "1" + marks[1] * depth + "}\n" for depth in (100, 600))
    (tmp_path / "a.jsonl").write_text("".join(rows))
    shallow, deep = read_records(tmp_path / "a.jsonl")
    assert shallow.fault is None
    assert str(deep.fault).startswith("not valid JSON (maximum recursion depth exceeded")


def test_brackets_within_a_text_are_no_depth(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "' + "[" * 500 + '"}\n')
    assert [record.fault for record in read_records(tmp_path / "a.jsonl")] == [None]
