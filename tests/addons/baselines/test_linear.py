from importlib import import_module

import numpy as np
import pytest

TRAIN = ["a dull film", "a warm film", "dull and cold", "warm and wise", "cold dull story", "wise warm story"] * 2
LABELS = np.array([0, 1, 0, 1, 0, 1] * 2)
HELD_OUT = ["dull story", "warm story"]
THREE = [*TRAIN, "an odd film", "odd and odd", "odd story", "odd odd"]


@pytest.fixture(scope="module")
def linear():
    """The module, imported when it is needed: scikit-learn takes more than a second."""
    return import_module("project.addons.baselines.linear")


def test_majority_predicts_the_most_frequent_label(linear):
    assert linear.majority(np.array([2, 1, 2]), 1, 3).test.tolist() == [2, 2, 2]


@pytest.mark.parametrize("name", ["tf_idf", "nb_svm"])
def test_predictions_follow_the_words(linear, name):
    baseline = getattr(linear, name)([TRAIN, HELD_OUT, HELD_OUT[::-1]], LABELS, np.array([0, 1]))
    assert (baseline.val.tolist(), baseline.test.tolist()) == ([0, 1], [1, 0])


@pytest.mark.parametrize("name", ["tf_idf", "nb_svm"])
def test_three_classes(linear, name):
    texts = [THREE, [*HELD_OUT, "odd story"], ["odd film", "warm film", "dull film"]]
    baseline = getattr(linear, name)(texts, np.append(LABELS, [2, 2, 2, 2]), np.array([0, 1, 2]))
    assert baseline.test.tolist() == [2, 1, 0]


def test_the_smallest_strength_that_is_best_on_val_is_chosen(linear):
    def fit(strength: float):
        return lambda x: np.full(len(x), strength >= 1, dtype=np.int64)

    baseline = linear.best_on_val("any", fit, [[], [0, 0, 0], [0]], np.array([1, 1, 0]))
    assert (baseline.strength, baseline.test.tolist()) == (1.0, [1])


def test_log_count_ratio_by_hand(linear):
    from scipy.sparse import csr_matrix

    present = csr_matrix([[1, 0], [1, 0], [0, 1]])
    ratio = linear.log_count_ratio(present, np.array([True, True, False]))
    assert ratio == pytest.approx(np.log([(3 / 4) / (1 / 3), (1 / 4) / (2 / 3)]))
