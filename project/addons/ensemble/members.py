"""Several trained networks -> one, whose class probabilities are the mean of theirs: a plain nn.Module.

B. Lakshminarayanan, A. Pritzel and C. Blundell, *Simple and Scalable Predictive Uncertainty Estimation using Deep
Ensembles*, NeurIPS 2017.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from project.network import SentimentNetwork

NOT_TRAINED = "an ensemble, which is not trained: train its members, then average them with `sentiment ensemble`"


class Ensemble(nn.Module):
    """M networks that read the same token ids and know the same C classes; in all else they may differ.

    It predicts only: members are trained one by one.

    Args:
        members: Keyword arguments of each `SentimentNetwork`.
        temperatures: Of each; its logits are divided by it before they become probabilities.
    """

    def __init__(self, members: Sequence[Mapping[str, Any]], temperatures: Sequence[float]) -> None:
        super().__init__()
        self.members = nn.ModuleList(SentimentNetwork(**arguments) for arguments in members)
        self.temperatures = tuple(temperatures)
        self.num_classes: int = members[0]["num_classes"]

    def forward(self, token_ids: PackedSequence) -> Tensor:
        """Return the logs of the mean probabilities, (B, C), for packed `token_ids`, whose data is (N,)."""
        each = [
            (member(token_ids) / temperature).log_softmax(1)
            for member, temperature in zip(self.members, self.temperatures, strict=True)
        ]
        return torch.stack(each).logsumexp(0) - math.log(len(each))


def is_ensemble(arguments: Mapping[str, Any]) -> bool:
    """Return whether a checkpoint's network `arguments` are those of an `Ensemble`."""
    return "members" in arguments


def build_network(arguments: Mapping[str, Any]) -> SentimentNetwork | Ensemble:
    """Build what a checkpoint's network `arguments` describe, with random weights."""
    return Ensemble(**arguments) if is_ensemble(arguments) else SentimentNetwork(**arguments)
