"""Texts -> pieces of consecutive tokens for a language model."""

from array import array
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence
from torch.utils.data import DataLoader, Dataset

from project.batch import pack
from project.buckets import BucketSampler
from project.text import Tokenizer

LONGEST = 256  # tokens; a longer text is cut into equal pieces, so that all of it is read
SHORTEST = 2  # a single token has no neighbour to predict
WHOLE = 2**31  # a max_length that never truncates


class Pieces(Dataset[Tensor]):
    """Pieces of texts as token ids, each (length,).

    Args:
        texts: Iterated over once.
        tokenizer: Its own max_length is ignored.
    """

    def __init__(self, texts: Iterable[str], tokenizer: Tokenizer) -> None:
        whole = Tokenizer.from_state({**tokenizer.state(), "max_length": WHOLE})
        ids = array("i")
        bounds: list[tuple[int, int]] = []
        for text in texts:
            start = len(ids)
            ids.extend(whole.encode(text))
            bounds += cut_evenly(start, len(ids))
        self.ids = torch.from_numpy(np.frombuffer(ids, dtype=np.int32).copy())  # (all tokens,)
        self.bounds = [(start, end) for start, end in bounds if end - start >= SHORTEST]

    @property
    def lengths(self) -> list[int]:
        """Number of tokens in each piece."""
        return [end - start for start, end in self.bounds]

    def __len__(self) -> int:
        return len(self.bounds)

    def __getitem__(self, number: int) -> Tensor:
        start, end = self.bounds[number]
        return self.ids[start:end].long()


def cut_evenly(start: int, end: int) -> list[tuple[int, int]]:
    """Split `start` to `end` into as few pieces of similar length as `LONGEST` allows; return their bounds."""
    pieces = -(-(end - start) // LONGEST)
    cuts = [start + (end - start) * number // pieces for number in range(pieces + 1)]
    return list(pairwise(cuts))


def loader(pieces: Pieces, batch_size: int, shuffle: bool, seed: int = 0) -> DataLoader[PackedSequence]:
    """Return packed batches, data (N,), of pieces of similar length."""
    sampler = BucketSampler(pieces.lengths, batch_size, shuffle=shuffle, seed=seed)
    return DataLoader(pieces, batch_size, sampler=sampler, collate_fn=pack)  # type: ignore[arg-type]
