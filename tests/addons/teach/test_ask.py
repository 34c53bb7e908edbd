import json
from pathlib import Path

import pytest

from project.corpora import load_corpus
from tests.conftest import write_csv


@pytest.fixture
def ask(sentiment, toy):
    """Run `sentiment ask` in a folder of its own."""

    def run(*words):
        return sentiment("ask", f"--data.corpus={toy}", "--output=texts.jsonl", *words)

    return run


def written():
    return [json.loads(line)["text"] for line in Path("texts.jsonl").read_text().splitlines()]


def test_the_texts_of_train_are_written(ask, toy):
    assert ask() == 0
    assert written() == [text for text, _ in load_corpus(str(toy)).split("train")]


def test_further_texts_follow_without_those_of_val_and_test(ask, toy):
    held_out = [text for split in ("val", "test") for text, _ in load_corpus(str(toy)).split(split)]
    write_csv(Path("more.csv"), [(text, "") for text in ["Never seen.", *held_out]])
    assert ask("--texts=more.csv", "--labelled=3") == 0
    assert written()[3:] == ["Never seen."]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--labelled=0"], "there is no text to write"),
        (["--labelled=-1"], "--labelled 0 or more"),
        (["--output=texts.txt"], "should end in one of"),
    ],
)
def test_mistakes_are_one_line_errors_and_leave_no_file(ask, capsys, words, message):
    assert ask(*words) == 2
    assert message in capsys.readouterr().err
    assert not Path("texts.jsonl").exists()


def test_any_number_of_labels_is_refused_before_the_corpus_is_read(sentiment, capsys):
    assert sentiment("ask", "--output=asked.jsonl", "--data.corpus=nowhere.csv", "--data.labels=any") == 2
    assert capsys.readouterr().err.startswith("error: --data.labels=any: a teacher needs exactly one label per text")
    assert not list(Path().iterdir())
