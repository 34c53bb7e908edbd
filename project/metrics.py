"""Probabilities and labels -> figures."""

from torchmetrics import MetricCollection
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassAUROC,
    MulticlassCalibrationError,
    MulticlassF1Score,
)


def build_metrics(num_classes: int, prefix: str) -> MetricCollection:
    """Return accuracy, macro F1, AUROC (macro, one class against the rest) and expected calibration error (15 bins).

    They take probabilities (B, C) and labels (B,). Each split has a collection of its own, and it is the collection
    that is updated: members that share state would count twice.
    """
    return MetricCollection(
        {
            "accuracy": MulticlassAccuracy(num_classes, average="micro"),
            "f1": MulticlassF1Score(num_classes, average="macro"),
            "auroc": MulticlassAUROC(num_classes),
            "calibration_error": MulticlassCalibrationError(num_classes),
        },
        prefix=prefix,
    )
