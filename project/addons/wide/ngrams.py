"""Packed token ids (N,) -> bag of words and pairs of neighbours -> logits (B, C): the wide branch."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence

from project.batch import neighbours, texts_of_tokens

WORD, LEFT, RIGHT = 40_503, 1_000_003, 998_244_353  # factors of the hash: primes but for the first, which is odd


class NGramBag(nn.Module):
    """A linear classifier of the words and pairs of neighbouring words that a text holds.

    What it holds, once or often, counts 1 / sqrt(how many different ones it holds). Words and pairs share hashed
    buckets (Joulin et al. 2017, Bag of Tricks), so that no table of pairs is kept. Beside a recurrent network this is
    wide & deep learning (Cheng et al. 2016).

    Args:
        buckets: M, of words and pairs; several may meet in one.
        num_classes: C.
        dropout: Share of a text's words and pairs that training leaves out.
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
        """Return text and bucket of everything that each text holds, once, (K,); texts count as `sorted_indices` do."""
        ids, sizes = token_ids.data, token_ids.batch_sizes
        texts = texts_of_tokens(sizes)  # (N,)
        left, right = neighbours(sizes)  # (N - B,) each
        texts, right, left = (indices.to(ids.device) for indices in (texts, right, left))
        hashed = torch.cat([ids * WORD, ids[left] * LEFT + ids[right] * RIGHT + 1])  # (2N - B,)
        buckets = len(self.weight)
        found = torch.unique(torch.cat([texts, texts[right]]) * buckets + hashed % buckets)  # (K,)
        return found // buckets, found % buckets
