from dataclasses import replace

import pytest

from project.addons.pretrain.texts import readable_texts
from project.ingest import Corpus, ReadOptions, text_key
from project.ingest.splits import carve_rows
from tests.conftest import write_csv
from tests.ingest.folders import load_corpus, with_unlabelled


@pytest.fixture
def own(tmp_path) -> Corpus:
    return with_unlabelled(tmp_path)


def test_train_and_unlabelled_texts_are_read(own):
    assert list(readable_texts([own], set())) == ["A cold cast.", "Unlabelled."]


def test_unlabelled_texts_can_stay_unread(own):
    assert list(readable_texts([own], set(), unlabelled=False)) == ["A cold cast."]


def test_texts_of_other_corpora_are_read_too(own, tmp_path):
    write_csv(tmp_path / "other.csv", [("One warm and wise film", "good"), ("Another.", "good")])
    other = load_corpus(str(tmp_path / "other.csv"), ReadOptions(val_share=0, test_share=0))
    assert list(readable_texts([own, other], set(), unlabelled=False)) == ["A cold cast.", "Another."]


def test_texts_that_another_corpus_holds_out_are_not_read(own, tmp_path):
    write_csv(tmp_path / "other.csv", [("wise film", "good"), ("Another.", "good")])
    other, read = load_corpus(str(tmp_path / "other.csv"), ReadOptions(val_share=0, test_share=0)), set[int]()
    assert list(readable_texts([other], read, held_out=own)) == ["wise film", "Another."]
    phrases = replace(own, source=replace(own.source, carve_phrases=carve_rows))
    assert list(readable_texts([other], read, held_out=phrases)) == ["Another."]
    assert read == {text_key("wise film"), text_key("Another.")}
