import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from project.errors import UserError
from project.ingest import column_types, label_name, read_records


def records(tmp_path, name: str, content: str | bytes):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [(r.line, r.columns, r.fault) for r in read_records(path)]


ROWS = [(2, {"text": "Warm, wise.", "label": "good"}, None), (3, {"text": "null", "label": "bad"}, None)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'text,label\n"Warm, wise.",good\nnull,bad\n'),
        ("a.CSV", 'text,label\r\n"Warm, wise.",good\r\nnull,bad'),
        ("a.csv", '\ufefftext,label\n"Warm, wise.",good\nnull,bad\n'),
        ("a.tsv", "text\tlabel\nWarm, wise.\tgood\nnull\tbad\n"),
        ("a.csv.gz", 'text,label\n"Warm, wise.",good\nnull,bad\n'),
        ("a.tsv.gz", "text\tlabel\nWarm, wise.\tgood\nnull\tbad\n"),
    ],
)
def test_delimited_formats(tmp_path, name, content):
    packed = gzip.compress(content.encode()) if name.endswith(".gz") else content
    assert records(tmp_path, name, packed) == ROWS


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_jsonl(tmp_path, pack):
    content = pack(b'{"text": "Warm, wise.", "label": "good"}\n\n{"text": "null", "label": true}\n')
    name = "a.jsonl" if pack is bytes else "a.jsonl.gz"
    assert records(tmp_path, name, content) == [
        (1, {"text": "Warm, wise.", "label": "good"}, None),
        (3, {"text": "null", "label": True}, None),
    ]


def test_parquet_of_many_batches_counts_on(tmp_path):
    pq.write_table(pa.table({"n": range(1, 10_001)}), tmp_path / "a.parquet")
    assert [r.line for r in read_records(tmp_path / "a.parquet")] == list(range(1, 10_001))


def test_parquet_counts_rows_from_one(tmp_path):
    pq.write_table(pa.table({"text": ["Warm, wise.", None], "label": [1, 0]}), tmp_path / "a.parquet")
    assert [(r.line, r.columns) for r in read_records(tmp_path / "a.parquet")] == [
        (1, {"text": "Warm, wise.", "label": 1}),
        (2, {"text": None, "label": 0}),
    ]


def test_row_of_several_lines_is_named_by_its_first(tmp_path):
    assert [line for line, _, _ in records(tmp_path, "a.csv", 'text,label\n"two\nlines",a\none,b\n')] == [2, 4]


@pytest.mark.parametrize(
    ("content", "line", "fault"),
    [
        ("text,label\nWarm.,good\nWarm, wise.,good\n", 3, "3 columns, but the header has 2"),
        ("text,label\nWarm.\n", 2, "1 columns, but the header has 2"),
        (
            'text,label\n"Warm."!,good\n',
            2,
            "not valid CSV (',' expected after '\"')",
        ),
    ],
)
def test_faults_of_csv(tmp_path, content, line, fault):
    ((found, _, why),) = [row for row in records(tmp_path, "a.csv", content) if row[2]]
    assert (found, why[: len(fault)]) == (line, fault)


def test_reading_goes_on_after_a_bad_row(tmp_path):
    assert records(tmp_path, "a.csv", 'text,label\n"Warm."!,good\nWise.,good\n')[-1][1] == {
        "text": "Wise.",
        "label": "good",
    }


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{text", "not valid JSON"),
        ("[1]", "not a JSON object"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "not valid JSON"),
    ],
)
def test_faults_of_jsonl(tmp_path, content, fault):
    ((line, _, found),) = records(tmp_path, "a.jsonl", content)
    assert (line, found[: len(fault)]) == (1, fault)


@pytest.mark.parametrize("name", ["a.parquet", "a.csv.gz", "a.jsonl.gz"])
def test_file_of_another_kind_is_refused(tmp_path, name):
    with pytest.raises(UserError, match="cannot be read as"):
        records(tmp_path, name, "text,label\n")


def test_truncated_gzip_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"a\.csv\.gz cannot be read as csv"):
        records(tmp_path, "a.csv.gz", gzip.compress(b"text,label\n" + b"Warm.,good\n" * 999)[:60])


def test_empty_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"a\.csv:1: the first line is empty"):
        records(tmp_path, "a.csv", "")


@pytest.mark.parametrize(
    ("value", "name"),
    [
        *[("good", "good"), (" good\t", "good"), ("Good", "Good"), ("1.5", "1.5"), ("v1.0", "v1.0")],
        *[(1, "1"), (1.0, "1"), ("1", "1"), ("1.0", "1"), ("-12.00", "-12"), (0, "0")],
        *[(True, "true"), ("True", "true"), ("TRUE ", "true"), ("False", "false"), ("FALSE", "false")],
    ],
)
def test_names_of_labels(value, name):
    assert label_name(value) == name


@pytest.mark.parametrize("value", [None, "", " ", 0.5, [1], {"a": 1}])
def test_what_is_no_label(value):
    assert label_name(value) is None


def test_types_of_a_parquet_file(tmp_path):
    pq.write_table(pa.table({"text": ["Warm."], "stars": pa.array([5], pa.int8())}), tmp_path / "a.parquet")
    assert column_types(tmp_path / "a.parquet") == {"text": pa.string(), "stars": pa.int8()}


def test_other_formats_have_no_types(tmp_path):
    assert column_types(tmp_path / "a.csv") == {}
