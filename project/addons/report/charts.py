"""Figures -> the charts of the report."""

from collections.abc import Callable, Mapping

import numpy as np

from project.addons.report.drawing import Chart, Curve, chart
from project.addons.report.figures import GRID, Floats, Ranking, at_temperature, coverage, ranking, reliability
from project.addons.report.run import Answers

MOST_CURVES = 6  # of more classes, their mean and the worst five are drawn


def learning_charts(epochs: Mapping[int, Mapping[str, float]], best: int | None) -> list[Chart]:
    """Return loss and accuracy by epoch, from 1; `best` is the epoch of the checkpoint, from 0."""
    made = []
    for figure in ("loss", "accuracy"):
        curves = []
        for split in ("val", "train"):
            key = f"{split}/{figure}"
            if found := {epoch + 1: each[key] for epoch, each in epochs.items() if key in each}:
                curves.append(Curve(split, list(found), list(found.values()), dots=True))
        if curves:
            mark = None if best is None else (best + 1, "best")
            note = f"The {figure} of train is measured with dropout, while the weights change."
            made.append(chart(f"{figure.capitalize()} by epoch", curves, ("epoch", figure), note, mark=mark))
    return made


def class_charts(tested: Answers) -> list[Chart]:
    """Return ROC and precision-recall curves of each class against the rest: of two classes the second one's."""
    classes = [1] if len(tested.names) == 2 else range(len(tested.names))
    found = {tested.names[c]: ranking(tested.labels == c, tested.probabilities[:, c]) for c in classes}
    ranked = {name: each for name, each in found.items() if each is not None}
    if not ranked:
        return []
    worst = sorted(ranked, key=lambda name: ranked[name].area)[: MOST_CURVES - 1]
    shown = list(ranked) if len(ranked) <= MOST_CURVES else worst

    def curves(points: Callable[[Ranking], Floats], figure: Callable[[Ranking], float], word: str) -> list[Curve]:
        made = [Curve(name, GRID, points(ranked[name]), f"{word}{figure(ranked[name]):.3f}") for name in shown]
        if len(shown) == len(ranked):
            return made
        mean = float(np.mean([figure(each) for each in ranked.values()]))
        middle = np.mean([points(each) for each in ranked.values()], axis=0)
        return [Curve(f"mean of {len(ranked)} classes", GRID, middle, f"{word}{mean:.3f}"), *made]

    roc = curves(recall_at_rate, lambda each: each.area, "area ")
    precision = curves(precision_at_recall, lambda each: each.average_precision, "")
    note = "Each class against the rest." if len(shown) == len(ranked) else "The mean of all classes, and the worst."
    axes = ("share of the rest taken for the class", "recall"), ("recall", "precision")
    return [
        chart("ROC curve", roc, axes[0], note, unit=True, diagonal=True),
        chart("Precision and recall", precision, axes[1], f"{note} Figures: average precision.", unit=True),
    ]


def recall_at_rate(each: Ranking) -> Floats:
    """Return the highest recall at each false positive rate of the grid."""
    places = np.searchsorted(each.false_rate, GRID, side="right") - 1
    return np.where(places < 0, 0.0, each.recall[places])


def precision_at_recall(each: Ranking) -> Floats:
    """Return the best precision at each recall of the grid, or at a higher one (the interpolated precision)."""
    best = np.maximum.accumulate(each.precision[::-1])[::-1]
    return np.asarray(best[np.minimum(np.searchsorted(each.recall, GRID), len(best) - 1)])


def calibration_charts(tested: Answers, temperature: float) -> list[Chart]:
    """Return the reliability diagram, with and without the temperature, and accuracy by coverage."""
    shares = {temperature: tested.probabilities, 1.0: at_temperature(tested.probabilities, temperature, 1.0)}
    found = {each: reliability(probabilities, tested.labels) for each, probabilities in shares.items()}
    curves = [
        Curve(f"temperature {each:.3g}", bins.confidence, bins.accuracy, f"error {bins.error:.1%}", dots=True)
        for each, bins in found.items()
    ]
    axes = "probability of the most probable class", "share that is right"
    note = "On the diagonal a probability is worth what it says. Error: the expected calibration error, 15 bins."
    diagram = chart("Reliability", curves, axes, note, unit=True, diagonal=True)
    guess = tested.probabilities.argmax(1) == tested.labels
    points = coverage(tested.confidence, np.where(tested.chosen < 0, guess, tested.right))
    answered = float((tested.chosen >= 0).mean())
    mark = None if answered == 1 else (answered, "answered")
    note = "If only the most confident answers were used and the other texts left to people."
    axes = "share of the texts that are answered", "accuracy"
    return [diagram, chart("Accuracy by coverage", [Curve("accuracy", *points)], axes, note, mark=mark)]
