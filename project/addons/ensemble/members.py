"""Several trained networks -> one, whose class probabilities are the mean of theirs: a plain nn.Module.

B. Lakshminarayanan, A. Pritzel and C. Blundell, *Simple and Scalable Predictive Uncertainty Estimation using Deep
Ensembles*, NeurIPS 2017.
"""

import math
from collections.abc import Sequence
from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from project.errors import UserError
from project.network import NetworkState, build_network


class Ensemble(nn.Module):
    """M networks that read the same token ids and know the same C classes; in all else they may differ.

    It only predicts: members are trained one by one.

    Args:
        members: Each network as a checkpoint names it.
        temperatures: Of each; its logits are divided by it before they become probabilities.
    """

    def __init__(self, members: Sequence[NetworkState], temperatures: Sequence[float]) -> None:
        super().__init__()
        self.members = nn.ModuleList(build_network(state) for state in members)
        self.temperatures = tuple(temperatures)

    def forward(self, token_ids: PackedSequence) -> Tensor:
        """Return the logs of the mean probabilities, (B, C), for packed `token_ids`, whose data is (N,)."""
        each = [
            (member(token_ids) / temperature).log_softmax(1)  # (B, C)
            for member, temperature in zip(self.members, self.temperatures, strict=True)
        ]
        return torch.stack(each).logsumexp(0) - math.log(len(each))  # (B, C)

    def parameter_groups(self, weight_decay: float) -> NoReturn:
        """Refuse to be trained.

        Raises:
            UserError: Always.
        """
        raise UserError(
            "the checkpoint is an ensemble, which is not trained: train its members, then average them with "
            "`sentiment ensemble`"
        )

    def load_pretrained(self, *_: Any) -> NoReturn:
        """Refuse vectors, as `parameter_groups` refuses training."""
        self.parameter_groups(0.0)
