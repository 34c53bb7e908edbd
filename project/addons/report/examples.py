"""A model and its texts -> errors with each word's effect, and rows of train whose label it doubts."""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from project.addons.report.run import Answers
from project.ingest import Corpus, Rows
from project.predict import WORD, Predictor, WordEffect, without_each_word, word_effects

BATCH = 256  # texts
ERRORS, DOUBTS = 20, 20  # that are shown
MOST_WORDS = 60  # of a text that are left out in turn
SAMPLE = 5_000  # rows of train in an automatic report
MOST_READ = 1_000_000  # characters in them: a few seconds for a small network on a CPU
LONGEST = 240  # characters of a row of train


class Explained(NamedTuple):
    """A wrong answer, with the effects of the text's first words; `rest` is what follows them."""

    place: str
    true: str
    predicted: str
    probability: float
    words: list[WordEffect]
    rest: str


class Doubt(NamedTuple):
    """A row of train; `of_label` is the probability of its label, `probability` that of the most probable class."""

    place: str
    text: str
    label: str
    of_label: float
    answer: str
    probability: float


def explained_errors(tested: Answers, predictor: Predictor) -> list[Explained]:
    """Return the most confident errors with each word's effect, which all cost one run over the network."""
    rows = tested.most_confident(False, ERRORS)
    texts = [tested.texts[row] for row in rows]
    variants = [[text, *without_each_word(text, MOST_WORDS, predictor.tokenizer)] for text in texts]
    answers = predictor.answers([text for each in variants for text in each], BATCH)
    starts = [0, *accumulate(map(len, variants))]
    found = []
    for row, start, end in zip(rows, starts, starts[1:], strict=False):
        text, (whole, *parts) = tested.texts[row], answers[start:end]
        rest = "…" if len(WORD.findall(text)) > MOST_WORDS else ""
        names = tested.names[tested.labels[row]], tested.names[tested.chosen[row]]
        found.append(
            Explained(tested.places[row], *names, float(tested.confidence[row]), word_effects(text, whole, parts), rest)
        )
    return found


def doubted_rows(corpus: Corpus, predictor: Predictor, most: int | None = SAMPLE) -> tuple[list[Doubt], int]:
    """Return the rows of train whose label has the lowest probability, and how many rows were looked at.

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
    own = [answer.probabilities[names[each.label]] for answer, each in zip(answers, examples, strict=True)]
    places = list(corpus.places("train"))
    found = []
    for number in sorted(range(len(rows)), key=own.__getitem__)[:DOUBTS]:
        example, shares = examples[number], answers[number].probabilities
        most_probable = max(shares, key=shares.__getitem__)
        text, (file, line) = " ".join(example.text.split()), places[rows[number]]
        facts = names[example.label], own[number], most_probable, shares[most_probable]
        found.append(Doubt(f"{file}:{line}", shortened(text, LONGEST), *facts))
    return found, len(rows)


def shortened(text: str, most: int) -> str:
    """Return at most so many characters of a text."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def strengths(words: Sequence[WordEffect]) -> list[float]:
    """Return how strong each effect is beside the largest of the text, 0 to 1."""
    largest = max((abs(word.effect) for word in words), default=0.0)
    return [abs(word.effect) / largest if largest else 0.0 for word in words]
