"""Labels, answers and probabilities of the test split -> the numbers of the report, in numpy."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

NAN = float("nan")
Z = 1.959964  # of a two-sided 95 % interval
BINS = 15  # of the calibration error, as in project/head.py
GRID = np.linspace(0, 1, 101)  # on which curves are averaged and drawn


class Share(NamedTuple):
    """A share of texts with its 95 % interval: nan without any text."""

    value: float
    low: float
    high: float
    texts: int


def share(hits: int, texts: int) -> Share:
    """Return `hits` of `texts` with the score interval (Wilson 1927)."""
    if not texts:
        return Share(NAN, NAN, NAN, 0)
    value, weight = hits / texts, Z**2 / texts
    middle, half = value + weight / 2, Z * np.sqrt(value * (1 - value) / texts + weight / (4 * texts))
    return Share(value, float((middle - half) / (1 + weight)), float((middle + half) / (1 + weight)), texts)


def paired_difference(model: Sequence[int], other: Sequence[int]) -> tuple[float, float, float]:
    """Return how much more accurate the first is on the same texts, with its normal 95 % interval."""
    better = np.array(model) - np.array(other)
    half = Z * better.std() / np.sqrt(len(better))
    return float(better.mean()), float(better.mean() - half), float(better.mean() + half)


def pairs(rows: Flags, columns: Flags) -> Ints:
    """Return how many texts are in each of `rows` (texts, C) and in each of `columns` (texts, C) too, (C, C)."""
    return np.array([columns[chosen].sum(0) for chosen in rows.T])


class ClassFigures(NamedTuple):
    """Figures of one class; nan if nothing was predicted or there is no text."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


def class_figures(has: Flags, got: Flags, names: Sequence[str]) -> list[ClassFigures]:
    """Return the figures of each class, of those that texts have and got, (texts, C)."""
    hits, support, predicted = (has & got).sum(0), has.sum(0), got.sum(0)
    with np.errstate(invalid="ignore"):
        columns = hits / predicted, hits / support, 2 * hits / (support + predicted)
    figures = zip(names, *(column.tolist() for column in columns), support.tolist(), strict=True)
    return [ClassFigures(*each) for each in figures]


def confusions(has: Flags, got: Flags, most: int) -> list[tuple[int, int, int]]:
    """Return the largest numbers of texts that got one class for another: how many, the missing and the other one."""
    counts = pairs(has & ~got, got & ~has)
    wrong = [(int(counts[true, other]), int(true), int(other)) for true, other in np.argwhere(counts)]
    return sorted(wrong, key=lambda each: (-each[0], each[1:]))[:most]


class Ranking(NamedTuple):
    """How well a score tells one class from the rest; every array begins at the highest score.

    Attributes:
        recall: Share of the class found, also called the true positive rate.
        false_rate: Share of the rest that is taken for it.
        precision: Share of the class in what is found.
        area: Under the ROC curve.
        average_precision: The mean precision, weighted by the steps of recall.
    """

    recall: Floats
    false_rate: Floats
    precision: Floats
    area: float
    average_precision: float


def ranking(positive: Flags, scores: Floats) -> Ranking | None:
    """Return the ranking of texts by `scores` (texts,); None if all of them, or none, are `positive`."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)  # of equal scores
    hits, taken = np.cumsum(positive[order])[last], np.flatnonzero(last) + 1
    total, rest = hits[-1], len(scores) - hits[-1]
    if not total or not rest:
        return None
    recall, false_rate, precision = hits / total, (taken - hits) / rest, hits / taken
    start = np.zeros(1)
    area = np.trapezoid(np.append(start, recall), np.append(start, false_rate))
    mean = np.sum(np.diff(recall, prepend=0) * precision)
    return Ranking(recall, false_rate, precision, float(area), float(mean))


class Bins(NamedTuple):
    """Probabilities in bins, without empty ones.

    Attributes:
        confidence: Mean of the probabilities.
        accuracy: Share of them that came true.
        texts: How many there are.
        error: The expected calibration error over all bins.
    """

    confidence: Floats
    accuracy: Floats
    texts: Ints
    error: float


def reliability(confidence: Floats, right: Flags) -> Bins:
    """Return the bins of probabilities, (n,), and of what is `right`, (n,)."""
    place = np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], confidence, side="left")
    texts = np.bincount(place, minlength=BINS)
    there = texts > 0
    mean, hits = (np.bincount(place, each, BINS)[there] / texts[there] for each in (confidence, right))
    error = np.sum(np.abs(mean - hits) * texts[there]) / len(right)
    return Bins(mean, hits, texts[there], float(error))


def at_temperature(probabilities: Floats, old: float, new: float, several: bool) -> Floats:
    """Return the probabilities (texts, C) that logits divided by `new` give, of those that `old` gave.

    Args:
        probabilities: Of one of C classes, or of `several`, each for itself.
        old: Temperature.
        new: Temperature.
        several: Whether a text may have any number of classes.
    """
    if several:
        likely, unlikely = (np.maximum(each, 1e-7) ** (old / new) for each in (probabilities, 1 - probabilities))
        return np.asarray(likely / (likely + unlikely))
    logits = np.log(np.maximum(probabilities, 1e-7)) * (old / new)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


def coverage(confidence: Floats, right: Flags) -> tuple[Floats, Floats]:
    """Return shares of the texts, the most confident first, and the accuracy among each share."""
    order = np.argsort(-confidence, kind="stable")
    accuracy = np.cumsum(right[order]) / np.arange(1, len(right) + 1)
    shares = np.arange(1, len(right) + 1) / len(right)
    first = min(len(right) - 1, 20)  # of fewer texts an accuracy says little
    places = np.unique(np.linspace(first, len(right) - 1, 200).astype(int))
    return shares[places], accuracy[places]
