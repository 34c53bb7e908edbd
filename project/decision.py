"""Logits -> probabilities -> a label, or several: the same for checkpoint, bundle, server and page. No torch here."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import compress
from typing import Any, Literal, TypedDict

import numpy as np

SEPARATOR = "|"  # between the labels of an answer that may hold several; none of them contains it
Labels = Literal["one", "any"]


class DecisionState(TypedDict):
    """The settings of a `Decision` that checkpoints and bundles keep."""

    temperature: float
    thresholds: list[float]
    abstain_below: float
    labels: Labels
    least: int


@dataclass(frozen=True)
class Prediction:
    """The model's answer to one text.

    Attributes:
        label: Name of the class; empty if the model abstains. With any number of labels, the names of all of them,
            joined by a bar; empty if there are none.
        probability: Of that class; of the most probable one if the model abstains, or with any number of labels.
        probabilities: Of every class, by name; they add up to 1 if a text has exactly one label.
        labels: The names in `label`; None if a text has exactly one label.
    """

    label: str
    probability: float
    probabilities: dict[str, float]
    labels: tuple[str, ...] | None = None

    @property
    def explained(self) -> str:
        """The class that is explained: the answer, or the most probable class if there is none, or several."""
        most = max(self.probabilities, key=self.probabilities.__getitem__)
        return self.label if self.label in self.probabilities else most


@dataclass(frozen=True)
class Decision:
    """How the logits of C classes become an answer.

    Attributes:
        label_names: The classes.
        temperature: Logits are divided by it (Guo et al. 2017).
        thresholds: One for each class, or none: the answer is the class with the largest ratio of probability to
            threshold. With two classes, (1 - t, t) gives the second one from a probability of t on. With any number
            of labels, the answer is every class that reaches its threshold (0.5 by default), and at least `least`.
        abstain_below: A text gets no answer if no class has at least this probability.
        labels: Whether a text has one of the classes, or any number of them.
        least: 1 if, with any number of labels, every text of train has one: the answer then always has one too.
    """

    label_names: tuple[str, ...]
    temperature: float = 1.0
    thresholds: Sequence[float] = ()
    abstain_below: float = 0.0
    labels: Labels = "one"
    least: int = 0

    def __call__(self, logits: Sequence[float]) -> Prediction:
        """Return the answer for the `logits` of one text, (C,)."""
        return self.each([logits])[0]

    def each(self, logits: Sequence[Sequence[float]]) -> list[Prediction]:
        """Return the answers for the `logits` of B texts, (B, C)."""
        one = self.labels == "one"
        rows = [(softmax if one else sigmoid)(row, self.temperature) for row in logits]
        names, found = [*self.label_names, ""], []  # a label of -1 picks the last
        for chosen, row in zip(self.chosen(np.array(rows)).tolist(), rows, strict=True):
            labels = None if one else tuple(compress(names, chosen))
            label = names[chosen] if labels is None else SEPARATOR.join(labels)
            probability = row[chosen] if one and chosen >= 0 else max(row)
            found.append(Prediction(label, probability, dict(zip(self.label_names, row, strict=True)), labels))
        return found

    def chosen(self, probabilities: Any) -> Any:
        """Return the index of the answer, (...), -1 for none, for `probabilities` (..., C) of numpy or of torch.

        With any number of labels: whether each class is in the answer, (..., C).
        """
        shares = probabilities + 0.0  # a copy
        for label, threshold in enumerate(self.thresholds):
            shares[..., label] /= threshold
        if self.labels == "any":
            chosen, likeliest = shares >= (1.0 if self.thresholds else 0.5), shares.argmax(-1)
            for label in range(self.least * len(self.label_names)):
                chosen[..., label] |= likeliest == label
            return chosen
        answered = (probabilities >= self.abstain_below).any(-1)
        return (shares.argmax(-1) + 1) * answered - 1

    def state(self) -> DecisionState:
        """Return the settings as plain types."""
        state: Any = asdict(self) | {"thresholds": [*self.thresholds]}
        return {name: state[name] for name in DecisionState.__annotations__}  # type: ignore[return-value]


def softmax(logits: Sequence[float], temperature: float = 1.0) -> list[float]:
    """Return the probabilities of C classes for their `logits`, divided by `temperature`."""
    highest = max(logits)
    powers = [math.exp((logit - highest) / temperature) for logit in logits]
    total = sum(powers)
    return [power / total for power in powers]


def sigmoid(logits: Sequence[float], temperature: float = 1.0) -> list[float]:
    """Return the probability of each of C labels for their `logits`, divided by `temperature`."""
    return [(1 + math.tanh(logit / temperature / 2)) / 2 for logit in logits]  # no overflow
