"""Movies and SST-2 share sentences: a teacher labels none of those in val or test of either corpus."""

import os
from pathlib import Path

import pytest

from project.addons.teach.command import further_texts
from project.corpora import load_corpus
from project.datamodule import SentimentDataModule

CORPORA = Path(os.environ.get("SENTIMENT_CORPORA", "nowhere"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CORPORA / "sst2").is_dir(), reason="no local copy of sst2 in $SENTIMENT_CORPORA"),
]


def letters(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


@pytest.mark.parametrize(("own", "other"), [("movies", "sst2"), ("sst2", "movies")])
def test_no_held_out_text_of_the_other_corpus_is_labelled(own, other):
    corpus = load_corpus(own)
    held_out = {letters(text) for split in ("val", "test") for text, _ in corpus.split(split)}
    texts = further_texts(corpus, SentimentDataModule(own), other, False, 10**9, seed=0)
    assert held_out & {letters(text) for text in texts} == set()
