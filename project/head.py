"""Logits and labels, or a teacher's probabilities -> the loss that training minimizes."""

from torch import Tensor
from torch.nn.functional import cross_entropy


def weighted_cross_entropy(logits: Tensor, targets: Tensor, weight: Tensor | None, smoothing: float = 0.0) -> Tensor:
    """Return the mean cross-entropy, (), in which each text weighs as much as its classes.

    A text with probabilities p weighs `p @ weight`, so that p of 0 and 1 alone give what labels give. torch's own mean
    divides by B there, whatever the weights.

    Args:
        logits: (B, C).
        targets: Labels, (B,) int64, or probabilities, (B, C), each row adding up to 1.
        weight: Of each class, (C,); None where all weigh 1.
        smoothing: Share of each target that is spread over all classes.
    """
    if targets.ndim == 1 or weight is None:
        return cross_entropy(logits, targets, weight, label_smoothing=smoothing)
    return cross_entropy(logits, targets, weight, label_smoothing=smoothing, reduction="sum") / (targets @ weight).sum()
