"""Features -> logits, loss and metrics: what labels are is decided here and in decision.py."""

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torchmetrics import MeanMetric, Metric, MetricCollection, classification
from torchmetrics.utilities import dim_zero_cat

from project.batch import Batch
from project.decision import Decision

KEPT_BATCHES = 256
Metrics = dict[str, Metric | MetricCollection]


def weighted_cross_entropy(logits: Tensor, targets: Tensor, weight: Tensor | None, smoothing: float = 0.0) -> Tensor:
    """Return the mean cross-entropy, (), in which each text weighs as much as its classes.

    A text with probabilities p weighs `p @ weight`, so that one-hot p give the same as labels. torch's own mean
    divides by B for soft targets, whatever the weights, and waits for a GPU if labels are smoothed.

    Args:
        logits: (B, C).
        targets: Labels, (B,) int64, or probabilities, (B, C), each row adding up to 1.
        weight: Of each class, (C,); None if all weigh 1.
        smoothing: Share of each target that is spread over all classes.
    """
    if weight is None:
        return cross_entropy(logits, targets, label_smoothing=smoothing)
    weights = weight[targets] if targets.ndim == 1 else targets @ weight  # (B,)
    return cross_entropy(logits, targets, weight, label_smoothing=smoothing, reduction="sum") / weights.sum()


def balanced_weights(counts: Sequence[int]) -> Tensor:
    """Return weights of classes, (C,), as the inverse of how many training texts each has."""
    return sum(counts) / (len(counts) * torch.tensor(counts, dtype=torch.float).clamp(min=1))


def answers(logits: Tensor, decision: Decision) -> tuple[Tensor, Tensor]:
    """Return the labels (B,), see `Decision.chosen`, and the probabilities (B, C) for `logits` (B, C)."""
    scaled = logits / decision.temperature
    probabilities = scaled.softmax(1) if decision.labels == "one" else scaled.sigmoid()
    return decision.chosen(probabilities), probabilities


class MacroF1(classification.MulticlassF1Score):
    """The mean F1 over the classes that occur in the split; a class without texts has no recall."""

    def compute(self) -> Tensor:
        """Return the mean, (); nan if there is no text."""
        texts: Any = self.tp + self.fn  # type: ignore[operator] # (C,), the states are tensors
        return super().compute()[texts > 0].mean()


class MacroAUROC(classification.MulticlassAUROC):
    """The mean one-vs-rest AUROC, over the classes that some, but not all, texts of the split have."""

    def compute(self) -> Tensor:  # type: ignore[override] # the curve's own type
        """Return the mean, (); nan if there is no such class."""
        counts = dim_zero_cat(self.target).bincount(minlength=self.num_classes)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of classes that are not counted
            areas: Tensor = super().compute()  # (C,)
        return areas[(counts > 0) & (counts < counts.sum())].mean()


class CalibrationError(classification.MulticlassCalibrationError):
    """The expected calibration error, whose sums do not depend on the order of texts or on which process has them."""

    def compute(self) -> Tensor:
        """Return the error, ()."""
        confidences, order = dim_zero_cat(self.confidences).sort()
        self.confidences, self.accuracies = [confidences], [dim_zero_cat(self.accuracies)[order]]
        return super().compute()


class Figures(nn.Module):
    """Loss, accuracy, macro F1, AUROC (macro, one class against the rest) and expected calibration error (15 bins).

    Batches stay on their device and are counted many at a time: counting one takes a GPU as long as training on it.

    Args:
        num_classes: C.
        prefix: Prefix of the figures' names: the split. Each split needs figures of its own.
    """

    loss_of = staticmethod(weighted_cross_entropy)

    def __init__(self, num_classes: int, prefix: str) -> None:
        super().__init__()
        self.of_labels, self.of_probabilities = (MetricCollection(m, prefix=prefix) for m in self.metrics(num_classes))
        self.loss, self.answered = MeanMetric(), MeanMetric()
        self._kept: list[tuple[Tensor, Tensor, Tensor]] = []

    def metrics(self, num_classes: int) -> tuple[Metrics, Metrics]:
        """Return those of labels and those of probabilities, by name."""
        of_labels: Metrics = {
            "accuracy": classification.MulticlassAccuracy(num_classes, average="micro"),
            "f1": MacroF1(num_classes, average="none"),
        }
        auroc, error = MacroAUROC(num_classes, average="none"), CalibrationError(num_classes)
        return of_labels, {"auroc": auroc, "calibration_error": error}

    def add(self, logits: Tensor, batch: Batch, weight: Tensor | None, decision: Decision) -> None:
        """Keep the `logits` (B, C) of a batch; `weight` (C,) is that of each class in the loss."""
        self._kept.append((logits.detach().float(), batch.labels, batch.targets))
        if len(self._kept) == KEPT_BATCHES:
            self.count(weight, decision)

    def count(self, weight: Tensor | None, decision: Decision) -> None:
        """Bring all figures up to date; the loss is that of the logits as they are."""
        if self._kept:
            logits, labels, targets = (torch.cat(each) for each in zip(*self._kept, strict=True))
            self._kept.clear()
            true = labels if decision.labels == "one" else targets
            self.compare(*answers(logits, decision), true, decision.abstain_below > 0)
            self.loss.update(self.loss_of(logits, targets, weight), len(labels))

    def compare(self, chosen: Tensor, probabilities: Tensor, labels: Tensor, abstains: bool) -> None:
        """Count answers, see `answers`; if the model abstains, texts without one are neither right nor wrong."""
        answered = chosen >= 0
        self.answered.update(answered)
        self.of_labels.update(*((chosen[answered], labels[answered]) if abstains else (chosen, labels)))
        self.of_probabilities.update(probabilities, labels)
