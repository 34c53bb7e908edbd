import csv
import errno
import json
from pathlib import Path

import numpy as np
import pytest

from project.addons.teach.command import Teachers
from project.corpora import load_corpus
from project.ingest import ReadOptions
from tests.conftest import SMALL, run_sentiment, write_csv


@pytest.fixture
def teach(sentiment, toy, tiny):
    """Run `sentiment teach` in a folder of its own, with the tiny transformer."""

    def run(*words):
        return sentiment("teach", f"--data.corpus={toy}", f"--teacher={tiny}", "--output=taught", *words)

    return run


def rows(path):
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def taught(toy, tiny, tmp_path_factory) -> Path:
    """The folder that the command wrote; to be read only."""
    folder: Path = tmp_path_factory.mktemp("teacher") / "taught"
    assert run_sentiment("teach", f"--data.corpus={toy}", f"--teacher={tiny}", f"--output={folder}") == 0
    return folder


def test_train_keeps_texts_and_labels_and_gets_probabilities(taught, toy):
    own = load_corpus(str(toy))
    found = rows(taught / "train.csv")
    assert [(row["text"], row["label"]) for row in found] == [
        (text, own.label_names[label]) for text, label in own.split("train")
    ]
    assert all(abs(float(row["p_negative"]) + float(row["p_positive"]) - 1) < 1e-4 for row in found)


class Sure:
    """A teacher that returns the same probabilities for every text."""

    def __init__(self, *probabilities):
        self.given = probabilities

    def probabilities(self, texts):
        return np.array([self.given] * len(texts), dtype=np.float32)


def test_several_teachers_are_averaged():
    both = Teachers([Sure(1.0, 0.0), Sure(0.5, 0.5)])
    assert both.probabilities(["a film", "a cast"]).tolist() == [[0.75, 0.25], [0.75, 0.25]]


def test_val_and_test_are_unchanged(taught, toy):
    own, student = load_corpus(str(toy)), load_corpus(str(taught), ReadOptions(soft_targets=True))
    assert [list(student.split(split)) for split in ("val", "test")] == [list(own.split(s)) for s in ("val", "test")]
    assert student.test_fingerprint == own.test_fingerprint


def test_further_texts_are_added_to_train_without_a_label(teach):
    Path("more.csv").write_text("text\nNothing like this was ever seen.\nNor this.\nNor this.\n")
    assert teach("--texts=more.csv") == 0
    further = [row["text"] for row in rows("taught/train.csv") if not row["label"]]
    assert sorted(further) == ["Nor this.", "Nothing like this was ever seen."]


def test_no_sentence_of_val_or_test_is_labelled(teach, toy):
    held_out = [text for split in ("val", "test") for text, _ in load_corpus(str(toy)).split(split)]
    write_csv(Path("more.csv"), [(f"{text.upper()} Here is another one.", "") for text in held_out])
    assert teach("--texts=more.csv", "--sentences=true") == 0
    assert [row["text"] for row in rows("taught/train.csv") if not row["label"]] == ["Here is another one."]


def test_no_more_texts_are_added_than_requested(teach):
    write_csv(Path("more.csv"), [(f"Text {n}.", "") for n in range(40)])
    assert teach("--texts=more.csv", "--most=7") == 0
    assert sum(not row["label"] for row in rows("taught/train.csv")) == 7


@pytest.mark.slow
def test_a_student_can_be_trained_on_the_result(taught, sentiment):
    words = (f"--data.corpus={taught}", "--data.soft_targets=true", "--trainer.max_epochs=1")
    assert sentiment("fit", *words, *SMALL) == 0


@pytest.mark.slow
def test_the_teachers_accuracy_is_reported(teach, capsys):
    assert teach("--epochs=12", "--learning_rate=1e-2", "--batch_size=8") == 0
    facts = json.loads(Path("taught/teacher.json").read_text())
    assert facts["val/accuracy"] == 1.0
    assert "the teacher's accuracy on val: 1.000" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--output=."], ". exists already: choose another folder, or remove it"),
        (["--output=no/where"], "folder no does not exist"),
        (["--epochs=0"], "epochs is 0: set --epochs=1 or more"),
        (["--texts=nowhere.csv"], "corpus 'nowhere.csv' is neither"),
        (["--texts=no_text.csv"], "corpus no_text.csv has no text in its column 'text'"),
        (["--teacher=."], "teacher '.' cannot be loaded"),
    ],
)
def test_mistakes_are_one_line_errors_and_leave_no_files(teach, capsys, tmp_path, words, message):
    Path("no_text.csv").write_text("sentence\nA film.\n")
    assert teach(*words) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.glob("**/taught*")) == []


def test_no_option_of_fine_tuning_goes_with_teachers_that_are_not(sentiment, toy, capsys):
    assert sentiment("teach", f"--data.corpus={toy}", "--output=taught", "--teacher=lsa", "--epochs=3") == 2
    assert "error: --epochs has no effect: only transformers are fine-tuned; leave it out" in capsys.readouterr().err


def test_latent_semantic_analysis_learns_from_further_texts_too(sentiment, toy, monkeypatch):
    given = []

    class Recorder:
        def __init__(self, texts, labels, further, classes):
            given.append((len(texts), len(labels), list(further), classes))

        def probabilities(self, texts):
            return np.full((len(texts), 2), 0.5, dtype=np.float32)

    monkeypatch.setattr("project.addons.teach.latent.LatentTeacher", Recorder)
    Path("more.csv").write_text("text\nA new film.\n")
    assert sentiment("teach", f"--data.corpus={toy}", "--output=taught", "--teacher=lsa", "--texts=more.csv") == 0
    size = len(load_corpus(str(toy)).split("train"))
    assert given == [(size, size, ["A new film."], 2)]


def test_a_full_disk_is_a_one_line_error_and_leaves_no_files(teach, capsys, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("project.addons.teach.command.write_rows", full)
    assert teach() == 2
    assert "error: cannot write taught: No space left on device" in capsys.readouterr().err
    assert [path for path in tmp_path.iterdir() if "taught" in path.name] == []


def test_any_number_of_labels_is_refused_before_the_corpus_is_read(sentiment, capsys):
    assert sentiment("teach", "--output=taught", "--data.corpus=nowhere.csv", "--data.labels=any") == 2
    assert capsys.readouterr().err.startswith("error: --data.labels=any: a teacher needs exactly one label per text")
    assert not list(Path().iterdir())
