import re
from xml.etree import ElementTree

import numpy as np
import pytest

from project.addons.report.answers import Answers
from project.addons.report.charts import calibration_charts, class_charts, learning_charts, rankings
from project.addons.report.drawing import Curve, chart


@pytest.fixture(scope="module")
def svg() -> str:
    curves = [Curve("$x$ <b>", [0, 1], [1, 0], "figure"), Curve("other", [0, 1], [0, 1])]
    return chart("Title", curves, ("x axis", "y axis"), mark=(0.5, "here")).svg


def test_text_stays_text_in_the_font_of_the_page(svg):
    texts = [each.text for each in ElementTree.fromstring(svg.replace("xlink:href", "href")).iter() if each.text]
    assert {"x axis", "y axis", "here"} <= set(texts)
    assert "font-family" not in svg


def test_colours_are_those_of_the_page(svg):
    assert set(re.findall(r"(?:fill|stroke): ?([^;\"]+)", svg)) == {
        *("none", "var(--ink)", "var(--quiet)", "var(--line)", "var(--series-0)", "var(--series-1)")
    }


def test_names_are_in_the_legend_alone(svg):
    made = chart("Title", [Curve("$x$ <b>", [0, 1], [1, 0], "figure")], ("x", "y"))
    assert made.legend == [("", "$x$ <b>", "figure")]
    assert "$x$" not in made.svg


def test_pictures_share_no_ids(svg):
    other = chart("Other", [Curve("a", [0, 1], [1, 0], dots=True)], ("x axis", "y axis")).svg
    assert not set(re.findall(r' id="(\w+)"', svg)) & set(re.findall(r' id="(\w+)"', other))


def test_epochs_are_counted_from_one():
    epochs = {0: {"train/loss": 0.7, "val/loss": 0.6}, 1: {"train/loss": 0.6, "val/loss": 0.5}}
    (loss,) = learning_charts(epochs, best=1)
    assert loss.title == "Loss by epoch"
    assert [name for _, name, _ in loss.legend] == ["val", "train"]
    assert re.findall(r">(best|\d)</text>", loss.svg) == ["1", "2", "best"]


def test_of_several_labels_accuracy_is_the_exact_match_and_f1_is_drawn_too():
    epochs = {0: {"val/loss": 0.6, "val/accuracy": 0.2, "val/f1": 0.5}}
    titles = [each.title for each in learning_charts(epochs, best=0, several=True)]
    assert titles == ["Loss by epoch", "Exact match by epoch", "Macro F1 by epoch"]


def answers(classes: int) -> Answers:
    """Ten texts of each class; the higher its number, the better a class is told from the rest."""
    labels = np.arange(10 * classes) % classes
    generator = np.random.default_rng(0)
    shares = generator.dirichlet(np.ones(classes), len(labels))
    shares[np.arange(len(labels)), labels] += labels / 4
    shares /= shares.sum(1, keepdims=True)
    names = [f"class {each}" for each in range(classes)]
    flags = np.eye(classes, dtype=bool)
    return Answers(names, [""] * len(labels), [""] * len(labels), flags[labels], flags[shares.argmax(1)], shares)


@pytest.mark.parametrize(
    ("classes", "names"),
    [
        (2, ["class 1"]),
        (3, ["class 0", "class 1", "class 2"]),
        (9, ["mean of 9 classes", *(f"class {each}" for each in range(5))]),
    ],
)
def test_of_many_classes_the_mean_and_the_worst_are_drawn(classes, names):
    tested = answers(classes)
    roc, precision = class_charts(tested, rankings(tested))
    assert sorted(name for _, name, _ in roc.legend) == sorted(names)
    assert sorted(name for _, name, _ in precision.legend) == sorted(names)


def test_calibration_is_shown_with_and_without_the_temperature():
    diagram, coverage = calibration_charts(answers(3), 1.5)
    assert [name for _, name, _ in diagram.legend] == ["temperature 1.5", "temperature 1"]
    assert "answered" not in re.findall(r">(\w+)</text>", coverage.svg)


def test_without_a_temperature_there_is_one_curve():
    assert [name for _, name, _ in calibration_charts(answers(3), 1.0)[0].legend] == ["temperature 1"]


def several() -> Answers:
    """Eight texts with any of two labels: the first is always ranked right, the second never has another value."""
    has = np.array([[True, True], [False, False]] * 4)
    shares = np.array([[0.9, 0.4], [0.2, 0.4]] * 4)
    return Answers(["joy", "fear"], [""] * 8, [""] * 8, has, shares >= 0.5, shares, several=True)


def test_of_two_labels_that_a_text_may_have_both_are_drawn():
    roc, precision = class_charts(several(), rankings(several()))
    assert roc.legend == [("", "joy", "area 1.000"), ("9.0 3.6", "fear", "area 0.500")]
    assert [figure for _, _, figure in precision.legend] == ["1.000", "0.500"]


def test_a_probability_of_several_labels_is_measured_for_each_text_and_label():
    diagram, coverage = calibration_charts(several(), 1.0)
    assert diagram.legend[0][2] == "error 12.5%"  # of 0.9 and 0.2 for what is and is not there, and of 0.4 for half
    assert coverage.title == "Exact match by coverage"
