"""Logits -> probabilities -> a label: the same for checkpoint, bundle, server and page. No torch here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np


class DecisionState(TypedDict):
    """What a checkpoint and a bundle keep of it."""

    temperature: float
    threshold: float


@dataclass(frozen=True)
class Prediction:
    """The model's answer to one text.

    Attributes:
        label: Name of the class.
        probability: Of that class.
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
        threshold: Of two classes the second is the answer from this probability on; of more, the most probable one is.
    """

    label_names: tuple[str, ...]
    temperature: float = 1.0
    threshold: float = 0.5

    def __call__(self, logits: Sequence[float]) -> Prediction:
        """Return the answer for the `logits` of one text, (C,)."""
        probabilities = softmax(logits, self.temperature)
        names, chosen = self.label_names, int(self.chosen(np.array(probabilities)))
        return Prediction(names[chosen], probabilities[chosen], dict(zip(names, probabilities, strict=True)))

    def chosen(self, probabilities: Any) -> Any:
        """Return the index of the answer, (...), for `probabilities` (..., C), an array of numpy or of torch."""
        if probabilities.shape[-1] == 2:
            return (probabilities[..., 1] >= self.threshold) * 1
        return probabilities.argmax(-1)

    def state(self) -> DecisionState:
        """Return the settings as plain types."""
        return {"temperature": self.temperature, "threshold": self.threshold}


def softmax(logits: Sequence[float], temperature: float = 1.0) -> list[float]:
    """Return the probabilities of C classes for their `logits`, divided by `temperature`."""
    highest = max(logits)
    powers = [math.exp((logit - highest) / temperature) for logit in logits]
    total = sum(powers)
    return [power / total for power in powers]
