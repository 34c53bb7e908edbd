import pytest

from project.addons.behaviour.outcomes import Outcome, outcomes_of
from project.addons.behaviour.suite import Expectation
from tests.addons.behaviour.models import predictor


def outcome(expect: str, label: str, *cases: tuple[str, ...], abstain_below: float = 0.0) -> Outcome:
    ((found,), _) = outcomes_of(predictor(abstain_below=abstain_below), [Expectation("x", expect, label, list(cases))])
    return found


@pytest.mark.parametrize(("text", "passed"), [("warm", 1), ("dull", 0)])
def test_right_label(text, passed):
    assert outcome("label", "positive", (text,)).passed == passed


def test_model_that_abstains_has_not_given_the_label():
    assert outcome("label", "positive", ("warm",), abstain_below=0.9).passed == 0


@pytest.mark.parametrize(("second", "passed"), [("warm warm", 1), ("warm dull dull", 0)])
def test_same_label(second, passed):
    assert outcome("same", "", ("warm", second)).passed == passed


@pytest.mark.parametrize(
    ("label", "second", "passed"),
    [
        ("positive", "warm warm", 1),
        ("positive", "slightly warm", 1),  # it falls by less than the margin
        ("positive", "hardly warm", 0),
        ("negative", "hardly warm", 1),
    ],
)
def test_more_of_a_label(label, second, passed):
    assert outcome("more", label, ("warm", second)).passed == passed


def test_failure_has_texts_and_answers():
    (failure,) = outcome("more", "positive", ("warm", "dull")).failures
    assert (failure.texts, failure.shown("more")) == (("warm", "dull"), ["positive 88.1 %", "positive 11.9 %"])


def test_answers_are_told_by_their_label():
    (failure,) = outcome("same", "", ("warm", "dull")).failures
    assert failure.shown("same") == ["positive 88.1 %", "negative 88.1 %"]


def test_tests_of_one_behaviour_are_counted_together():
    tests = [Expectation("x", "label", label, [("warm",), ("dull",)]) for label in ("positive", "negative")]
    ((found,), _) = outcomes_of(predictor(), tests)
    assert (found.cases, found.passed) == (4, 2)


def test_tests_about_other_labels_are_skipped_with_a_line():
    tests = [Expectation("x", "label", "positive", [("warm",)]), Expectation("y", "same", "", [("warm", "dull")])]
    found, notes = outcomes_of(predictor(("1", "5")), tests)
    assert [each.behaviour for each in found] == ["y"]
    assert notes == ["1 of 2 tests are skipped: they are about positive, but the labels are 1, 5"]


def test_of_many_labels_of_a_model_the_first_are_named():
    tests = [Expectation("x", "label", "positive", [("warm",)]), Expectation("y", "same", "", [("warm", "dull")])]
    _, (note,) = outcomes_of(predictor(tuple(f"label{number}" for number in range(23))), tests)
    assert note.endswith("label18, label19 and 3 more")


def outcome_of_any(expect: str, label: str, *texts: str) -> Outcome:
    model = predictor(("calm", "loud", "positive"), several=True)
    ((found,), _) = outcomes_of(model, [Expectation("x", expect, label, [texts])])
    return found


@pytest.mark.parametrize(
    ("label", "text", "passed"), [("positive", "warm", 1), ("loud", "warm", 1), ("positive", "dull", 0)]
)
def test_the_right_label_is_among_any_number_of_them(label, text, passed):
    assert outcome_of_any("label", label, text).passed == passed


@pytest.mark.parametrize(("second", "passed"), [("warm warm", 1), ("dull", 0)])
def test_the_same_labels_are_all_of_them(second, passed):
    assert outcome_of_any("same", "", "warm", second).passed == passed


def test_answers_of_any_number_of_labels_are_told_by_all_of_these():
    (failure,) = outcome_of_any("label", "positive", "dull").failures
    assert failure.shown("label") == ["positive 11.9 %: calm, loud"]
    (failure,) = outcome_of_any("same", "", "warm", "dull").failures
    assert failure.shown("same") == ["calm, loud, positive", "calm, loud"]


def test_an_answer_without_a_label_is_told():
    ((found,), _) = outcomes_of(
        predictor(("positive",), several=True), [Expectation("x", "same", "", [("warm", "dull")])]
    )
    assert found.failures[0].shown("same") == ["positive", "no label"]
