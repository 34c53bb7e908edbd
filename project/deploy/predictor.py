"""Checkpoint + raw text -> labels and probabilities, without Lightning."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from project.batch import pack
from project.model.checkpoint import read_checkpoint, restore
from project.model.network import SentimentNetwork
from project.text import Tokenizer


@dataclass(frozen=True)
class Prediction:
    """What the model makes of one text.

    Attributes:
        label: Name of the class.
        probability: Of that class.
        probabilities: Of every class, by name; they add up to 1.
    """

    label: str
    probability: float
    probabilities: dict[str, float]


def decide(probabilities: Sequence[float], label_names: Sequence[str], threshold: float) -> Prediction:
    """Turn the probabilities of C classes into a prediction; of two classes the threshold on the second decides."""
    if len(probabilities) == 2:
        chosen = int(probabilities[1] >= threshold)
    else:
        chosen = max(range(len(probabilities)), key=probabilities.__getitem__)
    return Prediction(label_names[chosen], probabilities[chosen], dict(zip(label_names, probabilities, strict=True)))


class Predictor:
    """A trained classifier as a function of raw text."""

    def __init__(
        self,
        network: SentimentNetwork,
        tokenizer: Tokenizer,
        label_names: Sequence[str],
        threshold: float,
        temperature: float,
    ) -> None:
        self.network = network.eval()
        self.tokenizer = tokenizer
        self.label_names = tuple(label_names)
        self.threshold = threshold
        self.temperature = temperature

    @classmethod
    def load(cls, path: str | Path) -> "Predictor":
        """Load a checkpoint; nothing else is needed.

        Raises:
            UserError: It is missing, damaged or of another kind.
        """
        network, tokenizer, state = restore(read_checkpoint(path))
        return cls(network, tokenizer, state["label_names"], state["threshold"], state["temperature"])

    def __call__(self, texts: Sequence[str], batch_size: int = 64) -> list[Prediction]:
        """Classify `texts`; the answers come in their order, each the same whatever its batch mates."""
        token_ids = [torch.tensor(self.tokenizer.encode(text)) for text in texts]
        by_length = sorted(range(len(texts)), key=lambda row: len(token_ids[row]))
        predictions: dict[int, Prediction] = {}
        for start in range(0, len(texts), batch_size):
            rows = by_length[start : start + batch_size]
            with torch.inference_mode():
                logits = self.network(pack([token_ids[row] for row in rows]))  # (B, C)
                probabilities = (logits / self.temperature).softmax(1).tolist()
            for row, p in zip(rows, probabilities, strict=True):
                predictions[row] = decide(p, self.label_names, self.threshold)
        return [predictions[row] for row in range(len(texts))]
