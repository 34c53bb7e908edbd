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


NONE_DULL_WARM_BOTH = ["an odd film", "a dull film", "a warm film", "dull yet warm", "odd story", "dull", "warm"] * 4
SETS = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [0, 0], [1, 0], [0, 1]] * 4)


def test_majority_predicts_the_most_frequent_set_of_labels(linear):
    train = np.array([[1, 0, 0], [1, 0, 1], [1, 0, 1], [0, 1, 0]])
    baseline = linear.majority(train, 1, 2)
    assert (baseline.val.tolist(), baseline.test.tolist()) == ([[1, 0, 1]], [[1, 0, 1], [1, 0, 1]])


@pytest.mark.parametrize("name", ["tf_idf", "nb_svm"])
def test_each_of_any_number_of_labels_follows_its_words(linear, name):
    held_out = ["odd", "dull film", "a warm story", "warm and dull"]
    expected = [[0, 0], [1, 0], [0, 1], [1, 1]]
    baseline = getattr(linear, name)([NONE_DULL_WARM_BOTH, held_out, held_out], SETS, np.array(expected))
    assert baseline.test.tolist() == expected


@pytest.mark.parametrize("name", ["tf_idf", "nb_svm"])
def test_a_label_of_all_texts_of_train_is_always_predicted_and_one_of_none_never(linear, name):
    train = np.hstack([SETS, np.ones((28, 1), int), np.zeros((28, 1), int)])
    baseline = getattr(linear, name)([NONE_DULL_WARM_BOTH, ["dull"], ["warm", "odd"]], train, np.array([[1, 0, 1, 0]]))
    assert baseline.test[:, 2:].tolist() == [[1, 0], [1, 0]]


@pytest.mark.parametrize(("least", "second"), [(False, [0, 0]), (True, [0, 1])])
def test_a_text_gets_its_likeliest_label_in_any_case_where_each_of_train_has_one(linear, least, second):
    scores = [lambda x: np.array([1.0, -2.0]), lambda x: np.array([-1.0, -1.0])]
    assert linear.each_label(scores, least)([]).tolist() == [[1, 0], second]


def test_of_any_number_of_labels_the_strength_with_the_best_macro_f1_is_chosen(linear):
    val = np.array([[1, 0], [1, 0], [1, 0], [1, 1]])
    better_exact_match, better_f1 = [[1, 0]] * 4, [[1, 1], [1, 0], [1, 1], [1, 1]]

    def fit(strength: float):
        return lambda x: np.array(better_f1 if strength >= 3 else better_exact_match)

    assert linear.best_on_val("any", fit, [[], [], []], val).strength == 3.0


def test_f1_of_labels_by_hand(linear):
    answers = np.array([[1, 1, 0], [1, 0, 1]])
    labels = np.array([[1, 0, 0], [0, 1, 0]])  # the third label, which no text has, counts for micro F1 alone
    assert linear.f1_of_labels(answers, labels) == (pytest.approx((2 / 3 + 0) / 2), pytest.approx(2 / 6))


def test_f1_of_labels_without_any_label_is_0(linear):
    nothing = np.zeros((2, 3), int)
    assert linear.f1_of_labels(nothing, nothing) == (0.0, 0.0)
