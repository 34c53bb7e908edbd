from importlib import import_module

import numpy as np
import pytest

from project.errors import UserError

GOOD = ["warm", "wise", "funny", "lovely", "vivid", "moving"]
BAD = ["dull", "cold", "flat", "noisy", "hollow", "crude"]


@pytest.fixture
def latent(monkeypatch):
    """The module, imported when it is needed, since scikit-learn takes more than a second; with few dimensions."""
    module = import_module("project.addons.teach.latent")
    monkeypatch.setattr(module, "DIMENSIONS", 2)
    return module


@pytest.fixture
def teacher(latent):
    """A function from C and two labels to a teacher; the labelled texts have the first two words of each kind alone."""
    draw = np.random.default_rng(0)

    def train(classes=2, labels=(0, 1)):
        texts = [" ".join(draw.permutation(words[:2])) for words in (BAD, GOOD) for _ in range(8)]
        further = [" ".join(draw.choice(words, 4, replace=False)) for _ in range(60) for words in (BAD, GOOD)]
        return latent.LatentTeacher(texts, np.repeat(labels, 8), further, classes)

    return train


def test_words_of_further_texts_alone_have_the_label_of_those_they_occur_with(teacher):
    found = teacher().probabilities(["hollow crude noisy", "lovely vivid moving"])
    assert found.argmax(1).tolist() == [0, 1]


def test_probabilities_of_a_text_add_up_to_1(teacher):
    assert teacher().probabilities(["warm", "no word of them", ""]).sum(1).tolist() == pytest.approx([1, 1, 1])


def test_a_class_without_a_labelled_text_has_no_probability(teacher):
    assert teacher(3, (0, 2)).probabilities(["warm wise"])[0, 1] == 0


def test_texts_with_too_few_words_in_common_are_a_one_line_error(latent):
    with pytest.raises(UserError, match="of 4 texts, 3 or more share fewer than 2 words and pairs of words; name"):
        latent.LatentTeacher(["a film", "a cast"], [0, 1], ["a plot", "the end"], 2)


def test_texts_of_one_label_are_a_one_line_error(teacher):
    with pytest.raises(UserError, match="all labelled texts of train have the same label; two are needed"):
        teacher(2, (1, 1))
