"""Predictions of checkpoint and bundle -> how far apart they are: a bundle that fails this check is rejected."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from project.decision import Prediction
from project.predict import Predictor

TOLERANCE = 1e-5  # largest accepted difference between probabilities


class Parity(NamedTuple):
    """How two predictors compare on the same texts."""

    texts: int
    different_labels: int
    largest_difference: float  # of any class's probability

    @property
    def holds(self) -> bool:
        """Whether all labels are equal, and all probabilities within `TOLERANCE`."""
        return not self.different_labels and self.largest_difference <= TOLERANCE


def compare(first: Sequence[Prediction], second: Sequence[Prediction]) -> Parity:
    """Compare two predictors' answers for the same texts, in the same order."""
    differences = [
        abs(p - b.probabilities[name])
        for a, b in zip(first, second, strict=True)
        for name, p in a.probabilities.items()
    ]
    different = sum(a.label != b.label for a, b in zip(first, second, strict=True))
    return Parity(len(first), different, float(np.max(differences, initial=0.0)))  # NaN if there is one


def timed(predictor: Predictor, texts: Sequence[str]) -> tuple[list[Prediction], float]:
    """Return the predictions, and texts per second."""
    began = time.perf_counter()
    predictions = predictor(texts)
    return predictions, len(texts) / (time.perf_counter() - began)
