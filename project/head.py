"""Features -> logits, loss and metrics: what labels are is decided here and in decision.py."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torchmetrics import Metric, MetricCollection, classification


def weighted_cross_entropy(logits: Tensor, targets: Tensor, weight: Tensor | None, smoothing: float = 0.0) -> Tensor:
    """Return the mean cross-entropy, (), in which each text weighs as much as its classes.

    A text with probabilities p weighs `p @ weight`, so that p of 0 and 1 alone give what labels give. torch's own mean
    divides by B for soft targets, whatever the weights.

    Args:
        logits: (B, C).
        targets: Labels, (B,) int64, or probabilities, (B, C), each row adding up to 1.
        weight: Of each class, (C,); None if all weigh 1.
        smoothing: Share of each target that is spread over all classes.
    """
    if targets.ndim == 1 or weight is None:
        return cross_entropy(logits, targets, weight, label_smoothing=smoothing)
    return cross_entropy(logits, targets, weight, label_smoothing=smoothing, reduction="sum") / (targets @ weight).sum()


def balanced_weights(counts: list[int]) -> Tensor:
    """Return weights of classes, (C,), as the inverse of how many training texts each has."""
    return sum(counts) / (len(counts) * torch.tensor(counts, dtype=torch.float).clamp(min=1))


def build_metrics(num_classes: int, prefix: str) -> MetricCollection:
    """Return accuracy, macro F1, AUROC (macro, one class against the rest) and expected calibration error (15 bins).

    They take probabilities (B, C) and labels (B,). Each split has a collection of its own, and it is the collection
    that is updated: members that share state would count twice.
    """
    metrics: dict[str, Metric | MetricCollection] = {
        "accuracy": classification.MulticlassAccuracy(num_classes, average="micro"),
        "f1": classification.MulticlassF1Score(num_classes, average="macro"),
        "auroc": classification.MulticlassAUROC(num_classes),
        "calibration_error": classification.MulticlassCalibrationError(num_classes),
    }
    return MetricCollection(metrics, prefix=prefix)
