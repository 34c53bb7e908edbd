"""Raw text -> label and probabilities: what a checkpoint and a bundle share, in plain Python."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from project.text import Tokenizer

TokenIds = list[int]
Logits = list[list[float]]  # (B, C)


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


def softmax(logits: Sequence[float], temperature: float) -> list[float]:
    """Return the probabilities of C classes for their `logits`, divided by `temperature` (Guo et al. 2017)."""
    highest = max(logits)
    powers = [math.exp((logit - highest) / temperature) for logit in logits]
    total = sum(powers)
    return [power / total for power in powers]


@dataclass(frozen=True)
class Predictor:
    """A trained classifier as a function of raw text; several threads may call it at once.

    Attributes:
        logits: The network: logits (B, C) of B lists of token ids, longest first.
        tokenizer: What it was trained with.
        label_names: Its C classes.
        threshold: Probability of the second of two classes from which the answer is that class.
        temperature: Logits are divided by it.
        workers: How many batches are computed at once, each in a thread.
    """

    logits: Callable[[Sequence[TokenIds]], Logits]
    tokenizer: Tokenizer
    label_names: tuple[str, ...]
    threshold: float
    temperature: float
    workers: int = 1

    @overload
    def __call__(self, texts: str) -> Prediction: ...  # type: ignore[overload-overlap] # a str is a Sequence[str]

    @overload
    def __call__(self, texts: Sequence[str], batch_size: int = ...) -> list[Prediction]: ...

    def __call__(self, texts: str | Sequence[str], batch_size: int = 32) -> Prediction | list[Prediction]:
        """Classify one text, or several; the answers come in their order, each the same whatever its batch mates."""
        if isinstance(texts, str):
            return self._predict([self.tokenizer.encode(texts)])[0]
        token_ids = [self.tokenizer.encode(text) for text in texts]
        by_length = sorted(range(len(texts)), key=lambda row: -len(token_ids[row]))
        rows = [by_length[start : start + batch_size] for start in range(0, len(texts), batch_size)]
        batches = [[token_ids[row] for row in batch] for batch in rows]
        predictions: dict[int, Prediction] = {}
        for batch, answers in zip(rows, self._each(batches), strict=True):
            predictions.update(zip(batch, answers, strict=True))
        return [predictions[row] for row in range(len(texts))]

    def _each(self, batches: list[list[TokenIds]]) -> Iterable[list[Prediction]]:
        workers = min(self.workers, len(batches))
        if workers < 2:
            return map(self._predict, batches)
        from concurrent.futures import ThreadPoolExecutor  # imported here: one text in a fresh process needs none

        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(self._predict, batches))

    def _predict(self, token_ids: list[TokenIds]) -> list[Prediction]:
        logits = self.logits(token_ids)
        return [decide(softmax(row, self.temperature), self.label_names, self.threshold) for row in logits]


def load(path: str | Path) -> Predictor:
    """Load a trained classifier: a checkpoint that fit wrote (.ckpt), or the folder of a bundle that export wrote.

    A bundle is read without torch.

    Raises:
        UserError: There is no such file or folder, or it is damaged or of another kind.
    """
    # Imported here: who has a bundle needs no torch, and who has a checkpoint no onnxruntime.
    if Path(path).is_dir():
        from project.export.bundle import open_bundle

        return open_bundle(Path(path))
    from project.trained import open_checkpoint

    return open_checkpoint(Path(path))
