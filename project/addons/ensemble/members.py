"""Several trained networks -> one that predicts the mean of their probabilities: a plain nn.Module.

B. Lakshminarayanan, A. Pritzel and C. Blundell, *Simple and Scalable Predictive Uncertainty Estimation using Deep
Ensembles*, NeurIPS 2017.
"""

import math
from collections.abc import Sequence
from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid
from torch.nn.utils.rnn import PackedSequence

from project.decision import Labels
from project.errors import UserError
from project.network import NetworkState, build_network


class Ensemble(nn.Module):
    """M networks with the same vocabulary and the same C classes; they may differ in everything else.

    An ensemble only predicts: its members are trained one by one.

    Args:
        members: The networks, as checkpoints describe them.
        temperatures: One for each member; its logits are divided by it before the softmax, or the sigmoid.
        labels: Whether a text has one of the classes, or any number of them.
    """

    def __init__(self, members: Sequence[NetworkState], temperatures: Sequence[float], labels: Labels = "one") -> None:
        super().__init__()
        self.members = nn.ModuleList(build_network(state) for state in members)
        self.temperatures, self.labels = tuple(temperatures), labels

    def forward(self, token_ids: PackedSequence) -> Tensor:
        """Return the logs of the mean probabilities, (B, C), for packed `token_ids`, whose data is (N,).

        Of any number of labels: the logs of the odds of the mean probabilities.
        """
        each = torch.stack(
            [
                member(token_ids) / temperature  # (B, C)
                for member, temperature in zip(self.members, self.temperatures, strict=True)
            ]
        )  # (M, B, C)
        if self.labels == "any":
            return logsigmoid(each).logsumexp(0) - logsigmoid(-each).logsumexp(0)  # (B, C)
        return each.log_softmax(2).logsumexp(0) - math.log(len(each))  # (B, C)

    def parameter_groups(self, weight_decay: float) -> NoReturn:
        """Raise an error: an ensemble cannot be trained.

        Raises:
            UserError: Always.
        """
        raise UserError(
            "the checkpoint is an ensemble, which cannot be trained: train its members, then combine them with "
            "`sentiment ensemble`"
        )

    def load_pretrained(self, *_: Any) -> NoReturn:
        """Raise the same error as `parameter_groups`."""
        self.parameter_groups(0.0)
