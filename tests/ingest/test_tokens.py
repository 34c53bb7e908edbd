import itertools

import numpy as np
import pytest

from project.errors import UserError
from project.ingest import EncodedCorpus, ReadOptions, encode_corpus
from tests.ingest.folders import folder, load_corpus


@pytest.fixture
def corpus(tmp_path):
    return load_corpus(
        folder(
            tmp_path,
            train=[("warm warm film", "good"), ("!! cold", "bad")],
            val=[("film valword", "good")],
            test=[("!!", "bad")],
        )
    )


def split_text(text: str) -> list[str]:
    return text.replace("!", "").split() or ["<none>"]


def encoded(corpus, most: int = 10) -> EncodedCorpus:
    return encode_corpus(corpus, split_text, lambda tokens: tokens[-most:], f"words, the last {most}")


def words(tokens: EncodedCorpus, split) -> list[list[str]]:
    starts, _, positions, *_ = tokens.split(split)
    return [[tokens.table[p] for p in positions[a:b]] for a, b in itertools.pairwise(starts)]


def test_every_token_has_a_place_in_the_table(corpus):
    assert encoded(corpus).table == ["warm", "film", "cold", "valword", "<none>"]


def test_splits_are_places_in_the_table(corpus):
    tokens = encoded(corpus)
    assert words(tokens, "train") == [["warm", "warm", "film"], ["cold"]]
    assert words(tokens, "val") == [["film", "valword"]]
    assert words(tokens, "test") == [["<none>"]]


def test_starts_have_one_more_than_texts(corpus):
    assert encoded(corpus).split("train").starts.tolist() == [0, 3, 4]


def test_labels_are_those_of_the_corpus(corpus):
    assert encoded(corpus).split("train").labels.tolist() == [1, 0]


def test_only_train_counts(corpus):
    assert encoded(corpus).train_counter() == {"warm": 2, "film": 1, "cold": 1}


def test_counts_follow_the_table(corpus):
    assert encoded(corpus).counts.tolist() == [2, 1, 1, 0, 0]


def test_tokens_that_are_cut_count(corpus):
    tokens = encoded(corpus, most=1)
    assert words(tokens, "train") == [["film"], ["cold"]]
    assert tokens.train_counter()["warm"] == 2


def test_second_time_nothing_is_tokenized(corpus, monkeypatch):
    first = encoded(corpus).folder
    monkeypatch.setattr("project.ingest.tokens._build", None)
    assert encoded(corpus).folder == first


def test_changed_key_never_meets_the_old_cache(corpus):
    assert encoded(corpus, most=9).folder != encoded(corpus, most=10).folder


def test_tokens_are_memory_mapped(corpus):
    tokens = encoded(corpus).split("train").tokens
    assert isinstance(tokens, np.memmap)
    assert tokens.dtype == np.uint32


def test_missing_split_is_refused(tmp_path):
    corpus = load_corpus(folder(tmp_path, train=[("warm", "good")]), ReadOptions(val_share=0, test_share=0))
    with pytest.raises(UserError, match="has no val split"):
        encoded(corpus).split("val")


def test_soft_targets_come_with_train_alone(tmp_path):
    (tmp_path / "train.csv").write_text("text,p_good,p_bad\nWarm.,0.75,0.25\n")
    (tmp_path / "val.csv").write_text("text,label\nWise.,good\n")
    corpus = load_corpus(str(tmp_path), ReadOptions(test_share=0, soft_targets=True))
    targets = [encoded(corpus).split(split).soft_targets for split in ("train", "val")]
    assert [None if t is None else t.tolist() for t in targets] == [[[0.25, 0.75]], None]


def test_corpus_without_soft_targets_has_none(corpus):
    assert encoded(corpus).split("train").soft_targets is None
