import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from project.errors import UserError
from project.ingest import added_columns, check_output, merged, shares_of, write_rows

ROWS: list[dict[str, Any]] = [{"text": 'Warm, "wise".', "stars": 5}, {"text": None, "stars": None}]


def test_csv(tmp_path):
    write_rows(tmp_path / "a.csv", iter(ROWS), {})
    with (tmp_path / "a.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == [{"text": 'Warm, "wise".', "stars": "5"}, {"text": "", "stars": ""}]


def test_jsonl(tmp_path):
    write_rows(tmp_path / "a.jsonl", iter(ROWS), {})
    assert [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()] == ROWS


def test_parquet_keeps_types(tmp_path):
    write_rows(tmp_path / "a.parquet", iter(ROWS), {"stars": pa.int8()})
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.to_pylist() == ROWS
    assert table.schema.field("stars").type == pa.int8()


def test_parquet_of_many_batches(tmp_path):
    write_rows(tmp_path / "a.parquet", ({"n": n} for n in range(10_000)), {})
    assert pq.read_table(tmp_path / "a.parquet")["n"].to_pylist() == list(range(10_000))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_rows_of_another_shape_are_refused(tmp_path, suffix):
    rows = [{"a": 1}] * 5000 + [{"a": "text", "b": 2}]
    with pytest.raises(UserError, match=r"do not fit one .* table .*; write \.jsonl instead"):
        write_rows(tmp_path / f"a{suffix}", iter(rows), {})


def test_number_that_would_be_cut_short_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"do not fit one parquet table"):
        write_rows(tmp_path / "a.parquet", iter([{"a": 1}] * 5000 + [{"a": 0.5}]), {})


def test_column_that_comes_late_is_refused_in_parquet(tmp_path):
    with pytest.raises(UserError, match=r"do not fit one parquet table \(the first rows have no column 'b'\)"):
        write_rows(tmp_path / "a.parquet", iter([{"a": 1}] * 5000 + [{"a": 1, "b": 2}]), {})


def test_lone_surrogate_is_an_escape_in_jsonl(tmp_path):
    write_rows(tmp_path / "a.jsonl", iter([{"user": "bob \ud83d"}]), {})
    assert (tmp_path / "a.jsonl").read_bytes() == b'{"user": "bob \\ud83d"}\n'


def test_column_of_the_same_name_is_refused():
    with pytest.raises(UserError, match="already has a column 'predicted'"):
        merged({"text": "Warm.", "predicted": "x"}, {"predicted": "good"})


@pytest.mark.parametrize(("path", "message"), [("a.xlsx", "should end in one of"), ("no/a.csv", "does not exist")])
def test_output_that_cannot_be_written(path, message):
    with pytest.raises(UserError, match=message):
        check_output(Path(path), overwrite=False)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.CSV", b"text,stars\r\nWarm.,5\r\n"),
        ("a.b.tsv", b"text\tstars\r\nWarm.\t5\r\n"),
        ("a.jsonl", b'{"text": "Warm.", "stars": 5}\n'),
    ],
)
def test_suffix_tells_the_format(tmp_path, name, content):
    packed = f"{name}.gz"
    for each in (name, packed):
        write_rows(tmp_path / each, iter([{"text": "Warm.", "stars": 5}]), {})
    assert (tmp_path / name).read_bytes() == gzip.decompress((tmp_path / packed).read_bytes()) == content


def test_file_appears_when_it_is_complete(tmp_path):
    def rows() -> Iterator[dict[str, Any]]:
        yield ROWS[0]
        raise UserError("a bad row")

    with pytest.raises(UserError, match="a bad row"):
        write_rows(tmp_path / "a.csv", rows(), {})
    assert list(tmp_path.iterdir()) == []


def test_columns_of_a_prediction():
    assert added_columns(["bad", "good"], "good", [0.25, 0.75]) == {"predicted": "good", "p_bad": 0.25, "p_good": 0.75}


def test_columns_of_a_bad_row_are_empty():
    assert added_columns(["bad", "good"], None, []) == {"predicted": None, "p_bad": None, "p_good": None}


def test_probabilities_are_rounded():
    assert shares_of(["good"], [1 / 3]) == {"p_good": 0.333333}


def test_no_rows_make_an_empty_file(tmp_path):
    write_rows(tmp_path / "a.csv", iter([]), {})
    assert (tmp_path / "a.csv").read_bytes() == b""
