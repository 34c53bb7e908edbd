from pathlib import Path

import pytest
import torch

from tests.conftest import PLAIN, write_csv

WORDS = [word for word in PLAIN if not word.startswith(("--trainer", "--model", "--data.vectors"))]


@pytest.fixture
def own(tmp_path) -> Path:
    """A corpus whose unlabelled part repeats a text of test and one of val."""
    folder = tmp_path / "own"
    folder.mkdir()
    write_csv(folder / "train.csv", [("A warm film", "good"), ("A cold film", "bad"), ("A dull cast", "bad")] * 4)
    write_csv(folder / "val.csv", [("A wise ending", "good"), ("A wise ending", "bad")])
    write_csv(folder / "test.csv", [("A hollow story", "bad"), ("A moving story", "good")])
    write_csv(folder / "unsupervised.csv", [("No label here", ""), ("A hollow story", ""), ("a WISE ending", "")] * 3)
    return folder


@pytest.fixture
def word2vec(sentiment, own):
    def run(*words: str | Path) -> set[str]:
        """Run the command; return the words that have vectors."""
        assert sentiment("word2vec", "--data.corpus", own, "--output=v.pt", "--dim=6", *words) == 0
        return set(torch.load("v.pt", weights_only=True)["words"])

    return run


def test_train_and_unlabelled_texts_are_read_but_not_val_and_test(word2vec):
    assert word2vec() == {"a", "warm", "film", "cold", "dull", "cast", "no", "label", "here"}


def test_unlabelled_texts_can_be_left_out(word2vec):
    assert word2vec("--unlabelled=false") == {"a", "warm", "film", "cold", "dull", "cast"}


def test_another_corpus_adds_its_train_texts_but_not_val_and_test(word2vec, tmp_path):
    (tmp_path / "other").mkdir()
    rows = [("A noisy ending", "good"), ("A hollow-story !", "bad"), ("a  Wise ending", "good")] * 9
    write_csv(tmp_path / "other" / "train.csv", rows)
    for split in ("val", "test"):
        write_csv(tmp_path / "other" / f"{split}.csv", [("A tedious cast", "bad"), ("A tedious plot", "good")])
    words = word2vec("--unlabelled=false", "--other", tmp_path / "other")
    assert words - {"a", "warm", "film", "cold", "dull", "cast"} == {"noisy", "ending"}


def test_held_out_texts_of_another_corpus_are_not_read(word2vec, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    write_csv(other / "train.csv", [("Anything", "good"), ("Else", "bad")])
    write_csv(other / "test.csv", [("a dull CAST", "bad"), ("Nothing", "good")])
    assert "dull" not in word2vec("--held_out", other)


@pytest.mark.slow
def test_fit_starts_from_the_vectors(word2vec, sentiment, own, capsys):
    word2vec()
    words = (
        "--data.vectors=v.pt",
        "--model.embedding_dim=6",
        "--model.encoder.hidden_size=4",
        "--trainer.max_epochs=1",
    )
    assert sentiment("fit", "--data.corpus", own, *words, "--trainer.enable_progress_bar=false") == 0
    assert "6 words of train, 100.0% of them with pretrained vectors of 6 dim" in capsys.readouterr().out


def test_fit_refuses_vectors_that_have_read_its_test(word2vec, sentiment, tmp_path, capsys):
    word2vec()
    other = tmp_path / "other"
    other.mkdir()
    write_csv(other / "train.csv", [("Anything", "good"), ("Else", "bad")] * 9)
    write_csv(other / "test.csv", [("a dull CAST", "bad"), ("A film, warm", "good")])
    assert sentiment("fit", "--data.corpus", other, "--data.vectors=v.pt", "--model.embedding_dim=6") == 2
    assert (
        f"v.pt has read 1 of the texts in val and test of {other}: make it with --held_out" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--output=v.txt"], "should end in .pt"), (["--output=no/v.pt"], "folder no does not exist")],
)
def test_mistakes_are_one_line_errors(sentiment, own, capsys, words, message):
    assert sentiment("word2vec", "--data.corpus", own, *words) == 2
    assert message in capsys.readouterr().err
