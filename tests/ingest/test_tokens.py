import numpy as np
import pytest

from project.corpora import load_corpus
from project.errors import UserError
from project.ingest.store import CorpusOptions
from project.ingest.tokens import encode_corpus
from project.subwords import train_bpe
from project.text import SubwordTokenizer, Tokenizer
from tests.conftest import write_csv


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIMENT_CACHE", str(tmp_path / "cache"))
    write_csv(tmp_path / "train.csv", [("warm warm film", "good"), ('"" cold', "bad")])
    write_csv(tmp_path / "val.csv", [("film valword", "good")])
    write_csv(tmp_path / "test.csv", [('""', "bad")])
    return load_corpus(str(tmp_path), CorpusOptions())


WORDS = ["<pad>", "<unk>", "film", "warm"]


def ids(encoded, split, tokenizer) -> list[list[int]]:
    return [text.token_ids.tolist() for text in encoded.texts(split, tokenizer)]


def test_splits_in_the_ids_of_a_vocabulary(corpus):
    encoded = encode_corpus(corpus, 10, "head")
    tokenizer = Tokenizer(WORDS)
    assert ids(encoded, "train", tokenizer) == [[3, 3, 2], [1]]
    assert ids(encoded, "val", tokenizer) == [[2, 1]]
    assert ids(encoded, "test", tokenizer) == [[1]]  # a text without words is one <unk>


def test_only_train_counts(corpus):
    assert encode_corpus(corpus, 10, "head").train_counter() == {"warm": 2, "film": 1, "cold": 1}


def test_words_beyond_max_length_count_but_are_cut(corpus):
    encoded = encode_corpus(corpus, 2, "tail")
    assert ids(encoded, "train", Tokenizer(WORDS)) == [[3, 2], [1]]
    assert encoded.train_counter()["warm"] == 2


def test_equals_encoding_text_by_text(corpus):
    tokenizer = Tokenizer(WORDS, 2, "head+tail")
    encoded = encode_corpus(corpus, 2, "head+tail")
    for split in ("train", "val", "test"):
        assert ids(encoded, split, tokenizer) == [tokenizer.encode(text) for text, _ in corpus.split(split)]


def test_labels_and_lengths(corpus):
    texts = encode_corpus(corpus, 10, "head").texts("train", Tokenizer(WORDS))
    assert texts.labels.tolist() == [1, 0]
    assert texts.lengths.tolist() == [3, 1]
    assert texts[1].row == 1


def test_second_time_nothing_is_tokenized(corpus, monkeypatch):
    first = encode_corpus(corpus, 10, "head").folder
    monkeypatch.setattr("project.ingest.tokens._build", None)
    assert encode_corpus(corpus, 10, "head").folder == first


def test_changed_setting_never_meets_the_old_cache(corpus):
    first = encode_corpus(corpus, 10, "head").folder
    assert len({first, encode_corpus(corpus, 9, "head").folder, encode_corpus(corpus, 10, "tail").folder}) == 3


def test_tokens_are_memory_mapped(corpus):
    texts = encode_corpus(corpus, 10, "head").texts("train", Tokenizer(WORDS))
    assert isinstance(texts._tokens, np.memmap)


def test_bpe_is_learned_from_train_and_gives_every_text_ids(corpus):
    subwords = SubwordTokenizer(train_bpe(corpus, 300))
    assert "warm" in "".join(subwords.tokens) or "rm" in subwords.tokens
    assert not [token for token in subwords.tokens if "valword" in token]
    encoded = encode_corpus(corpus, 256, "head", subwords)
    assert ids(encoded, "val", subwords) == [subwords.encode("film valword")]


def test_bpe_knows_every_byte(corpus):
    subwords = SubwordTokenizer(train_bpe(corpus, 300))
    assert 1 not in subwords.encode("\U0001f600 naïve 中文")


def test_bpe_is_learned_once(corpus):
    assert train_bpe(corpus, 300) == train_bpe(corpus, 300)
    assert (corpus.folder / "bpe-300" / "tokenizer.json").is_file()


def test_bpe_smaller_than_the_bytes_is_refused(corpus):
    with pytest.raises(UserError, match=r"bpe_size is 100: set --data\.bpe_size to 256"):
        train_bpe(corpus, 100)


def test_subwords_travel_in_the_state(corpus):
    subwords = SubwordTokenizer(train_bpe(corpus, 300), 5, "tail")
    again = Tokenizer.from_state(subwords.state())
    assert again.encode("a warm film indeed") == subwords.encode("a warm film indeed")
    assert len(again.encode("a warm film indeed, and more of it")) == 5


def test_what_is_no_tokenizer_is_refused():
    with pytest.raises(UserError, match=r"not a tokenizer\.json"):
        SubwordTokenizer("{}")
