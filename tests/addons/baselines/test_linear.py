import numpy as np
import pytest
from scipy.sparse import csr_matrix

from project.addons.baselines.linear import best_on_val, log_count_ratio, majority, nb_svm, tf_idf

TRAIN = ["a dull film", "a warm film", "dull and cold", "warm and wise", "cold dull story", "wise warm story"] * 2
LABELS = np.array([0, 1, 0, 1, 0, 1] * 2)
HELD_OUT = ["dull story", "warm story"]
THREE = [*TRAIN, "an odd film", "odd and odd", "odd story", "odd odd"]


def test_majority_predicts_the_most_frequent_label():
    assert majority(np.array([2, 1, 2]), 1, 3).test.tolist() == [2, 2, 2]


@pytest.mark.parametrize("train", [tf_idf, nb_svm])
def test_predictions_follow_the_words(train):
    baseline = train([TRAIN, HELD_OUT, HELD_OUT[::-1]], LABELS, np.array([0, 1]))
    assert (baseline.val.tolist(), baseline.test.tolist()) == ([0, 1], [1, 0])


@pytest.mark.parametrize("train", [tf_idf, nb_svm])
def test_three_classes(train):
    texts = [THREE, [*HELD_OUT, "odd story"], ["odd film", "warm film", "dull film"]]
    baseline = train(texts, np.append(LABELS, [2, 2, 2, 2]), np.array([0, 1, 2]))
    assert baseline.test.tolist() == [2, 1, 0]


def test_the_smallest_strength_that_is_best_on_val_is_chosen():
    def fit(strength: float):
        return lambda x: np.full(len(x), strength >= 1, dtype=np.int64)

    baseline = best_on_val("any", fit, [[], [0, 0, 0], [0]], np.array([1, 1, 0]))
    assert (baseline.strength, baseline.test.tolist()) == (1.0, [1])


def test_log_count_ratio_by_hand():
    present = csr_matrix([[1, 0], [1, 0], [0, 1]])
    ratio = log_count_ratio(present, np.array([True, True, False]))
    assert ratio == pytest.approx(np.log([(3 / 4) / (1 / 3), (1 / 4) / (2 / 3)]))
