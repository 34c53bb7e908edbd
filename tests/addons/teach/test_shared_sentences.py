"""Movies and SST-2 share sentences: a teacher labels none of those in val or test of either corpus."""

import pytest

from project.addons.teach.command import further_texts
from project.corpora import load_corpus
from project.datamodule import SentimentDataModule
from tests.shared_sentences import letters, needs_sst2

pytestmark = [pytest.mark.slow, needs_sst2]


@pytest.mark.parametrize(("own", "other"), [("movies", "sst2"), ("sst2", "movies")])
def test_no_held_out_text_of_the_other_corpus_is_labelled(own, other):
    corpus = load_corpus(own)
    held_out = {letters(text) for split in ("val", "test") for text, _ in corpus.split(split)}
    texts = further_texts(corpus, SentimentDataModule(own), other, False, 10**9, seed=0)
    assert held_out & {letters(text) for text in texts} == set()
