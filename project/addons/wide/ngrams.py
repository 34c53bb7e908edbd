"""Packed token ids (N,) -> bag of words and word pairs -> logits (B, C), added to those of the encoder."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence

from project.batch import neighbours
from project.errors import UserError
from project.network import SentimentNetwork

WORD, LEFT, RIGHT = 40_503, 1_000_003, 998_244_353  # multipliers of the hash: all prime except the first, which is odd


class NGramBag(nn.Module):
    """A linear classifier over the words of a text and its pairs of adjacent words.

    Each distinct word or pair counts 1 / sqrt(number of distinct ones in the text), however often it occurs. Words and
    pairs are hashed into shared buckets (Joulin et al. 2017, Bag of Tricks), so that no table of pairs is needed.
    Combined with a recurrent network this is wide & deep learning (Cheng et al. 2016).

    Args:
        buckets: Number of buckets (M); words and pairs may collide.
        num_classes: Number of classes (C).
        dropout: Share of a text's words and pairs dropped in training.
    """

    def __init__(self, buckets: int, num_classes: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(buckets, num_classes))
        self.dropout = dropout

    def forward(self, token_ids: PackedSequence) -> Tensor:
        """Return logits (B, C) for packed `token_ids`, whose data is (N,)."""
        texts, buckets = self.features(token_ids)  # (K,) each
        size = int(token_ids.batch_sizes[0])  # B
        values = torch.bincount(texts, minlength=size).rsqrt()[texts]  # (K,)
        values = F.dropout(values, self.dropout, self.training)
        weighted = F.embedding(buckets, self.weight) * values.unsqueeze(1)  # (K, C)
        logits = weighted.new_zeros(size, self.weight.shape[1]).index_add(0, texts, weighted)  # (B, C)
        return logits if token_ids.unsorted_indices is None else logits[token_ids.unsorted_indices]

    def features(self, token_ids: PackedSequence) -> tuple[Tensor, Tensor]:
        """Return text and bucket of each distinct word or pair of a text, (K,) each; texts are in packed order."""
        ids, sizes = token_ids.data, token_ids.batch_sizes
        texts = text_of_each_token(sizes)  # (N,)
        left, right = neighbours(sizes)  # (N - B,) each
        texts, right, left = (indices.to(ids.device) for indices in (texts, right, left))
        hashed = torch.cat([ids * WORD, ids[left] * LEFT + ids[right] * RIGHT + 1])  # (2N - B,)
        buckets = len(self.weight)
        found = torch.unique(torch.cat([texts, texts[right]]) * buckets + hashed % buckets)  # (K,)
        return found // buckets, found % buckets


class WideNetwork(SentimentNetwork):
    """A `SentimentNetwork` whose logits are added to those of a bag of words and word pairs.

    Args:
        buckets: Number of buckets of the `NGramBag` (M).
        wide_learning_rate: Peak learning rate of the bag.
        wide_weight_decay: AdamW's weight decay on the bag.
        arguments: Those of `SentimentNetwork`.

    Raises:
        UserError: One of the first three is negative, or there are no buckets.
    """

    def __init__(
        self,
        buckets: int = 2**20,
        wide_learning_rate: float = 0.02,
        wide_weight_decay: float = 0.1,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        if buckets < 1 or wide_learning_rate < 0 or wide_weight_decay < 0:
            raise UserError("network_options of WideNetwork: buckets must be 1 or more, the other two 0 or more")
        self.wide = NGramBag(buckets, self.classifier.out_features)
        self.wide_learning_rate, self.wide_weight_decay = wide_learning_rate, wide_weight_decay

    def forward(self, token_ids: PackedSequence) -> Tensor:
        """Return logits (B, C) for packed `token_ids`, whose data is (N,)."""
        logits: Tensor = super().forward(token_ids) + self.wide(token_ids)
        return logits

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Return the groups of `SentimentNetwork`, followed by one for the bag."""
        wide = set(self.wide.parameters())
        groups = super().parameter_groups(weight_decay)
        groups = [group | {"params": [p for p in group["params"] if p not in wide]} for group in groups]
        own = {"params": list(wide), "lr": self.wide_learning_rate, "weight_decay": self.wide_weight_decay}
        return [*groups, own]


def text_of_each_token(batch_sizes: Tensor) -> Tensor:
    """Return which text each token of a packed batch belongs to, (N,), counting as its `sorted_indices` do.

    Args:
        batch_sizes: How many texts reach each time step, (T,), as in a PackedSequence; on the CPU, as is the result.
    """
    first = batch_sizes.cumsum(0) - batch_sizes  # (T,) position of each time step's first token
    return torch.arange(int(batch_sizes.sum())) - first.repeat_interleave(batch_sizes)
