from collections import Counter

import pytest

from project.corpora import load_corpus
from project.errors import UserError
from project.text import SubwordTokenizer, Tokenizer
from project.vocabulary import build_vocabulary, extend_vocabulary, learn_subwords
from tests.conftest import write_csv

COUNTS = Counter({"a": 3, "b": 2, "c": 1, "d": 1})


def test_specials_then_falling_frequency_then_alphabet():
    assert build_vocabulary(COUNTS) == ["<pad>", "<unk>", "a", "b", "c", "d"]


def test_min_freq_drops_rare_tokens():
    assert build_vocabulary(COUNTS, min_freq=2) == ["<pad>", "<unk>", "a", "b"]


def test_max_size_does_not_count_the_specials():
    assert build_vocabulary(COUNTS, max_size=1) == ["<pad>", "<unk>", "a"]


def test_text_that_spells_a_special_token_adds_none():
    assert build_vocabulary(Counter({"<unk>": 5, "a": 1})) == ["<pad>", "<unk>", "a"]


def test_extension_takes_the_commonest_words_that_are_missing():
    assert extend_vocabulary(["<pad>", "<unk>", "a"], ["the", "a", "the", "of", "to"], 2) == [
        *("<pad>", "<unk>", "a"),
        *("the", "of"),
    ]


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
