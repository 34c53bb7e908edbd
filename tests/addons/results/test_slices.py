import numpy as np
import pytest

from project.addons.results.slices import slices_of


def rows(name: str, texts: list[str], labels: list[str] | None = None) -> list[int]:
    """The rows of one slice."""
    return np.flatnonzero(slices_of(texts, labels or ["good"] * len(texts))[name]).tolist()


@pytest.mark.parametrize(
    "text", ["It is not good", "It ISN'T good", "I don\u2019t know", "Without a plot", "I cannot say"]
)
def test_negation_is_seen(text):
    assert rows("with negation", [text]) == [0]


@pytest.mark.parametrize("text", ["A notable knot", "Nobility, now", "Wanton"])
def test_negation_is_a_whole_word(text):
    assert rows("without negation", [text]) == [0]


def test_lengths_are_quartiles_in_words():
    found = slices_of(["w " * n for n in range(1, 9)], ["good"] * 8)
    names = [name for name in found if name.endswith("words")]
    assert names == ["1 to 2 words", "3 to 4 words", "5 to 6 words", "7 to 8 words"]
    assert [int(found[name].sum()) for name in names] == [2, 2, 2, 2]


def test_texts_of_one_length_are_one_slice():
    assert rows("2 to 2 words", ["a b", "c d", "e f"]) == [0, 1, 2]


def test_every_true_class_is_a_slice():
    assert rows("truly bad", ["a", "b", "c"], ["bad", "good", "bad"]) == [0, 2]
