"""Logits and targets of texts with any number of labels -> binary cross-entropy and metrics."""

import warnings
from typing import Any

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torchmetrics import classification
from torchmetrics.utilities import dim_zero_cat

from project.head import Figures, Metrics


def binary_cross_entropy(logits: Tensor, targets: Tensor, weight: Tensor | None, smoothing: float = 0.0) -> Tensor:
    """Return the mean binary cross-entropy of texts and labels, ().

    Args:
        logits: (B, C).
        targets: Probabilities, (B, C).
        weight: Of each label if a text has it, (C,); None if all weigh 1.
        smoothing: How far targets move towards 1/2, from 0 to 1.
    """
    return binary_cross_entropy_with_logits(logits, targets * (1 - smoothing) + smoothing / 2, pos_weight=weight)


class LabelsF1(classification.MultilabelF1Score):
    """The mean F1 of the labels that the split has texts of."""

    def compute(self) -> Tensor:
        """Return the mean, (); nan if there is no such label."""
        texts: Any = self.tp + self.fn  # type: ignore[operator] # (C,), the states are tensors
        return super().compute()[texts > 0].mean()


def mean_of_measured(each: Tensor, target: Tensor) -> Tensor:
    """Return the mean, (), of figures (C,) over the labels that some, not all, rows of `target` (texts, C) have."""
    counts = target.sum(0)
    return each[(counts > 0) & (counts < len(target))].mean()


class LabelsAUROC(classification.MultilabelAUROC):
    """The mean area under the ROC curve, see `mean_of_measured`; nan if there is none."""

    def compute(self) -> Tensor:  # type: ignore[override] # the curve's own type
        """Return the mean, ()."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of labels that are not counted
            return mean_of_measured(super().compute(), dim_zero_cat(self.target))


class LabelsPrecision(classification.MultilabelAveragePrecision):
    """The mean average precision, see `mean_of_measured`; nan if there is none."""

    def compute(self) -> Tensor:  # type: ignore[override] # the curve's own type
        """Return the mean, ()."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of labels that are not counted
            return mean_of_measured(super().compute(), dim_zero_cat(self.target))


class AnyFigures(Figures):
    """Loss, exact match (accuracy), F1 (macro and micro), AUROC and average precision (both macro)."""

    loss_of = staticmethod(binary_cross_entropy)

    def metrics(self, num_classes: int) -> tuple[Metrics, Metrics]:
        """Return those of labels and those of probabilities, by name."""
        of_labels: Metrics = {
            "accuracy": classification.MultilabelExactMatch(num_classes),
            "f1": LabelsF1(num_classes, average="none"),
            "f1_micro": classification.MultilabelF1Score(num_classes, average="micro"),
        }
        return of_labels, {
            "auroc": LabelsAUROC(num_classes, average="none"),
            "average_precision": LabelsPrecision(num_classes, average="none"),
        }

    def compare(self, chosen: Tensor, probabilities: Tensor, targets: Tensor, abstains: bool) -> None:
        """Compare answers and probabilities with `targets`, (B, C) each, of which the probable ones count as labels."""
        has = (targets >= 0.5).long()
        self.of_labels.update(chosen.long(), has)
        self.of_probabilities.update(probabilities, has)
