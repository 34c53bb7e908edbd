"""Logits -> probabilities -> a label: the same for checkpoint, bundle, server and page. No torch here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np


class DecisionState(TypedDict):
    """What a checkpoint and a bundle keep of it."""

    temperature: float
    thresholds: list[float]
    abstain_below: float


@dataclass(frozen=True)
class Prediction:
    """The model's answer to one text.

    Attributes:
        label: Name of the class; empty if the model abstains.
        probability: Of that class; of the most probable one if the model abstains.
        probabilities: Of every class, by name; they add up to 1.
    """

    label: str
    probability: float
    probabilities: dict[str, float]


@dataclass(frozen=True)
class Decision:
    """How the logits of C classes become an answer.

    Attributes:
        label_names: The classes.
        temperature: Logits are divided by it (Guo et al. 2017).
        thresholds: One for each class, or none: the answer is the class with the largest ratio of probability to
            threshold. Of two classes, (1 - t, t) gives the second one from a probability of t on.
        abstain_below: There is no answer to a text of which no class has at least this probability.
    """

    label_names: tuple[str, ...]
    temperature: float = 1.0
    thresholds: Sequence[float] = ()
    abstain_below: float = 0.0

    def __call__(self, logits: Sequence[float]) -> Prediction:
        """Return the answer for the `logits` of one text, (C,)."""
        return self.each([logits])[0]

    def each(self, logits: Sequence[Sequence[float]]) -> list[Prediction]:
        """Return the answers for the `logits` of B texts, (B, C)."""
        probabilities = [softmax(row, self.temperature) for row in logits]
        labels = [*self.label_names, ""]  # a label of -1 picks the last
        return [
            Prediction(labels[chosen], row[chosen] if chosen >= 0 else max(row), dict(zip(labels, row, strict=False)))
            for chosen, row in zip(self.chosen(np.array(probabilities)).tolist(), probabilities, strict=True)
        ]

    def chosen(self, probabilities: Any) -> Any:
        """Return the index of the answer, (...), -1 for none, for `probabilities` (..., C) of numpy or of torch."""
        shares = probabilities + 0.0  # a copy
        for label, threshold in enumerate(self.thresholds):
            shares[..., label] /= threshold
        answered = (probabilities >= self.abstain_below).any(-1)
        return (shares.argmax(-1) + 1) * answered - 1

    def state(self) -> DecisionState:
        """Return the settings as plain types."""
        return {"temperature": self.temperature, "thresholds": [*self.thresholds], "abstain_below": self.abstain_below}


def softmax(logits: Sequence[float], temperature: float = 1.0) -> list[float]:
    """Return the probabilities of C classes for their `logits`, divided by `temperature`."""
    highest = max(logits)
    powers = [math.exp((logit - highest) / temperature) for logit in logits]
    total = sum(powers)
    return [power / total for power in powers]
