"""Figures -> the charts of the report."""

from collections.abc import Callable, Mapping

import numpy as np

from project.addons.report.answers import Answers
from project.addons.report.drawing import Chart, Curve, chart
from project.addons.report.figures import GRID, Flags, Floats, Ranking, at_temperature, coverage, ranking, reliability

MOST_CURVES = 6  # of more classes, their mean and the worst five are drawn


def learning_charts(epochs: Mapping[int, Mapping[str, float]], best: int | None, several: bool = False) -> list[Chart]:
    """Return loss and accuracy by epoch, from 1, of `several` labels F1 too; `best` is the kept epoch, from 0."""
    made = []
    figures = {"loss": "loss", "accuracy": "exact match", "f1": "macro F1"}
    for figure, name in figures.items() if several else (("loss", "loss"), ("accuracy", "accuracy")):
        curves = []
        for split in ("val", "train"):
            key = f"{split}/{figure}"
            if found := {epoch + 1: each[key] for epoch, each in epochs.items() if key in each}:
                curves.append(Curve(split, list(found), list(found.values()), dots=True))
        if curves:
            mark = None if best is None else (best + 1, "best")
            note = f"The {name} of train is measured with dropout, while the weights change."
            made.append(chart(f"{name[0].upper()}{name[1:]} by epoch", curves, ("epoch", name), note, mark=mark))
    return made


def rankings(tested: Answers) -> dict[str, Ranking]:
    """Return how well each class is told from the rest, if there is a rest: of two classes the second one alone."""
    shown = [1] if len(tested.names) == 2 and not tested.several else range(len(tested.names))
    found = {tested.names[c]: ranking(tested.has[:, c], tested.probabilities[:, c]) for c in shown}
    return {name: each for name, each in found.items() if each is not None}


def class_charts(tested: Answers, ranked: dict[str, Ranking]) -> list[Chart]:
    """Return ROC and precision-recall curves of each class against the rest."""
    one, all_of_them = ("label", "labels") if tested.several else ("class", "classes")
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
        return [Curve(f"mean of {len(ranked)} {all_of_them}", GRID, middle, f"{word}{mean:.3f}"), *made]

    roc = curves(recall_at_rate, lambda each: each.area, "area ")
    precision = curves(precision_at_recall, lambda each: each.average_precision, "")
    whole = len(shown) == len(ranked)
    note = f"Each {one} against the rest." if whole else f"The mean of all {all_of_them}, and the worst."
    axes = (f"share of the rest taken for the {one}", "recall"), ("recall", "precision")
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
    """Return the reliability diagram, with and without the temperature, and the share of right answers by coverage."""
    cold = at_temperature(tested.probabilities, temperature, 1.0, tested.several)
    shares = {temperature: tested.probabilities, 1.0: cold}
    found = {each: reliability(*claims(tested, probabilities)) for each, probabilities in shares.items()}
    curves = [
        Curve(f"temperature {each:.3g}", bins.confidence, bins.accuracy, f"error {bins.error:.1%}", dots=True)
        for each, bins in found.items()
    ]
    axes = "probability of the most probable class", "share that is right"
    note = "On the diagonal, probabilities match reality. Error: the expected calibration error, 15 bins."
    if tested.several:
        axes, note = ("probability of a label", "share that has the label"), f"{note} Of all texts and labels."
    diagram = chart("Reliability", curves, axes, note, unit=True, diagonal=True)
    right = np.where(tested.answered, tested.right, most_probable(tested, tested.probabilities))
    points = coverage(tested.confidence, right)
    answered = float(tested.answered.mean())
    mark = None if answered == 1 else (answered, "answered")
    note = "If only the most confident answers were used and the other texts were left to people."
    note += " An answer is as sure as its least sure label." if tested.several else ""
    score = tested.score.lower()
    axes = "share of the texts that are answered", score
    return [diagram, chart(f"{tested.score} by coverage", [Curve(score, *points)], axes, note, mark=mark)]


def claims(tested: Answers, probabilities: Floats) -> tuple[Floats, Flags]:
    """Return what `probabilities` (texts, C) say and what is true, (n,): of the likeliest class, or of several all."""
    if tested.several:
        return probabilities.ravel(), tested.has.ravel()
    return probabilities.max(1), most_probable(tested, probabilities)


def most_probable(tested: Answers, probabilities: Floats) -> Flags:
    """Return which texts have their most probable class, (texts,), for `probabilities` (texts, C)."""
    return np.asarray(tested.has[np.arange(len(tested.has)), probabilities.argmax(1)])
