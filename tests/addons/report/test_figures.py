import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.addons.report.figures import (
    Flags,
    Share,
    at_temperature,
    class_figures,
    confusions,
    coverage,
    paired_difference,
    pairs,
    ranking,
    reliability,
    share,
)


def test_the_interval_of_8_of_10_is_wilsons():
    assert share(8, 10) == pytest.approx((0.8, 0.4901625, 0.9433178, 10), abs=1e-6)


@given(st.integers(1, 10_000).flatmap(lambda texts: st.tuples(st.integers(0, texts), st.just(texts))))
def test_an_interval_holds_its_share_and_is_one_of_shares(counts):
    value, low, high, _ = share(*counts)
    assert -1e-12 <= low <= value + 1e-12
    assert value - 1e-12 <= high <= 1 + 1e-12


def test_no_text_has_no_share():
    found: Share = share(0, 0)
    assert math.isnan(found.value)
    assert found.texts == 0


def test_a_paired_difference_is_that_of_the_texts_that_differ():
    assert paired_difference([1, 1, 1, 0], [1, 0, 0, 0]) == pytest.approx((0.5, 0.0100, 0.9900), abs=1e-4)


def flags(counts: list[list[int]]) -> tuple[Flags, Flags]:
    """Which class each text has, and got, for `counts` of true classes (rows) and predicted ones."""
    labels = np.array([(true, got) for true, row in enumerate(counts) for got, n in enumerate(row) for _ in range(n)])
    each = np.eye(len(counts), dtype=bool)
    return each[labels[:, 0]], each[labels[:, 1]]


def test_figures_of_classes():
    good, bad = class_figures(*flags([[8, 2], [1, 3]]), ["good", "bad"])
    assert (good.name, bad.name, good.support, bad.support) == ("good", "bad", 10, 4)
    assert good[1:4] == pytest.approx((8 / 9, 8 / 10, 16 / 19))
    assert bad[1:4] == pytest.approx((3 / 5, 3 / 4, 6 / 9))


def test_a_class_without_texts_has_no_recall():
    assert math.isnan(class_figures(*flags([[3, 1], [0, 0]]), ["a", "b"])[1].recall)


def test_confusions_begin_with_the_largest():
    assert confusions(*flags([[9, 1, 0], [4, 9, 1], [0, 0, 9]]), 2) == [(4, 1, 0), (1, 0, 1)]


def test_a_label_is_confused_with_one_that_is_there_instead():
    has = np.array([[True, True, False], [True, False, False], [False, False, True]])
    got = np.array([[True, False, True], [False, False, False], [True, False, True]])
    assert confusions(has, got, 9) == [(1, 1, 2)]


def test_pairs_of_labels_are_counted():
    has, got = np.array([[True, True], [True, False]]), np.array([[False, True], [True, True]])
    assert pairs(has, got).tolist() == [[1, 2], [0, 1]]


def test_a_ranking_with_one_mistake():
    found = ranking(np.array([True, False, True, False]), np.array([0.9, 0.8, 0.7, 0.1]))
    assert found is not None
    assert (found.area, found.average_precision) == pytest.approx((0.75, 5 / 6))
    assert found.recall.tolist() == [0.5, 0.5, 1, 1]
    assert found.false_rate.tolist() == [0, 0.5, 0.5, 1]


def test_equal_scores_rank_nothing():
    found = ranking(np.array([True, False]), np.array([0.5, 0.5]))
    assert found is not None
    assert (found.area, found.average_precision) == (0.5, 0.5)


def test_one_kind_of_texts_has_no_ranking():
    assert ranking(np.array([True, True]), np.array([0.1, 0.2])) is None


def test_the_calibration_error_is_the_mean_distance_of_the_bins():
    found = reliability(np.array([0.9, 0.9, 0.6, 0.6]), np.array([True, False, True, True]))
    assert found.confidence.tolist() == [0.6, 0.9]
    assert found.accuracy.tolist() == [1.0, 0.5]
    assert found.error == pytest.approx(0.4)


def test_probabilities_at_another_temperature():
    logits = np.array([[2.0, 0.0]])
    cold, warm = (np.exp(logits / t) / np.exp(logits / t).sum() for t in (1.0, 2.0))
    assert at_temperature(warm, 2.0, 1.0, several=False) == pytest.approx(cold)


def test_probabilities_of_several_labels_at_another_temperature():
    cold, warm = (1 / (1 + np.exp(-np.array([[2.0, -1.0]]) / t)) for t in (1.0, 2.0))
    assert at_temperature(warm, 2.0, 1.0, several=True) == pytest.approx(cold)


def test_coverage_begins_with_the_most_confident():
    shares, accuracy = coverage(np.linspace(1, 0, 40), np.arange(40) < 30)
    assert (shares[0], accuracy[0]) == (21 / 40, 1.0)
    assert (shares[-1], accuracy[-1]) == (1.0, 0.75)
