import math
import subprocess
import sys

import pytest

from project.decision import Decision, softmax

TWO = Decision(("bad", "good"))


@pytest.mark.parametrize(("threshold", "label"), [(0.5, "good"), (0.6, "good"), (0.61, "bad")])
def test_threshold_decides_between_two_classes(threshold, label):
    assert Decision(("bad", "good"), threshold=threshold)([math.log(0.4), math.log(0.6)]).label == label


def test_most_probable_of_three_classes():
    prediction = Decision(("a", "b", "c"))([math.log(0.3), math.log(0.3), math.log(0.4)])
    assert prediction.label == "c"
    assert prediction.probability == pytest.approx(0.4)


def test_temperature_divides_the_logits():
    cool = Decision(("bad", "good"), temperature=2.0)
    assert cool([0.0, 2 * math.log(3)]).probabilities == pytest.approx({"bad": 0.25, "good": 0.75})


def test_state_makes_the_same_decision():
    decision = Decision(("bad", "good"), temperature=2.0, threshold=0.3)
    assert Decision(decision.label_names, **decision.state()) == decision


@pytest.mark.parametrize(
    ("logits", "expected"), [([0.0, math.log(3)], [0.25, 0.75]), ([5000.0, 0.0], [1.0, 0.0]), ([7.0], [1.0])]
)
def test_softmax_by_hand(logits, expected):
    assert softmax(logits) == pytest.approx(expected)


def test_decisions_need_no_torch():
    code = "import sys; sys.modules['torch'] = None; import project.decision, project.predict, project.text"
    subprocess.run([sys.executable, "-c", code], check=True)
