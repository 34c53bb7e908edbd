"""Features -> logits, loss and metrics: what labels are is decided here and in decision.py."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torchmetrics import MeanMetric, Metric, MetricCollection, classification

from project.batch import Batch

KEPT_BATCHES = 256


def weighted_cross_entropy(logits: Tensor, targets: Tensor, weight: Tensor | None, smoothing: float = 0.0) -> Tensor:
    """Return the mean cross-entropy, (), in which each text weighs as much as its classes.

    A text with probabilities p weighs `p @ weight`, so that p of 0 and 1 alone give what labels give. torch's own mean
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


class Figures(nn.Module):
    """Loss, accuracy, macro F1, AUROC (macro, one class against the rest) and expected calibration error (15 bins).

    Batches are kept where they are, and counted many at a time: to count one takes a GPU as long as to train on it.

    Args:
        num_classes: C.
        prefix: Of the figures' names: the split, each of which needs figures of its own.
    """

    def __init__(self, num_classes: int, prefix: str) -> None:
        super().__init__()
        metrics: dict[str, Metric | MetricCollection] = {
            "accuracy": classification.MulticlassAccuracy(num_classes, average="micro"),
            "f1": classification.MulticlassF1Score(num_classes, average="macro"),
            "auroc": classification.MulticlassAUROC(num_classes),
            "calibration_error": classification.MulticlassCalibrationError(num_classes),
        }
        self.metrics = MetricCollection(metrics, prefix=prefix)
        self.loss = MeanMetric()
        self._kept: list[tuple[Tensor, Tensor, Tensor]] = []

    def add(self, logits: Tensor, batch: Batch, weight: Tensor | None) -> None:
        """Keep the `logits` (B, C) of a batch; `weight` (C,) is that of each class in the loss."""
        self._kept.append((logits.detach().float(), batch.labels, batch.targets))
        if len(self._kept) == KEPT_BATCHES:
            self.count(weight)

    def count(self, weight: Tensor | None) -> MetricCollection:
        """Return the metrics of all batches so far; the loss is up to date as well."""
        if self._kept:
            logits, labels, targets = (torch.cat(each) for each in zip(*self._kept, strict=True))
            self._kept.clear()
            self.metrics.update(logits.softmax(1), labels)
            self.loss.update(weighted_cross_entropy(logits, targets, weight), len(labels))
        return self.metrics
