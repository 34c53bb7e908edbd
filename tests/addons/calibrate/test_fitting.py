import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from project.addons.calibrate.fitting import (
    fitted_temperature,
    macro_f1,
    negative_log_likelihood,
    threshold_for_precision,
    thresholds_for_macro_f1,
)


def drawn(texts: int, classes: int, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are right on the average if divided by `temperature`, and labels drawn by them."""
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(texts, classes)) * 2
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (probabilities.cumsum(1) > generator.random((texts, 1))).argmax(1)
    return logits * temperature, labels


@pytest.mark.parametrize("classes", [2, 6])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_of_drawn_labels_is_found(temperature, classes):
    assert fitted_temperature(*drawn(20_000, classes, temperature)) == pytest.approx(temperature, rel=0.05)


def test_no_other_temperature_is_better():
    logits, labels = drawn(2_000, 3, 2.0)
    best = fitted_temperature(logits, labels)
    least = negative_log_likelihood(logits, labels, best)
    assert all(negative_log_likelihood(logits, labels, best * factor) > least for factor in (0.9, 1.1))


def test_a_few_texts_that_are_all_right_move_it_little():
    assert 0.3 < fitted_temperature(np.array([[2.0, -2.0]] * 5), np.array([0] * 5)) < 1.0


def test_large_logits_do_not_overflow():
    assert negative_log_likelihood(np.array([[1e5, 0.0]]), np.array([1]), 1.0) == pytest.approx(1e5)


def test_thresholds_for_macro_f1_find_a_rare_class():
    probabilities = np.array([[0.9, 0.1]] * 90 + [[0.7, 0.3]] * 10)
    labels = np.array([0] * 90 + [1] * 10)
    thresholds = thresholds_for_macro_f1(probabilities, labels)
    assert macro_f1(probabilities, labels, np.array(thresholds)) == 1.0
    assert sum(thresholds) == pytest.approx(1)


@settings(max_examples=10)
@given(st.integers(0, 1000), st.integers(2, 4))
def test_thresholds_for_macro_f1_are_never_worse_than_none(seed, classes):
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(classes), 60)
    labels = generator.integers(classes, size=60)
    fitted = macro_f1(probabilities, labels, np.array(thresholds_for_macro_f1(probabilities, labels)))
    assert fitted >= macro_f1(probabilities, labels, np.ones(classes))


def test_threshold_for_precision_keeps_the_recall():
    good = np.array([0.9, 0.8, 0.7, 0.6, 0.4, 0.2])
    probabilities, labels = np.stack([1 - good, good], 1), np.array([1, 1, 0, 1, 0, 0])
    strict, loose = (threshold_for_precision(probabilities, labels, 1, recall) for recall in (0.6, 1.0))
    assert 0.7 < strict[1] < 0.8  # two of three found, none wrong
    assert 0.4 < loose[1] < 0.6  # all found, one wrong
