"""Expectations and a model -> how often each behaviour is as expected, and where it is not."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from project.addons.behaviour.suite import Expectation
from project.decision import SEPARATOR, Prediction
from project.predict import Predictor

MARGIN = 0.05  # by which a probability may move the wrong way: less is no change of mind
MOST_NAMED = 20  # labels in a line
WORDS = {"label": "the right label", "same": "the same label", "more": "more of the label"}


@dataclass(frozen=True)
class Failure:
    """A text, or a pair of texts, that a model does not answer as expected.

    Attributes:
        texts: One or two.
        answers: What the model says of each.
        label: What was expected, or expected more of; empty for the same label.
        several: Whether an answer has any number of labels.
    """

    texts: tuple[str, ...]
    answers: list[Prediction]
    label: str
    several: bool = False

    def shown(self, expect: str) -> list[str]:
        """Return the answer to each text as words."""
        if expect == "more":
            return [f"{self.label} {100 * each.probabilities[self.label]:.1f} %" for each in self.answers]
        if self.several:
            named = [", ".join(each.label.split(SEPARATOR)) or "no label" for each in self.answers]
            if not self.label:
                return named
            shares = [100 * each.probabilities[self.label] for each in self.answers]
            return [f"{self.label} {share:.1f} %: {names}" for names, share in zip(named, shares, strict=True)]
        return [f"{each.label or 'no label'} {100 * each.probability:.1f} %" for each in self.answers]


@dataclass
class Outcome:
    """The outcome of the tests of one behaviour.

    Attributes:
        behaviour: Its name.
        expect: What was expected: a key of `WORDS`.
        cases: How many texts or pairs were tried.
        failures: Those that were not as expected.
    """

    behaviour: str
    expect: str
    cases: int = 0
    failures: list[Failure] = field(default_factory=list)

    @property
    def passed(self) -> int:
        """How many were as expected."""
        return self.cases - len(self.failures)


def outcomes_of(predictor: Predictor, tests: Sequence[Expectation]) -> tuple[list[Outcome], list[str]]:
    """Return the outcome of each behaviour, and what was skipped because the model lacks the label, a line each."""
    names, several = predictor.decision.label_names, predictor.decision.labels == "any"
    known = [test for test in tests if test.expect == "same" or test.label in names]
    texts = [text for test in known for case in test.cases for text in case]
    answers = iter(predictor(texts))
    found: dict[tuple[str, str], Outcome] = {}
    for test in known:
        outcome = found.setdefault((test.behaviour, test.expect), Outcome(test.behaviour, test.expect))
        for case in test.cases:
            given = [next(answers) for _ in case]
            outcome.cases += 1
            if not as_expected(test, given, several):
                outcome.failures.append(Failure(case, given, test.label, several))
    return list(found.values()), skipped(tests, names)


def as_expected(test: Expectation, answers: Sequence[Prediction], several: bool = False) -> bool:
    """Return whether the answers to the texts of a case are what its test expects.

    With `several` labels, the right one has to be among those of the answer, and the same means all of them.
    """
    first, last = answers[0], answers[-1]
    if test.expect == "label":
        return test.label in (first.label.split(SEPARATOR) if several else [first.label])
    if test.expect == "same":
        return first.label == last.label
    return last.probabilities[test.label] >= first.probabilities[test.label] - MARGIN


def skipped(tests: Sequence[Expectation], names: Sequence[str]) -> list[str]:
    """Return a line about the tests that name labels which the model lacks; nothing if there are none."""
    missing = [test for test in tests if test.expect != "same" and test.label not in names]
    if not missing:
        return []
    labels = ", ".join(dict.fromkeys(test.label for test in missing))
    known = ", ".join(names[:MOST_NAMED]) + f" and {len(names) - MOST_NAMED} more" * (len(names) > MOST_NAMED)
    return [f"{len(missing)} of {len(tests)} tests are skipped: they are about {labels}, but the labels are {known}"]
