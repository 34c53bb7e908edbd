import csv
import io

import pytest

from project.errors import UserError
from project.ingest import NO_LABEL, ReadOptions, Record, Source
from project.ingest.check import BadRows, RowChecker
from project.ingest.rows import GoodRow
from tests.ingest.folders import folder, load_corpus, text_fault, texts


def test_label_of_broken_bytes_is_a_bad_row(tmp_path):
    (tmp_path / "rows.csv").write_bytes(b"text,label\nWarm.,caf\xe9\n")
    with pytest.raises(UserError, match=r"rows\.csv:2: the label is not valid UTF-8"):
        load_corpus(str(tmp_path / "rows.csv"))


BAD = [("Warm.", "good"), ("", "good"), ("Cold.", ""), ("Wise.", "good"), ("So.", "bad")]


def test_bad_rows_are_counted_and_the_first_is_named(tmp_path):
    with pytest.raises(UserError, match=r"^2 bad rows, the first: .*train\.csv:3: the text is empty; fix it, or skip"):
        load_corpus(folder(tmp_path, train=BAD))


def test_skipped_rows_are_listed_in_a_file(tmp_path):
    path = folder(tmp_path, train=BAD)
    corpus = load_corpus(path, ReadOptions(bad_rows="skip", val_share=0, test_share=0))
    assert texts(corpus, "train") == ["Warm.", "Wise.", "So."]
    assert (corpus.folder / "bad_rows.csv").read_text().splitlines() == [
        "file,line,reason",
        f"{path}/train.csv,3,the text is empty",
        f"{path}/train.csv,4,the label is missing",
    ]
    assert str(corpus.folder / "bad_rows.csv") in corpus.notes[0]


TWICE = [("Warm.", "good"), ("Cold.", "bad"), ("Warm.", "good"), ("Wise.", "good")]


def test_label_that_train_lacks_is_a_bad_row(tmp_path):
    with pytest.raises(UserError, match=r"1 bad row: .*test\.csv:2: the label 'meh' is not one of good, bad"):
        load_corpus(folder(tmp_path, train=TWICE, test=[("So so.", "meh")]))


def test_missing_column_names_the_option(tmp_path):
    with pytest.raises(UserError, match=r"no column 'body', only text, label: name it with --data\.text_column"):
        load_corpus(folder(tmp_path, train=TWICE), ReadOptions(text_column="body"))


def checker(**source) -> RowChecker:
    return RowChecker(Source("toy", "key", {}, text_fault=text_fault, **source), ReadOptions(), BadRows(io.StringIO()))


def good_row(checks: RowChecker, record: Record) -> GoodRow:
    checked = checks.check(record, "train")
    assert isinstance(checked, GoodRow)
    return checked


def row(text: object, label: object) -> Record:
    return Record(2, {"text": text, "label": label})


def test_good_row_has_text_and_label():
    assert good_row(checker(), row("Warm.", "good")) == ("Warm.", 0, [], True, "Warm.")


def test_labels_are_numbered_as_they_come():
    checks = checker()
    assert [good_row(checks, row("So.", label)).label for label in (5, "5", 1.0, True)] == [0, 0, 1, 2]
    assert list(checks.labels) == ["5", "1", "true"]


def test_labels_are_renamed():
    checks = checker(renamed={"0": "negative"})
    checks.check(row("So.", 0), "train")
    assert list(checks.labels) == ["negative"]


@pytest.mark.parametrize(
    ("text", "label", "fault"),
    [
        ("", "good", "the text is empty"),
        ("So.", None, "the label is missing"),
        ("So.", 0.5, "the label is neither a name nor a whole number: 0.5"),
        ("So.", "go\0d", "the label holds a NUL character"),
        ("So.", "go\udc80d", "the label is not valid UTF-8"),
        ("So\udc80.", "good", "the text is not valid UTF-8"),
    ],
)
def test_what_is_no_good_row(text, label, fault):
    assert checker().check(row(text, label), "train") == fault


def test_what_no_one_checks_must_still_be_text():
    checks = RowChecker(Source("toy", "key", {}), ReadOptions(), BadRows(io.StringIO()))
    assert checks.check(row(3, "good"), "train") == "the text is not text but 3"


def test_fault_of_the_file_comes_first():
    assert checker().check(Record(2, {}, "not valid JSON"), "train") == "not valid JSON"


def test_unknown_label_is_a_fault():
    checks = checker(known_labels=("bad", "good"))
    assert checks.check(row("So.", "meh"), "test") == "the label 'meh' is not one of bad, good"


def test_text_to_predict_needs_no_label():
    assert good_row(checker(labelled=False), Record(2, {"text": "So."})).label == NO_LABEL


def test_bad_rows_are_written_as_csv():
    file = io.StringIO()
    BadRows(file).add("a.csv", 3, 'odd, "bad"')
    assert list(csv.reader(io.StringIO(file.getvalue()))) == [["file", "line", "reason"], ["a.csv", "3", 'odd, "bad"']]


def test_one_bad_row_is_told_as_one():
    bad_rows = BadRows(io.StringIO())
    bad_rows.add("a.csv", 3, "odd")
    assert bad_rows.notes(True, "list.csv") == ["left out 1 bad row: a.csv:3: odd; all are listed in list.csv"]


def test_no_bad_row_is_no_note():
    assert BadRows(io.StringIO()).notes(False, "list.csv") == []
