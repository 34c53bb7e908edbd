"""Rows of any shape in every format, read back."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from project.addons.classify.uniform import write_any
from project.ingest import read_records
from project.ingest.records import BATCH_ROWS

NAMES = ("a.csv", "a.tsv", "a.jsonl", "a.parquet")


def written(folder, name, rows, types=None):
    write_any(folder / name, iter(rows), types or {})
    return [record.columns for record in read_records(folder / name)]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.parquet"])
def test_columns_that_come_late_are_kept(tmp_path, name):
    rows = written(tmp_path, name, [{"text": "Warm."}, *[{"text": "So."}] * BATCH_ROWS, {"text": "Cold.", "id": "7"}])
    assert (rows[0], rows[-1]["id"]) == ({"text": "Warm.", "id": None if name == "a.parquet" else ""}, "7")


def test_jsonl_keeps_each_row_as_it_is(tmp_path):
    rows = [{"text": "Warm."}, {"text": "Cold.", "id": 7}]
    assert written(tmp_path, "a.jsonl", rows) == rows


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, None], [1, None]),
        ([1, 2.5], [1.0, 2.5]),
        ([1, "one"], ["1", "one"]),
        ([2**70, 1], [str(2**70), "1"]),
        ([2**60 + 1, 2.5], [str(2**60 + 1), "2.5"]),
        ([{}, {"a": 1}], [{"a": None}, {"a": 1}]),
        ([{}], ["{}"]),
        ([[1], ["a"]], ["[1]", '["a"]']),
        (["a\udc92b"], ["a\\udc92b"]),
    ],
)
def test_what_parquet_makes_of_values(tmp_path, values, expected):
    assert [row["x"] for row in written(tmp_path, "a.parquet", [{"x": value} for value in values])] == expected


def test_type_that_changes_after_a_batch(tmp_path):
    rows = written(tmp_path, "a.parquet", [*[{"x": 1}] * BATCH_ROWS, {"x": "one"}])
    assert (rows[0]["x"], rows[-1]["x"]) == ("1", "one")


def test_long_number_among_broken_ones_is_the_nearest(tmp_path, capsys):
    rows = written(tmp_path, "a.parquet", [{"x": 2**53 + 1}, *[{"x": 1}] * BATCH_ROWS, {"x": 0.5}])
    assert rows[0]["x"] == 2.0**53
    assert "a.parquet: 1 values that parquet cannot hold" in capsys.readouterr().err


def test_broken_number_among_whole_ones_is_not_cut_short(tmp_path):
    assert written(tmp_path, "a.parquet", [*[{"x": 1}] * BATCH_ROWS, {"x": 0.5}])[-1] == {"x": 0.5}


def test_given_types_are_kept(tmp_path):
    written(tmp_path, "a.parquet", [{"x": 1}], {"x": pa.int8()})
    assert pq.read_schema(tmp_path / "a.parquet").field("x").type == pa.int8()


def test_given_type_that_a_value_does_not_fit_gives_way(tmp_path):
    assert written(tmp_path, "a.parquet", [{"x": 1}, {"x": "one"}], {"x": pa.int8()}) == [{"x": "1"}, {"x": "one"}]


def test_lone_surrogate_is_an_escape_in_jsonl(tmp_path):
    write_any(tmp_path / "a.jsonl", iter([{"user": "bob \ud83d"}]), {})
    assert (tmp_path / "a.jsonl").read_bytes() == b'{"user": "bob \\ud83d"}\n'


def test_lone_surrogate_is_an_escape_in_csv(tmp_path):
    assert written(tmp_path, "a.csv", [{"user": "bob \ud83d"}]) == [{"user": "bob \\ud83d"}]


def test_bytes_that_are_not_utf_8_come_out_of_csv_as_they_went_in(tmp_path, capsys):
    write_any(tmp_path / "a.csv", iter([{"text": "Caf\udce9"}]), {})
    assert (tmp_path / "a.csv").read_bytes() == b"text\r\nCaf\xe9\r\n"
    assert capsys.readouterr().err == ""


def test_changed_values_are_counted_and_the_first_is_named(tmp_path, capsys):
    written(tmp_path, "a.parquet", [{"x": "a"}, {"x": "b\udc80"}, {"x": "c\udc80"}])
    assert capsys.readouterr().err == (
        f"{tmp_path}/a.parquet: 2 values that parquet cannot hold are written as text or with escapes such as \\udc80, "
        "the first is in column 'x' of row 2\n"
    )


VALUE = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_subnormal=False) | st.text(max_size=3)
)
VALUES = VALUE | st.lists(VALUE, max_size=2) | st.dictionaries(st.sampled_from("ab"), VALUE, max_size=2)
ROWS = st.lists(st.dictionaries(st.sampled_from(["text", "id", "x"]), VALUES, min_size=1), min_size=1, max_size=5)


@settings(max_examples=50)
@given(ROWS, st.sampled_from(NAMES))
def test_no_row_and_no_column_is_ever_lost(tmp_path_factory, rows, name):
    rows = [{"n": number, **json.loads(json.dumps(row))} for number, row in enumerate(rows)]
    found = written(tmp_path_factory.getbasetemp(), name, rows)
    assert [str(row["n"]) for row in found] == [str(row["n"]) for row in rows]
    assert {column for row in found for column in row} == {column for row in rows for column in row}
