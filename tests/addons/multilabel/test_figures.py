import math

import pytest
import torch
from torch import Tensor

from project.addons.multilabel.figures import AnyFigures, binary_cross_entropy
from project.batch import Batch, pack
from project.decision import Decision

DECISION = Decision(("a", "b", "c"), labels="any")
TRUE = torch.tensor([[1.0, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 0]])
LOGITS = torch.tensor([[2.0, -1, -3], [1, -2, -1], [-1, -1, -2], [-2, 3, -1]])  # the second text lacks b


def figures(logits: Tensor = LOGITS, true: Tensor = TRUE) -> dict[str, float]:
    own = AnyFigures(3, "test/")
    texts = pack([torch.tensor([1])] * len(true))
    own.add(
        logits, Batch(texts, torch.zeros(len(true), dtype=torch.long), torch.arange(len(true)), true), None, DECISION
    )
    own.count(None, DECISION)
    found = own.of_labels.compute() | own.of_probabilities.compute() | {"test/loss": own.loss.compute()}
    return {name.removeprefix("test/"): float(value) for name, value in found.items()}


def test_accuracy_is_the_share_of_sets_that_are_right():
    assert figures()["accuracy"] == 0.75


def test_macro_f1_is_over_the_labels_that_have_texts():
    assert figures()["f1"] == pytest.approx((1 + 2 / 3) / 2)


def test_micro_f1_counts_labels():
    assert figures()["f1_micro"] == pytest.approx(2 * 3 / (3 + 4))


def test_area_under_the_curve_is_over_the_labels_that_can_be_measured():
    assert figures()["auroc"] == pytest.approx((1 + 0.5) / 2)  # of a and of b; nobody has c


def test_a_split_without_any_label_has_no_area():
    assert math.isnan(figures(true=torch.zeros(4, 3))["auroc"])


def test_loss_by_hand():
    expected = sum(math.log1p(math.exp(-x if y else x)) for x, y in zip(LOGITS.flatten(), TRUE.flatten(), strict=True))
    assert figures()["loss"] == pytest.approx(expected / 12)


def test_soft_targets_of_0_and_1_give_what_labels_give():
    mixed = binary_cross_entropy(LOGITS, TRUE * 0.5, None)
    halves = [binary_cross_entropy(LOGITS, each, None) for each in (TRUE, torch.zeros(4, 3))]
    assert float(mixed) == pytest.approx(float(sum(halves)) / 2)


def test_a_weight_counts_where_a_text_has_the_label():
    weighted = binary_cross_entropy(LOGITS, TRUE, torch.tensor([3.0, 1, 1]))
    own = sum(math.log1p(math.exp(-x)) for x in (2.0, 1.0))
    assert float(weighted) == pytest.approx(float(binary_cross_entropy(LOGITS, TRUE, None)) + 2 * own / 12)


def test_smoothing_moves_targets_towards_a_half():
    assert float(binary_cross_entropy(LOGITS, TRUE, None, 0.5)) == pytest.approx(
        float(binary_cross_entropy(LOGITS, TRUE * 0.5 + 0.25, None))
    )
