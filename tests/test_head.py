import pytest
import torch
from torch.nn.functional import one_hot

from project.head import weighted_cross_entropy

LOGITS = torch.tensor([[0.0, 0.0], [2.0, 0.0], [-1.0, 1.0]])
LABELS = torch.tensor([0, 1, 1])
EVEN = torch.ones(2)


def loss(targets: torch.Tensor, weight: torch.Tensor = EVEN, smoothing: float = 0.0) -> float:
    return float(weighted_cross_entropy(LOGITS, targets, weight, smoothing))


def test_of_labels_by_hand():
    assert loss(LABELS) == pytest.approx(0.9823344)  # mean of ln 2, ln(1 + e^2) and ln(1 + e^-2)


def test_of_probabilities_by_hand():
    # the same, less 0.75 * 2 in the second text and more 0.5 * 2 in the third
    assert loss(torch.tensor([[0.3, 0.7], [0.75, 0.25], [0.5, 0.5]])) == pytest.approx(0.9823344 - 0.5 / 3)


def test_text_weighs_what_its_classes_weigh():
    # ln 2 at weight 1, then ln(1 + e^2) and ln(1 + e^-2) at weight 3 each
    assert loss(LABELS, torch.tensor([1.0, 3.0])) == pytest.approx((0.6931472 + 3 * 2.253856) / 7)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weight", [(1.0, 1.0), (1.0, 3.0), (0.5, 0.0)])
def test_probabilities_of_0_and_1_give_what_labels_give(weight, smoothing):
    weights = torch.tensor(weight)
    assert loss(one_hot(LABELS).float(), weights, smoothing) == pytest.approx(loss(LABELS, weights, smoothing))
