import math
from collections.abc import Sequence

import pytest

from project.addons.explain.effects import MOST_WORDS, explain_texts
from project.decision import Decision
from project.predict import Predictor
from project.text import Tokenizer

TOKENIZER = Tokenizer(["<pad>", "<unk>", "warm", "dull", "noisy"], max_length=1000)
WEIGHTS = [0.0, 0.0, 2.0, -1.0, -0.5]


def logits(token_ids: Sequence[list[int]]) -> list[list[float]]:
    """A linear classifier: warm speaks for the second class, dull and noisy for the first."""
    return [[0.0, sum(WEIGHTS[token] for token in ids)] for ids in token_ids]


def predictor(**settings) -> Predictor:
    return Predictor(logits, TOKENIZER, Decision(("bad", "good"), **settings))


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def test_effect_is_what_the_probability_loses_without_the_word():
    (found,) = explain_texts(predictor(), ["Warm, dull film"])
    assert found.prediction.label == "good"
    assert [(each.word, each.effect) for each in found.words] == [
        ("Warm,", pytest.approx(sigmoid(1) - sigmoid(-1))),
        ("dull", pytest.approx(sigmoid(1) - sigmoid(2))),
        ("film", 0.0),
    ]


def test_strongest_words_come_first_and_others_not_at_all():
    (found,) = explain_texts(predictor(), ["warm noisy dull film"])
    speaks_for, against = found.strongest(5)
    assert [each.word for each in speaks_for] == ["warm"]
    assert [each.word for each in against] == ["dull", "noisy"]
    assert [each.word for each in found.strongest(1)[1]] == ["dull"]


def test_without_an_answer_the_most_probable_class_is_explained():
    (found,) = explain_texts(predictor(abstain_below=0.9), ["dull film"])
    assert (found.prediction.label, found.prediction.explained) == ("", "bad")
    assert found.words[0].effect == pytest.approx(sigmoid(1) - 0.5)


def test_texts_of_a_batch_are_explained_as_alone():
    texts = ["warm dull", "film", "dull noisy warm warm"]
    assert explain_texts(predictor(), texts) == [explain_texts(predictor(), [text])[0] for text in texts]


def test_words_beyond_the_limit_are_not_explained():
    (found,) = explain_texts(predictor(), ["film " * MOST_WORDS + "warm"])
    assert len(found.words) == MOST_WORDS


def test_words_of_a_sure_answer_count_too():
    (found,) = explain_texts(predictor(), ["warm " * 4])
    assert max(each.effect for each in found.words) < 0.01
    assert len(found.strongest(5)[0]) == 4
