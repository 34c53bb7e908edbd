from hypothesis import given
from hypothesis import strategies as st

from project.addons.teach.sentences import LONGEST, SHORTEST, sentences


def test_a_text_is_split_at_punctuation_line_ends_and_breaks():
    text = "What a warm film it is! I saw it twice.\nThe cast is wise too<br />Mr. Cold was not in it"
    assert list(sentences(text)) == [
        "What a warm film it is!",
        "I saw it twice.",
        "The cast is wise too",
        "Cold was not in it",
    ]


def test_very_short_and_very_long_sentences_are_left_out():
    assert list(sentences("Too short this. " + "word " * 41 + ". Just long enough, really.")) == [
        "Just long enough, really."
    ]


@given(st.text(st.sampled_from("ab .!?\n\t"), max_size=200))
def test_sentences_keep_the_words_of_the_text_in_order(text):
    found = [words for sentence in sentences(text) for words in [sentence.split()]]
    assert all(SHORTEST <= len(words) <= LONGEST for words in found)
    rest = iter(text.split())
    assert all(word in rest for words in found for word in words)
