"""Part of the data is never reported as the whole, and a whole file never as a part."""

import csv
from pathlib import Path

import pytest

from tests.conftest import QUIET, SMALL, test_figures, toy_rows, write_csv


@pytest.fixture
def checkpoint(fitted) -> str:
    return f"--ckpt_path={fitted / 'checkpoints' / 'best.ckpt'}"


def test_a_limited_test_says_of_how_many_texts_it_is(sentiment, checkpoint, toy, capsys):
    words = ("--data.batch_size=4", "--trainer.limit_test_batches=2", *QUIET)
    assert sentiment("test", checkpoint, f"--data.corpus={toy}", *words) == 0
    assert "test: 8 of 10 texts, chosen at random: limit_test_batches=2" in capsys.readouterr().out


def test_a_limit_that_takes_every_batch_says_nothing(sentiment, checkpoint, toy, capsys):
    assert sentiment("test", checkpoint, f"--data.corpus={toy}", "--trainer.limit_test_batches=2", *QUIET) == 0
    assert "chosen at random" not in capsys.readouterr().out


def test_a_limited_test_repeats_its_figures(sentiment, checkpoint, toy):
    for _ in range(2):
        words = ("--data.batch_size=4", "--trainer.limit_test_batches=0.4", *QUIET)
        assert sentiment("test", checkpoint, f"--data.corpus={toy}", *words) == 0
    assert test_figures("runs/version_1") == test_figures("runs/version_2")


@pytest.mark.parametrize("limit", ["--trainer.limit_predict_batches=2", "--trainer.fast_dev_run=true"])
def test_what_was_not_read_has_no_prediction(sentiment, checkpoint, capsys, limit):
    write_csv(Path("rows.csv"), toy_rows())
    words = ("--data.batch_size=8", "--output=out.csv", limit, *QUIET)
    assert sentiment("predict", checkpoint, "--data.corpus=rows.csv", *words) == 0
    with Path("out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    made = 8 if "fast" in limit else 16
    assert [bool(row["predicted"]) for row in rows].count(True) == made
    assert all(bool(row["predicted"]) == bool(row["p_positive"]) for row in rows)
    out = capsys.readouterr().out
    assert f"{made} predictions in out.csv" in out
    assert f"{60 - made} texts were not read and have no prediction" in out


@pytest.mark.parametrize("command", ["test", "validate"])
def test_a_file_of_another_corpus_is_measured_whole(sentiment, checkpoint, capsys, command):
    write_csv(Path("rows.csv"), toy_rows())
    limit = f"--trainer.limit_{'test' if command == 'test' else 'val'}_batches=1"
    assert sentiment(command, checkpoint, "--data.corpus=rows.csv", "--data.batch_size=8", limit, *QUIET) == 0
    out = capsys.readouterr().out
    assert "carved" not in out
    assert f"{'test' if command == 'test' else 'val'}: 8 of 60 texts" in out


@pytest.mark.slow
def test_the_file_that_was_trained_on_is_split_as_before(sentiment, capsys):
    write_csv(Path("rows.csv"), toy_rows())
    assert sentiment("fit", "--data.corpus=rows.csv", "--trainer.max_epochs=1", *SMALL) == 0
    Path("copied.csv").write_bytes(Path("rows.csv").read_bytes())
    for number, name in enumerate(("rows.csv", Path("rows.csv").absolute(), "copied.csv"), start=1):
        words = ("--ckpt_path=runs/version_0/checkpoints/best.ckpt", f"--data.corpus={name}")
        assert sentiment("test", *words, *QUIET) == 0
        assert test_figures(f"runs/version_{number}") == pytest.approx(test_figures("runs/version_0"), abs=1e-6)


def test_a_class_that_a_split_lacks_is_told_once(sentiment, checkpoint, capsys):
    Path("half").mkdir()
    write_csv(Path("half/test.csv"), [row for row in toy_rows() if row[1] == "positive"])
    assert sentiment("test", checkpoint, "--data.corpus=half", *QUIET) == 0
    assert capsys.readouterr().out.count("test has no text of negative: means over classes leave them out") == 1
