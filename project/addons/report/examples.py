"""A model and its texts -> errors with each word's effect, and rows of train whose label it doubts."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from project.addons.report.answers import Answers, named
from project.addons.report.run import labels_of
from project.ingest import Corpus, Rows
from project.predict import WORD, Predictor, WordEffect, without_each_word, word_effects

BATCH = 256  # texts
ERRORS, DOUBTS = 20, 20  # that are shown
MOST_WORDS = 60  # of a text that are left out in turn
SAMPLE = 5_000  # rows of train in an automatic report
MOST_READ = 1_000_000  # characters in them: a few seconds for a small network on a CPU
LONGEST = 240  # characters of a row of train


class Explained(NamedTuple):
    """A wrong answer, with the effects of the text's first words on the surest mistake in it.

    Attributes:
        place: FILE:LINE.
        true: The names of the text's classes.
        predicted: Those of the answer's.
        label: The class that is wrongly in the answer, or of several wrongly not.
        given: Whether it is in the answer.
        probability: Of that class.
        words: What each word adds to that probability.
        rest: What follows them.
    """

    place: str
    true: str
    predicted: str
    label: str
    given: bool
    probability: float
    words: list[WordEffect]
    rest: str


class Doubt(NamedTuple):
    """A row of train and what the model doubts of its labels.

    Attributes:
        place: FILE:LINE.
        text: Its beginning.
        labels: The names of its classes.
        label: The one of them that is doubted; if there may be several, it may also be a missing one.
        has: Whether it is among them.
        of_label: The probability of that class.
        answer: The most probable class.
        probability: Of that.
    """

    place: str
    text: str
    labels: str
    label: str
    has: bool
    of_label: float
    answer: str
    probability: float


def explained_errors(tested: Answers, predictor: Predictor) -> list[Explained]:
    """Return the most confident errors with each word's effect, all in one pass over the network."""
    rows = list(tested.most_confident(False, ERRORS))
    texts = [tested.texts[row] for row in rows]
    variants = [[text, *without_each_word(text, MOST_WORDS, predictor.tokenizer)] for text in texts]
    answers = predictor.answers([text for each in variants for text in each], BATCH)
    starts = [0, *accumulate(map(len, variants))]
    found = []
    for row, start, end in zip(rows, starts, starts[1:], strict=False):
        text, (whole, *parts) = tested.texts[row], answers[start:end]
        rest = "…" if len(WORD.findall(text)) > MOST_WORDS else ""
        true, answer = (named(tested.names, flags[row]) for flags in (tested.has, tested.got))
        label = int(tested.mistakes[row].argmax())
        wrong = tested.names[label], bool(tested.got[row, label]), float(tested.probabilities[row, label])
        effects = word_effects(text, replace(whole, label=tested.names[label]), parts)
        found.append(Explained(tested.places[row], true, answer, *wrong, effects, rest))
    return found


def doubted_rows(corpus: Corpus, predictor: Predictor, most: int | None = SAMPLE) -> tuple[list[Doubt], int]:
    """Return the rows of train whose label has the lowest probability, and how many rows were looked at.

    Of several labels that is the one of which the model is surest that it should not be there, or that it should.

    Args:
        corpus: With a train split; of rows with soft targets the label counts.
        predictor: The model.
        most: How many rows to look at, chosen at random, the same every time; None for all.
    """
    train = corpus.split("train")
    rows = np.arange(len(train))
    if most is not None:
        rows = np.sort(np.random.default_rng(0).permutation(rows)[:most])
    examples = list(Rows(train.path, train.chosen[rows], train.order[:-1]))
    if most is not None:
        order = np.random.default_rng(0).permutation(len(rows))
        read = np.cumsum([len(examples[each].text) for each in order])
        kept = np.sort(order[: max(int((read <= MOST_READ).sum()), 1)])
        rows, examples = rows[kept], [examples[each] for each in kept]
    answers = predictor.answers([example.text for example in examples], BATCH)
    names = corpus.label_names
    shares = np.array([[answer.probabilities[name] for name in names] for answer in answers])  # (rows, C)
    has = labels_of(corpus, [example.label for example in examples])
    own = np.where(has, shares, np.inf if corpus.members is None else 1 - shares)
    places = list(corpus.places("train"))
    found = []
    for number in np.argsort(own.min(1), kind="stable")[:DOUBTS].tolist():
        label, most_probable = int(own[number].argmin()), int(shares[number].argmax())
        text, (file, line) = " ".join(examples[number].text.split()), places[rows[number]]
        labels = named(names, has[number]), names[label], bool(has[number, label])
        facts = float(shares[number, label]), names[most_probable], float(shares[number, most_probable])
        found.append(Doubt(f"{file}:{line}", shortened(text, LONGEST), *labels, *facts))
    return found, len(rows)


def shortened(text: str, most: int) -> str:
    """Return at most so many characters of a text."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def strengths(words: Sequence[WordEffect]) -> list[float]:
    """Return how strong each effect is relative to the largest of the text, 0 to 1."""
    largest = max((abs(word.effect) for word in words), default=0.0)
    return [abs(word.effect) / largest if largest else 0.0 for word in words]
