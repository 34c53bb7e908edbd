"""What CSV and TSV files look like: delimiters, line ends, encodings, headers."""

import csv
import gzip
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from project.errors import UserError
from project.ingest import ReadOptions, read_records
from tests.ingest.folders import load_corpus, texts

ROW = {"text": "Warm, wise.", "label": "good"}


def read(tmp_path, content: str | bytes, name: str = "a.csv", **options):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_records(path, **options))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "text;label\nWarm, wise.;good\n"),
        ("a.csv", "text\tlabel\nWarm, wise.\tgood\n"),
        ("a.tsv", 'text,label\n"Warm, wise.",good\n'),
        ("a.csv", '"text";label\n"Warm, wise.";good\n'),
        ("a.csv", "sep=;\ntext;label\nWarm, wise.;good\n"),
        ("a.csv", "sep=|\r\ntext|label\r\nWarm, wise.|good\r\n"),
        ("a.csv", 'text,label\r"Warm, wise.",good\r'),
        ("a.csv", 'text,label\n"Warm, wise.",good\n'.encode("utf-16")),
        ("a.csv", b"\xfe\xff" + 'text,label\r\n"Warm, wise.",good\r\n'.encode("utf-16-be")),
        ("a.csv.gz", gzip.compress("text;label\nWarm, wise.;good\n".encode("utf-16"), mtime=0)),
    ],
)
def test_dialects(tmp_path, name, content):
    assert [row.columns for row in read(tmp_path, content, name)] == [ROW]


def test_found_delimiter_is_noted_once(tmp_path):
    rows = read(tmp_path, "text;label\nWarm.;good\nCold.;bad\n")
    assert [row.note for row in rows] == ["columns are separated by ';'; if not, set the delimiter", None]


def test_usual_delimiter_is_not_noted(tmp_path):
    assert read(tmp_path, "text,label\nWarm.,good\n")[0].note is None


def test_delimiter_that_finds_the_needed_columns_wins(tmp_path):
    (row,) = read(tmp_path, "text;a,b,c;label\nWarm.;1;good\n", needed=["text", "label"])
    assert row.columns == {"text": "Warm.", "a,b,c": "1", "label": "good"}


@pytest.mark.parametrize("delimiter", ["|", r"\t", "\t"])
def test_chosen_delimiter(tmp_path, delimiter):
    mark = "|" if delimiter == "|" else "\t"
    (row,) = read(tmp_path, f"text{mark}a;b;c\nWarm.{mark}good\n", delimiter=delimiter)
    assert row.columns == {"text": "Warm.", "a;b;c": "good"}


@pytest.mark.parametrize("delimiter", ["", ";;"])
def test_delimiter_of_other_lengths_is_refused(delimiter):
    with pytest.raises(UserError, match=r"delimiter is '.*': it should be one character"):
        ReadOptions(delimiter=delimiter)


def test_columns_without_header_are_numbered(tmp_path):
    rows = read(tmp_path, 'good,"Warm, wise."\nbad,Cold.\n', needed=["2", "1"])
    assert [(row.line, row.columns) for row in rows] == [
        (1, {"1": "good", "2": "Warm, wise."}),
        (2, {"1": "bad", "2": "Cold."}),
    ]


def test_column_whose_name_is_a_number_is_a_column(tmp_path):
    assert [row.columns for row in read(tmp_path, "1,2\nWarm.,good\n", needed=["1", "2"])] == [
        {"1": "Warm.", "2": "good"}
    ]


def test_corpus_without_header(tmp_path):
    (tmp_path / "a.csv").write_text("good,Warm.\nbad,Cold.\n")
    corpus = load_corpus(str(tmp_path / "a.csv"), ReadOptions("2", "1", val_share=0, test_share=0))
    assert (texts(corpus, "train"), corpus.label_names) == (["Warm.", "Cold."], ("bad", "good"))


def test_note_on_the_delimiter_reaches_the_corpus(tmp_path):
    (tmp_path / "a.csv").write_text("text;label\nWarm.;good\nCold.;bad\n")
    corpus = load_corpus(str(tmp_path / "a.csv"), ReadOptions(val_share=0, test_share=0))
    assert corpus.notes == (f"{tmp_path}/a.csv:2: columns are separated by ';'; if not, set the delimiter",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'"text"x,label\nWarm.,good\n', r"a\.csv:1: the header is not valid CSV \(.*\): correct its quotation marks"),
        (b'"text,label\nWarm.,good\n', r"a\.csv:1: the header is not valid CSV"),
        (b"text,l\xe4bel\nWarm.,good\n", r"a\.csv:1: the header is not UTF-8: save the file as UTF-8"),
        ("text,label\nWarm.,good\n".encode("utf-16-le"), r"a\.csv:1: the header is not UTF-8: save the file as UTF-8"),
        (b"text,label,text\nWarm.,good,x\n", r"a\.csv:1: the header has one name twice \(text, label, text\)"),
        (b"sep=,\ntext,text\nWarm.,good\n", r"a\.csv:2: the header has one name twice"),
        (b"\xff\xfet", r"a\.csv cannot be read as csv"),
    ],
)
def test_headers_that_cannot_be_used(tmp_path, content, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, content)


def test_stray_carriage_return_is_still_a_fault_of_its_row(tmp_path):
    rows = read(tmp_path, "text,label\nWarm\r,good\nCold.,bad\n")
    assert [(row.line, bool(row.fault)) for row in rows] == [(2, True), (3, False)]


FIELD = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), max_size=8)
ROWS = st.lists(st.tuples(FIELD, FIELD), max_size=6)


@settings(max_examples=50)
@given(ROWS, st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(["utf-8-sig", "utf-16"]))
def test_rows_are_read_back_equal(tmp_path_factory, rows, delimiter, ends, encoding):
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator=ends, quoting=csv.QUOTE_ALL)
    writer.writerows([("text", "label"), *rows])
    found = read(tmp_path_factory.getbasetemp(), file.getvalue().encode(encoding))
    assert [(*row.columns.values(), row.fault) for row in found] == [(*row, None) for row in rows]
