"""Logits and labels of val -> temperature and thresholds, in numpy."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

SPREAD = 0.5  # standard deviation of the prior on the log temperature: a few texts hardly move it
LOWEST, HIGHEST = -3.0, 3.0  # of that logarithm
GOLDEN = (5**0.5 - 1) / 2


def negative_log_likelihood(logits: NDArray[np.floating], labels: Labels, temperature: float) -> float:
    """Return the mean over texts of -log p(label), for `logits` (texts, C) divided by `temperature`.

    Of any number of labels a text, `labels` are (texts, C) of 0 and 1, and a text counts once for each class.
    """
    if labels.ndim == 2:
        scaled = logits.astype(np.float64) / temperature
        return float((np.logaddexp(0, scaled) - labels * scaled).sum(1).mean())
    return -float(log_softmax(logits, temperature)[np.arange(len(labels)), labels].mean())


def log_softmax(logits: NDArray[np.floating], temperature: float) -> Floats:
    """Return the logarithms of the probabilities, (texts, C), for `logits` (texts, C) divided by `temperature`."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(1, keepdims=True)
    return np.asarray(scaled - np.log(np.exp(scaled).sum(1, keepdims=True)))


def fitted_temperature(logits: NDArray[np.floating], labels: Labels) -> float:
    """Return the temperature with the lowest negative log-likelihood (Guo et al. 2017).

    The logarithm of the temperature has a normal prior of mean 0, since for a few texts that are all answered right
    there is no lowest value. With a thousand texts it hardly matters.

    Args:
        logits: (texts, C).
        labels: See `negative_log_likelihood`.
    """

    def cost(log_temperature: float) -> float:
        likelihood = len(labels) * negative_log_likelihood(logits, labels, float(np.exp(log_temperature)))
        return likelihood + (log_temperature / SPREAD) ** 2 / 2

    low, high = LOWEST, HIGHEST
    while high - low > 1e-4:  # golden-section search
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        low, high = (low, right) if cost(left) < cost(right) else (left, high)
    return round(float(np.exp((low + high) / 2)), 6)


def thresholds_for_macro_f1(probabilities: Floats, labels: Labels, rounds: int = 4) -> list[float]:
    """Return the thresholds, one for each class, whose labels have a high macro F1: found class by class.

    Args:
        probabilities: (texts, C).
        labels: (texts,).
        rounds: How often each class has its turn.
    """
    classes = probabilities.shape[1]
    thresholds = np.ones(classes)
    for _ in range(rounds):
        before = thresholds.copy()
        for label in range(classes):
            cuts = np.unique(np.quantile(rival_ratio(probabilities, label, thresholds), np.linspace(0.005, 0.995, 200)))
            tried = [
                macro_f1(probabilities, labels, with_cut(thresholds, label, cut)) for cut in (thresholds[label], *cuts)
            ]
            thresholds = with_cut(thresholds, label, (thresholds[label], *cuts)[int(np.argmax(tried))])
        if (thresholds == before).all():
            break
    return normalized(thresholds)


def threshold_for_precision(probabilities: Floats, labels: Labels, label: int, recall: float) -> list[float]:
    """Return the thresholds with which answers `label` have the highest precision at a recall of at least `recall`.

    Args:
        probabilities: (texts, C).
        labels: (texts,), at least one of them `label`.
        label: The class.
        recall: Share of its texts that should be found.
    """
    ratio = rival_ratio(probabilities, label, np.ones(probabilities.shape[1]))
    order = np.argsort(-ratio, kind="stable")
    hits = np.cumsum(labels[order] == label)  # (texts,), if so many texts get the label
    last_of_equal = np.append(np.diff(ratio[order]) != 0, True)
    allowed = last_of_equal & (hits >= recall * hits[-1])
    precision = np.where(allowed, hits / np.arange(1, len(hits) + 1), -1.0)
    place = int(np.argmax(precision))
    below = ratio[order][place + 1] if place + 1 < len(ratio) else ratio[order][place] / 2
    cut = float(np.sqrt(ratio[order][place] * max(below, 1e-12)))  # between the last text that gets it and the next
    return normalized(with_cut(np.ones(probabilities.shape[1]), label, cut))


def rival_ratio(probabilities: Floats, label: int, thresholds: Floats) -> Floats:
    """Return the threshold at which each text, (texts,), would just get `label`, given those of the others."""
    others = np.delete(probabilities / thresholds, label, axis=1).max(1)
    return np.asarray(probabilities[:, label] / np.maximum(others, 1e-12))


def with_cut(thresholds: Floats, label: int, cut: float) -> Floats:
    """Return `thresholds` with another one for `label`."""
    changed = thresholds.copy()
    changed[label] = cut
    return changed


def normalized(thresholds: Floats) -> list[float]:
    """Return thresholds in the same ratios that add up to 1, as those of two classes do."""
    return [round(float(each), 9) for each in thresholds / thresholds.sum()]


def macro_f1(probabilities: Floats, labels: Labels, thresholds: Floats) -> float:
    """Return the mean F1 over the classes that occur, of the labels that `thresholds` give."""
    chosen, classes = (probabilities / thresholds).argmax(1), probabilities.shape[1]
    pairs = np.bincount(labels * classes + chosen, minlength=classes**2).reshape(classes, classes)
    there = pairs.sum(1) > 0
    scores = 2 * np.diag(pairs) / np.maximum(pairs.sum(0) + pairs.sum(1), 1)
    return float(scores[there].mean())


def f1_of_labels(chosen: Labels, labels: Labels) -> Floats:
    """Return the F1 of each label, (C,), for answers and labels (texts, C) of 0 and 1; nan if no text has it."""
    support = labels.sum(0)
    scores = 2 * (chosen * labels).sum(0) / np.maximum(support + chosen.sum(0), 1)
    return np.where(support > 0, scores, np.nan)


def thresholds_of_labels(probabilities: Floats, labels: Labels) -> list[float]:
    """Return the threshold of each label that has the highest F1; 0.5 for one that no text has.

    Args:
        probabilities: (texts, C).
        labels: (texts, C) of 0 and 1.
    """
    return [best_cut(probabilities[:, each], labels[:, each], None) for each in range(labels.shape[1])]


def best_cut(scores: Floats, labels: Labels, recall: float | None) -> float:
    """Return the threshold of one label with the highest F1, or with the highest precision at a `recall`; 0.5 for none.

    Args:
        scores: Its probabilities, (texts,).
        labels: Which texts have it, (texts,) of 0 and 1.
        recall: Share of its texts that should be found.
    """
    if not labels.any():
        return 0.5
    order = np.argsort(-scores, kind="stable")
    ranked, taken = scores[order], np.arange(1, len(scores) + 1)
    hits, last_of_equal = np.cumsum(labels[order]), np.append(np.diff(ranked) != 0, True)
    gains = 2 * hits / (taken + hits[-1]) if recall is None else np.where(hits >= recall * hits[-1], hits / taken, -1.0)
    place = int(np.argmax(np.where(last_of_equal, gains, -1.0)))
    below = ranked[place + 1] if place + 1 < len(ranked) else ranked[place] / 2
    return min(max(round(float(ranked[place] + below) / 2, 9), 1e-9), 1.0)  # between what gets it and what does not
