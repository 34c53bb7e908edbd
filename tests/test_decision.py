import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from project.decision import Decision, sigmoid, softmax

TWO = Decision(("bad", "good"))


@pytest.mark.parametrize(("thresholds", "label"), [((), "good"), ((0.41, 0.59), "good"), ((0.39, 0.61), "bad")])
def test_thresholds_decide_between_two_classes(thresholds, label):
    assert Decision(("bad", "good"), thresholds=thresholds)([math.log(0.4), math.log(0.6)]).label == label


def test_the_largest_ratio_of_probability_to_threshold_decides():
    prediction = Decision(("a", "b", "c"), thresholds=(0.5, 0.2, 0.9))([math.log(0.4), math.log(0.2), math.log(0.4)])
    assert prediction.label == "b"
    assert prediction.probability == pytest.approx(0.2)


@pytest.mark.parametrize(("least", "label"), [(0.59, "good"), (0.61, "")])
def test_no_label_where_no_class_is_probable_enough(least, label):
    prediction = Decision(("bad", "good"), abstain_below=least)([math.log(0.4), math.log(0.6)])
    assert prediction.label == label
    assert prediction.probability == pytest.approx(0.6)


@given(arrays(np.float64, (3, 4), elements=st.floats(0.01, 1)), st.lists(st.floats(0.01, 1), min_size=4, max_size=4))
def test_numpy_and_torch_choose_alike(probabilities, thresholds):
    decision = Decision(tuple("abcd"), thresholds=thresholds, abstain_below=0.5)
    assert decision.chosen(torch.from_numpy(probabilities)).tolist() == decision.chosen(probabilities).tolist()


def test_most_probable_of_three_classes():
    prediction = Decision(("a", "b", "c"))([math.log(0.3), math.log(0.3), math.log(0.4)])
    assert prediction.label == "c"
    assert prediction.probability == pytest.approx(0.4)


def test_temperature_divides_the_logits():
    cool = Decision(("bad", "good"), temperature=2.0)
    assert cool([0.0, 2 * math.log(3)]).probabilities == pytest.approx({"bad": 0.25, "good": 0.75})


def test_state_makes_the_same_decision():
    decision = Decision(("bad", "good"), temperature=2.0, thresholds=[0.7, 0.3], abstain_below=0.6)
    assert Decision(decision.label_names, **decision.state()) == decision


@pytest.mark.parametrize(
    ("logits", "expected"), [([0.0, math.log(3)], [0.25, 0.75]), ([5000.0, 0.0], [1.0, 0.0]), ([7.0], [1.0])]
)
def test_softmax_by_hand(logits, expected):
    assert softmax(logits) == pytest.approx(expected)


def test_decisions_need_no_torch():
    code = "import sys; sys.modules['torch'] = None; from project import decision, predict, text"
    subprocess.run([sys.executable, "-c", code], check=True)


ANY = Decision(("a", "b", "c"), labels="any")


def test_any_number_of_labels_is_every_probable_one():
    prediction = ANY([2.0, -1.0, 0.1])
    assert (prediction.label, prediction.labels) == ("a|c", ("a", "c"))


def test_of_any_number_none_is_an_answer():
    prediction = ANY([-2.0, -1.0, -3.0])
    assert (prediction.label, prediction.labels, prediction.explained) == ("", (), "b")


def test_probabilities_of_any_number_are_those_of_each_label():
    assert ANY([0.0, math.log(3), -math.log(3)]).probabilities == pytest.approx({"a": 0.5, "b": 0.75, "c": 0.25})


def test_thresholds_of_any_number_are_of_each_label():
    decision = Decision(("a", "b"), labels="any", thresholds=[0.8, 0.2])
    assert decision([math.log(3), -math.log(3)]).label == "b"


def test_at_least_one_label_is_the_likeliest():
    assert Decision(("a", "b"), labels="any", least=1)([-2.0, -1.0]).labels == ("b",)


@given(arrays(np.float64, (3, 4), elements=st.floats(0.01, 1)), st.integers(0, 1))
def test_numpy_and_torch_choose_alike_of_any_number(probabilities, least):
    decision = Decision(tuple("abcd"), labels="any", least=least)
    assert decision.chosen(torch.from_numpy(probabilities)).tolist() == decision.chosen(probabilities).tolist()


@given(st.integers(-(10**6), 10**6))
def test_sigmoid_is_a_probability(logit):
    assert 0 <= sigmoid([logit])[0] <= 1
