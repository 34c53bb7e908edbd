import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from project.corpora import load_corpus
from project.errors import UserError
from project.ingest.fetch import cache_dir
from project.ingest.store import BATCH_ROWS, Corpus, CorpusOptions
from tests.conftest import toy_rows, write_csv


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIMENT_CACHE", str(tmp_path / "cache"))


def folder(tmp_path, **files: list[tuple[str, str]]) -> str:
    path = tmp_path / "corpus"
    path.mkdir(exist_ok=True)
    for split, rows in files.items():
        write_csv(path / f"{split}.csv", rows)
    return str(path)


def texts(corpus: Corpus, split) -> list[str]:
    return [text for text, _ in corpus.split(split)]


def test_rows_keep_order_text_and_label(tmp_path):
    corpus = load_corpus(folder(tmp_path, train=[("Warm.", "good"), ("Cold.", "bad")], val=[("So.", "bad")]))
    assert list(corpus.splits["val"]) == [("So.", 0)]
    assert corpus.label_names == ("bad", "good")


def test_labels_that_are_numbers_are_in_their_order(tmp_path):
    rows = [(f"Text {stars}.", str(stars)) for stars in (10, 9, 1, 2)]
    assert load_corpus(folder(tmp_path, train=rows), CorpusOptions(val_share=0, test_share=0)).label_names == (
        *("1", "2"),
        *("9", "10"),
    )


def test_rows_beyond_one_batch(tmp_path):
    rows = [(f"Text {n}.", "good" if n % 3 else "bad") for n in range(2 * BATCH_ROWS + 5)]
    corpus = load_corpus(folder(tmp_path, train=rows, val=rows[:3], test=rows[:3]))
    assert texts(corpus, "train") == [text for text, _ in rows]
    assert corpus.splits["train"][BATCH_ROWS + 1] == (f"Text {BATCH_ROWS + 1}.", 1)
    assert [text for text, _ in corpus.splits["train"][:: BATCH_ROWS * 2]] == ["Text 0.", f"Text {BATCH_ROWS * 2}."]


