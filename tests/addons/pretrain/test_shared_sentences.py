"""Movies and SST-2 share sentences: none of val and test is read, whichever is classified."""

import pytest

from project.addons.pretrain.texts import readable_texts
from project.corpora import load_corpus
from tests.shared_sentences import letters, needs_sst2

pytestmark = [pytest.mark.slow, needs_sst2]


@pytest.mark.parametrize(("own", "other"), [("movies", "sst2"), ("sst2", "movies")])
def test_no_held_out_text_that_is_in_the_other_corpus_too_is_read(own, other):
    corpora = [load_corpus(own), load_corpus(other)]
    held_out = {letters(text) for split in ("val", "test") for text, _ in corpora[0].split(split)}
    assert held_out & {letters(text) for text, _ in corpora[1].split("train")}  # they share sentences
    assert held_out & {letters(text) for text in readable_texts(corpora, set())} == set()
