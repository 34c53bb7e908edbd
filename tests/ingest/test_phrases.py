from hypothesis import given
from hypothesis import strategies as st

from project.ingest.phrases import PhraseIndex

TEXTS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=9).map(" ".join)


@given(st.lists(TEXTS, max_size=20), TEXTS)
def test_equals_the_naive_definition(texts, long_text):
    words = long_text.split()
    runs = {" ".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, len(words) + 1)}
    assert PhraseIndex(texts).inside(long_text) == {hash(text) for text in texts if text in runs}


def test_text_is_inside_itself():
    assert PhraseIndex(["a warm and wise film"]).inside("a warm and wise film") == {hash("a warm and wise film")}


def test_part_of_a_word_is_no_phrase():
    assert PhraseIndex(["arm"]).inside("a warm film") == set()