def test_missing_splits_are_carved_and_disjoint(tmp_path):
    corpus = load_corpus(folder(tmp_path, train=toy_rows()))
    parts = [texts(corpus, split) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [48, 6, 6]
    assert sorted(text for part in parts for text in part) == sorted(text for text, _ in toy_rows())


def test_a_checkpoint_finds_the_splits_that_it_was_trained_with(tmp_path):
    path = folder(tmp_path, train=toy_rows())  # whose first label is the last in order
    first, again = load_corpus(path), load_corpus(path, known_labels=("negative", "positive"))
    assert texts(again, "test") == texts(first, "test")
    assert again.fingerprint == first.fingerprint


def test_missing_test_may_stay_absent(tmp_path):
    assert set(load_corpus(folder(tmp_path, train=toy_rows()), CorpusOptions(test_share=0)).splits) == {"train", "val"}


def test_test_never_serves_as_val(tmp_path):
    corpus = load_corpus(folder(tmp_path, train=toy_rows(), test=[("Only this.", "positive")]))
    assert texts(corpus, "test") == ["Only this."]
    assert set(texts(corpus, "val")) < {text for text, _ in toy_rows()}


TWICE = [("Warm.", "good"), ("Cold.", "bad"), ("Warm.", "good"), ("Wise.", "good")]


def test_duplicates_and_overlap_are_counted_and_named(tmp_path):
    path = folder(tmp_path, train=TWICE, val=[("Cold.", "bad")], test=[("Wise.", "good")])
    assert load_corpus(path).notes == (
        f"kept 1 texts of train that come again in it, the first at {path}/train.csv:4",
        f"kept 1 texts of train that stand in val too, the first at {path}/train.csv:3",
        f"kept 1 texts of train that stand in test too, the first at {path}/train.csv:5",
    )


def test_overlap_of_val_and_test_is_told(tmp_path):
    path = folder(tmp_path, train=[("So.", "good")], val=[("Cold.", "good")], test=[("Cold.", "good")])
    assert load_corpus(path).notes == (f"kept 1 texts of val that stand in test too, the first at {path}/val.csv:2",)


def test_label_of_broken_bytes_is_a_bad_row(tmp_path):
    (tmp_path / "rows.csv").write_bytes(b"text,label\nWarm.,caf\xe9\n")
    with pytest.raises(UserError, match=r"rows\.csv:2: the label is not valid UTF-8"):
        load_corpus(str(tmp_path / "rows.csv"))


def test_duplicates_and_overlap_can_leave_train(tmp_path):
    path = folder(tmp_path, train=TWICE, val=[("Cold.", "bad")], test=[("Wise.", "good")])
    corpus = load_corpus(path, CorpusOptions(drop_duplicates=True))
    assert texts(corpus, "train") == ["Warm."]
    assert texts(corpus, "val") == ["Cold."]


BAD = [("Warm.", "good"), ("", "good"), ("Cold.", ""), ("Wise.", "good"), ("So.", "bad")]


def test_bad_rows_are_counted_and_the_first_is_named(tmp_path):
    with pytest.raises(UserError, match=r"^2 bad rows, the first: .*train\.csv:3: the text is empty; mend it, or"):
        load_corpus(folder(tmp_path, train=BAD))


def test_bad_rows_leave_nothing_behind(tmp_path):
    with pytest.raises(UserError):
        load_corpus(folder(tmp_path, train=BAD))
    assert list((cache_dir() / "corpora").iterdir()) == []


def test_skipped_rows_are_listed_in_a_file(tmp_path):
    path = folder(tmp_path, train=BAD)
    corpus = load_corpus(path, CorpusOptions(bad_rows="skip", val_share=0, test_share=0))
    assert texts(corpus, "train") == ["Warm.", "Wise.", "So."]
    assert (corpus.folder / "bad_rows.csv").read_text().splitlines() == [
        "file,line,reason",
        f"{path}/train.csv,3,the text is empty",
        f"{path}/train.csv,4,the label is missing",
    ]
    assert str(corpus.folder / "bad_rows.csv") in corpus.notes[0]


def test_label_that_train_lacks_is_a_bad_row(tmp_path):
    with pytest.raises(UserError, match=r"1 bad row: .*test\.csv:2: the label 'meh' is none of good, bad"):
        load_corpus(folder(tmp_path, train=TWICE, test=[("So so.", "meh")]))


def test_column_that_can_hardly_be_labels_is_refused(tmp_path):
    rows = [(f"Text {n}.", f"remark {n}") for n in range(120)]
    with pytest.raises(UserError, match=r"column 'label' has 120 different values in 120 rows"):
        load_corpus(folder(tmp_path, train=rows))


def test_missing_column_names_the_option(tmp_path):
    with pytest.raises(UserError, match=r"no column 'body', only text, label: name it with --data\.text_column"):
        load_corpus(folder(tmp_path, train=TWICE), CorpusOptions(text_column="body"))


def built(path: str, options: CorpusOptions | None = None) -> Path:
    return load_corpus(path, options).folder


def test_second_load_reads_the_cache(tmp_path, monkeypatch):
    path = folder(tmp_path, train=toy_rows())
    first = built(path)
    monkeypatch.setattr("project.ingest.store._build", None)  # nothing is built any more
    assert built(path) == first


@pytest.mark.parametrize("options", [CorpusOptions(val_share=0.2), CorpusOptions(drop_duplicates=True)])
def test_changed_option_never_meets_the_old_cache(tmp_path, options):
    path = folder(tmp_path, train=toy_rows())
    assert built(path) != built(path, options)


def test_changed_file_never_meets_the_old_cache(tmp_path):
    first = built(folder(tmp_path, train=toy_rows()))
    stamp = Path(tmp_path / "corpus" / "train.csv").stat()
    second = folder(tmp_path, train=[*toy_rows()[:-1], ("A warm ending!", "negative")])
    os.utime(tmp_path / "corpus" / "train.csv", (stamp.st_atime, stamp.st_mtime))
    assert built(second) != first


@pytest.mark.slow
def test_killed_run_leaves_no_torn_cache(tmp_path):
    rows = [(f"Text {n}.", "good" if n % 2 else "bad") for n in range(200_000)]
    path = folder(tmp_path, train=rows)
    code = f"from project.corpora import load_corpus; load_corpus({path!r})"
    process = subprocess.Popen([sys.executable, "-c", code])
    while not list(cache_dir().glob("corpora/.building-*/*/train.arrow")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [p for p in (cache_dir() / "corpora").iterdir() if not p.name.startswith(".")] == []
    assert len(load_corpus(path).split("train")) == 160_000


def test_fingerprint_follows_content_not_format_or_label_order(tmp_path):
    rows = [("Warm.", "good"), ("Cold.", "bad"), ("Wise.", "good")]
    options = CorpusOptions(val_share=0, test_share=0)
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
        corpus = load_corpus(str(tmp_path / name), CorpusOptions(val_share=0))
        fingerprints.append((corpus.test_fingerprint, corpus.fingerprint))
    (test, whole), (same_test, other_whole) = fingerprints
    assert (test == same_test, whole == other_whole) == (True, False)


def test_every_source_row_comes_back_with_its_place(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text,id\nWarm.,1\n,2\nCold,3,4\nWise.,5\n")
    corpus = load_corpus(str(path), CorpusOptions(bad_rows="skip"), ["bad", "good"], labelled=False)
    assert list(corpus.source_rows("test")) == [
        ({"text": "Warm.", "id": "1"}, 0),
        ({"text": "", "id": "2"}, None),
        ({"text": None, "id": None}, None),
        ({"text": "Wise.", "id": "5"}, 1),
    ]
