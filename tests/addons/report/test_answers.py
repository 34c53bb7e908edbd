import numpy as np
import pytest

from project.addons.report.answers import Answers, named


def answers(has: list[list[int]], shares: list[list[float]], got: list[list[int]], several: bool) -> Answers:
    names = [f"label {n}" for n in range(len(has[0]))]
    flags = np.array(has, dtype=bool), np.array(got, dtype=bool)
    return Answers(names, [""] * len(has), [""] * len(has), *flags, np.array(shares), several)


ONE = answers([[1, 0], [1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]], [[1, 0], [0, 1], [0, 0]], several=False)
ANY = answers([[1, 0], [0, 0], [1, 1]], [[0.9, 0.3], [0.2, 0.4], [0.4, 0.6]], [[1, 0], [0, 0], [0, 1]], several=True)


def test_without_a_label_there_is_no_answer_unless_there_may_be_any_number():
    assert ONE.answered.tolist() == [True, True, False]
    assert ANY.answered.tolist() == [True, True, True]


def test_an_answer_is_right_if_all_of_its_labels_are():
    assert ONE.right.tolist() == [True, False, False]
    assert ANY.right.tolist() == [True, True, False]


def test_an_answer_is_as_sure_as_its_class_or_the_most_probable_one():
    assert ONE.confidence.tolist() == [0.9, 0.8, 0.6]


def test_an_answer_of_several_labels_is_as_sure_as_the_least_sure_one():
    assert ANY.confidence.tolist() == pytest.approx([0.7, 0.6, 0.6])


def test_errors_come_by_their_wrong_label_and_then_by_the_missing_one():
    has, shares = [[1, 0], [0, 0], [0, 1], [0, 0]], [[0.1, 0.2], [0.2, 0.7], [0.8, 0.3], [0.2, 0.1]]
    tested = answers(has, shares, [[0, 0], [0, 1], [1, 0], [0, 0]], several=True)
    assert tested.most_confident(False, 9) == {2: 0.8, 1: 0.7, 0: 0.9}
    assert tested.most_confident(True, 9) == {3: 0.8}


def test_texts_without_an_answer_count_for_no_class():
    assert [each.support for each in ONE.classes] == [2, 0]


def test_the_matrix_is_that_of_the_most_frequent_labels():
    has = [[1, 0, 1], [1, 0, 1], [0, 1, 1], [0, 0, 1]]
    tested = answers(has, [[0.5] * 3] * 4, [[1, 0, 1], [0, 1, 1], [1, 0, 0], [0, 0, 1]], several=True)
    matrix = tested.matrix(2)
    assert matrix.names == ["label 0", "label 2"]
    assert matrix.counts.tolist() == [[1, 2], [2, 3]]
    assert matrix.shares.tolist() == [[0.5, 1.0], [0.5, 0.75]]


def test_names_stand_with_commas():
    assert named(["joy", "fear", "hope"], np.array([True, False, True])) == "joy, hope"
    assert named(["joy"], np.array([False])) == "(none)"
