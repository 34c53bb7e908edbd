from collections import Counter

from project.vocabulary import build_vocabulary, extend_vocabulary

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
