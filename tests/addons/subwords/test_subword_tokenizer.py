import sys

import pytest

from project import load
from project.addons.subwords.subword_tokenizer import SubwordTokenizer, learn_subwords
from project.corpora import load_corpus
from project.datamodule import SentimentDataModule
from project.errors import UserError
from project.text import Tokenizer
from tests.conftest import SMALL, test_figures, write_csv


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIMENT_CACHE", str(tmp_path / "cache"))
    write_csv(tmp_path / "train.csv", [("warm warm film", "good"), ("a cold film", "bad")])
    write_csv(tmp_path / "val.csv", [("film valword", "good")])
    return load_corpus(str(tmp_path))


def test_bpe_is_learned_from_train(corpus):
    pieces = SubwordTokenizer(learn_subwords(corpus, 270)).split("warm valword")
    assert len(pieces[: pieces.index("v") if "v" in pieces else 1]) < len("warm")
    assert len(pieces) > len("valword")


def test_bpe_knows_every_byte(corpus):
    assert 1 not in SubwordTokenizer(learn_subwords(corpus, 300)).encode("\U0001f600 naïve 中文")


def test_bpe_is_learned_once(corpus):
    first = learn_subwords(corpus, 300)
    (corpus.folder / "train.arrow").unlink()
    assert learn_subwords(corpus, 300) == first


def test_bpe_smaller_than_the_bytes_is_refused(corpus):
    with pytest.raises(UserError, match=r"bpe_size is 100: set --data\.bpe_size to 256"):
        learn_subwords(corpus, 100)


def test_subwords_travel_in_the_state(corpus):
    subwords = SubwordTokenizer(learn_subwords(corpus, 300), 5, "tail")
    again = Tokenizer.from_state(subwords.state())
    assert again.encode("a warm film indeed") == subwords.encode("a warm film indeed")
    assert len(again.encode("a warm film indeed, and more of it")) == 5


def test_what_is_no_tokenizer_is_refused():
    with pytest.raises(UserError, match=r"not a tokenizer\.json"):
        SubwordTokenizer("{}")


def test_tokenizer_that_is_no_file_is_refused_before_the_corpus_is_read():
    with pytest.raises(UserError, match=r"'t\.json' does not exist: give words, bpe, or a tokenizer\.json"):
        SentimentDataModule("nowhere", vectors=None, tokenizer="t.json").prepare_data()


@pytest.mark.slow
def test_subwords_are_learned_and_travel_in_the_checkpoint(sentiment, toy):
    words = ("--data.tokenizer=bpe", "--data.bpe_size=300", "--trainer.max_epochs=1")
    assert sentiment("fit", f"--data.corpus={toy}", *words, *SMALL) == 0
    path = "runs/version_0/checkpoints/best.ckpt"
    assert sentiment("test", f"--ckpt_path={path}", f"--data.corpus={toy}", "--trainer.enable_progress_bar=false") == 0
    first, second = (test_figures(f"runs/version_{n}") for n in (0, 1))
    assert second == pytest.approx(first, abs=1e-6)
    assert load(path)("A dull film.").label in ("negative", "positive")


def test_without_the_library_of_sub_words_its_extra_is_named(sentiment, toy, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    assert sentiment("fit", f"--data.corpus={toy}", "--data.tokenizer=bpe", "--data.bpe_size=301", *SMALL) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == "error: sentiment fit needs tokenizers: pip install -e '.[subwords]'"


@pytest.mark.slow
def test_a_bundle_keeps_subwords(sentiment, toy):
    pytest.importorskip("project.export")
    words = ("--data.tokenizer=bpe", "--data.bpe_size=300", "--trainer.max_epochs=1")
    assert sentiment("fit", f"--data.corpus={toy}", *words, *SMALL) == 0
    path = "runs/version_0/checkpoints/best.ckpt"
    assert sentiment("export", "--ckpt_path", path, "--output", "bundle") == 0
    assert load("bundle")("A dull film.").probability == pytest.approx(load(path)("A dull film.").probability, abs=1e-5)
