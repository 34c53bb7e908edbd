import json

import pytest

from project.errors import UserError
from project.ingest import ReadOptions, cache_dir
from tests.conftest import write_csv
from tests.ingest.folders import folder, load_corpus


def test_labels_that_are_numbers_are_in_their_order(tmp_path):
    rows = [(f"Text {stars}.", str(stars)) for stars in (10, 9, 1, 2)]
    assert load_corpus(folder(tmp_path, train=rows), ReadOptions(val_share=0, test_share=0)).label_names == (
        *("1", "2"),
        *("9", "10"),
    )


def test_column_that_can_hardly_be_labels_is_refused(tmp_path):
    rows = [(f"Text {n}.", f"remark {n}") for n in range(120)]
    with pytest.raises(UserError, match=r"column 'label' has 120 different values in 120 rows"):
        load_corpus(folder(tmp_path, train=rows))


def test_bad_rows_leave_nothing_behind(tmp_path):
    with pytest.raises(UserError):
        load_corpus(folder(tmp_path, train=[("Warm.", "good"), ("", "good")]))
    assert list((cache_dir() / "corpora").iterdir()) == []


def test_fingerprint_follows_content_not_format_or_label_order(tmp_path):
    rows = [("Warm.", "good"), ("Cold.", "bad"), ("Wise.", "good")]
    options = ReadOptions(val_share=0, test_share=0)
    write_csv(tmp_path / "a.csv", rows)
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": t, "label": label}) + "\n" for t, label in rows))
    write_csv(tmp_path / "b.csv", [("Warm.", "good"), ("Cold.", "bad"), ("Wise.", "bad")])
    first, second, other = (load_corpus(str(tmp_path / n), options).fingerprint for n in ("a.csv", "a.jsonl", "b.csv"))
    assert first == second != other


def test_fingerprint_of_test_is_the_same_whatever_train_is(tmp_path):
    fingerprints = []
    for name, train in ("one", [("Warm.", "good"), ("Cold.", "bad")]), ("two", [("Dull.", "bad"), ("Wise.", "good")]):
        (tmp_path / name).mkdir()
        write_csv(tmp_path / name / "train.csv", train)
        write_csv(tmp_path / name / "test.csv", [("A moving cast.", "good"), ("A hollow story.", "bad")])
        corpus = load_corpus(str(tmp_path / name), ReadOptions(val_share=0))
        fingerprints.append((corpus.test_fingerprint, corpus.fingerprint))
    (test, whole), (same_test, other_whole) = fingerprints
    assert (test == same_test, whole == other_whole) == (True, False)


def test_labels_that_differ_by_case_alone_are_named(tmp_path):
    rows = [("Warm.", "Good"), ("Cold.", "bad"), ("Wise.", "good ")]
    corpus = load_corpus(folder(tmp_path, train=rows), ReadOptions(val_share=0, test_share=0))
    note = "labels that differ only in case are kept apart: Good, good; spell them alike to merge them"
    assert (corpus.label_names, corpus.notes) == (("Good", "bad", "good"), (note,))


def test_empty_source_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"^corpus .* has no text$"):
        load_corpus(folder(tmp_path, train=[]))


def test_source_of_bad_rows_alone_names_the_first(tmp_path):
    with pytest.raises(UserError, match=r"has no text: .*train\.csv:2: the text is empty"):
        load_corpus(folder(tmp_path, train=[("", "good")]), ReadOptions(bad_rows="skip"))
