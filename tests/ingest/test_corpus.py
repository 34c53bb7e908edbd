import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from project.errors import UserError
from project.ingest import ReadOptions, cache_dir, folder_source, open_corpus
from project.ingest.records import BATCH_ROWS
from tests.conftest import toy_rows
from tests.ingest.folders import folder, load_corpus, texts


def test_rows_keep_order_text_and_label(tmp_path):
    corpus = load_corpus(folder(tmp_path, train=[("Warm.", "good"), ("Cold.", "bad")], val=[("So.", "bad")]))
    assert list(corpus.splits["val"]) == [("So.", 0)]
    assert corpus.label_names == ("bad", "good")


def test_rows_beyond_one_batch(tmp_path):
    rows = [(f"Text {n}.", "good" if n % 3 else "bad") for n in range(2 * BATCH_ROWS + 5)]
    corpus = load_corpus(folder(tmp_path, train=rows, val=rows[:3], test=rows[:3]))
    assert texts(corpus, "train") == [text for text, _ in rows]
    assert corpus.splits["train"][BATCH_ROWS + 1] == (f"Text {BATCH_ROWS + 1}.", 1)
    assert [text for text, _ in corpus.splits["train"][:: BATCH_ROWS * 2]] == ["Text 0.", f"Text {BATCH_ROWS * 2}."]


def built(path: str, options: ReadOptions | None = None) -> Path:
    return load_corpus(path, options).folder


def test_second_load_reads_the_cache(tmp_path, monkeypatch):
    path = folder(tmp_path, train=toy_rows())
    first = built(path)
    monkeypatch.setattr("project.ingest.corpus.build_corpus", None)  # nothing is built any more
    assert built(path) == first


@pytest.mark.parametrize("options", [ReadOptions(val_share=0.2), ReadOptions(drop_duplicates=True)])
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
    code = f"from tests.ingest.folders import load_corpus; load_corpus({path!r})"
    process = subprocess.Popen([sys.executable, "-c", code])
    while not list(cache_dir().glob("corpora/.*.unfinished/train.arrow")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [p for p in (cache_dir() / "corpora").iterdir() if not p.name.startswith(".")] == []
    assert len(load_corpus(path).split("train")) == 160_000
    assert list((cache_dir() / "corpora").glob(".*")) == []


def test_every_source_row_comes_back_with_its_place(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text,id\nWarm.,1\n,2\nCold,3,4\nWise.,5\n")
    corpus = load_corpus(str(path), ReadOptions(bad_rows="skip"), ["bad", "good"], labelled=False)
    assert list(corpus.source_rows("test")) == [
        ({"text": "Warm.", "id": "1"}, 0),
        ({"text": "", "id": "2"}, None),
        ({"text": None, "id": None}, None),
        ({"text": "Wise.", "id": "5"}, 1),
    ]


def test_file_that_changes_while_it_is_read_is_refused(tmp_path):
    path = folder(tmp_path, train=toy_rows())
    source = folder_source(path, Path(path))  # its digest is that of the file as it is now
    whole = (tmp_path / "corpus" / "train.csv").read_bytes()
    (tmp_path / "corpus" / "train.csv").write_bytes(whole + b"One more.,positive\n")
    with pytest.raises(UserError, match=r"train\.csv changed while it was being read: try again"):
        open_corpus(source, ReadOptions())
    (tmp_path / "corpus" / "train.csv").write_bytes(whole)
    assert sum(map(len, load_corpus(path).splits.values())) == 60


def test_places_of_a_carved_split(tmp_path):
    path = folder(tmp_path, train=toy_rows())
    corpus = load_corpus(path)
    lines = {text: (f"{path}/train.csv", number) for number, (text, _) in enumerate(toy_rows(), start=2)}
    assert list(corpus.places("test")) == [lines[text] for text in texts(corpus, "test")]


def test_places_in_several_files(tmp_path):
    (tmp_path / "a").mkdir()
    for number in (0, 1):
        (tmp_path / "a" / f"train-{number}.csv").write_text(f"text,label\nWarm {number}.,good\n,\nCold {number}.,bad\n")
    corpus = load_corpus(str(tmp_path / "a"), ReadOptions(bad_rows="skip", val_share=0, test_share=0))
    assert list(corpus.places("train")) == [
        *[(f"{tmp_path}/a/train-0.csv", 2), (f"{tmp_path}/a/train-0.csv", 4)],
        *[(f"{tmp_path}/a/train-1.csv", 2), (f"{tmp_path}/a/train-1.csv", 4)],
    ]


def test_missing_split_is_refused(tmp_path):
    with pytest.raises(UserError, match="has no test split, only train, val"):
        load_corpus(folder(tmp_path, train=toy_rows()), ReadOptions(test_share=0)).split("test")


def test_changed_code_of_the_source_never_meets_the_old_cache(tmp_path):
    path = folder(tmp_path, train=toy_rows())
    sources = [replace(folder_source(path, Path(path)), code=code) for code in ("one", "two")]
    assert len({open_corpus(source, ReadOptions()).folder for source in sources}) == 2


def test_changed_code_of_ingest_never_meets_the_old_cache(tmp_path, monkeypatch):
    path = folder(tmp_path, train=toy_rows())
    first = built(path)
    monkeypatch.setattr("project.ingest.corpus.ingest_code", lambda: "other")
    assert built(path) != first
