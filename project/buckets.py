"""Text lengths -> an order in which neighbours have similar lengths, so that batches have little padding."""

from collections.abc import Iterator

import torch
from numpy.typing import ArrayLike
from torch.utils.data.distributed import DistributedSampler


class BucketSampler(DistributedSampler[int]):
    """Yields row numbers so that every `batch_size` consecutive ones are a bucket of texts of similar length.

    Each epoch shuffles all rows, sorts them by length within pools of `pool_batches` batches, cuts the batches, and
    shuffles those: which texts share a batch, and when, is random, yet there is little padding. Rows of equal length
    stay in random order. Without shuffling, all rows are sorted by length. It works with an ordinary
    `DataLoader(batch_size=..., sampler=...)`; Lightning calls `set_epoch` on it, also when a run is resumed, and does
    not replace a `DistributedSampler`.

    With several processes, each gets every `num_replicas`-th row of a bucket, so that their steps have similar lengths.
    Each row comes once per epoch; only if the last bucket in training has fewer rows than there are processes, the
    first rows of the epoch are repeated, so that each gets one. If there are fewer rows than processes, each gets all.

    Args:
        lengths: Tokens in each text.
        batch_size: Texts per batch and process.
        shuffle: False for val, test and predict.
        seed: Determines the order, together with the epoch.
        mixed: Whether, without shuffling, every epoch has the same random order: its beginning is a fair sample.
        num_replicas: Processes.
        rank: This process.
        pool_batches: Batches sorted together: more means less padding and less randomness.
        labels: Label of each text: if given, an epoch draws that many texts, evenly from the classes.

    Attributes:
        repeated: Whether every process gets all rows.
    """

    def __init__(
        self,
        lengths: ArrayLike,
        batch_size: int,
        shuffle: bool = True,
        seed: int = 0,
        num_replicas: int = 1,
        rank: int = 0,
        pool_batches: int = 32,
        labels: ArrayLike | None = None,
        mixed: bool = False,
    ) -> None:
        self.lengths = torch.as_tensor(lengths)
        self.classes = []
        if labels is not None:
            every = torch.as_tensor(labels)
            self.classes = [torch.nonzero(every == label).flatten() for label in torch.unique(every)]
        self.repeated, self.mixed = len(self.lengths) < num_replicas, mixed
        share = (1, 0) if self.repeated else (num_replicas, rank)
        super().__init__(self.lengths, *share, shuffle=shuffle, seed=seed)  # type: ignore[arg-type]
        self.batch_size, self.bucket_size = batch_size, batch_size * self.num_replicas
        self.pool_size = self.bucket_size * pool_batches
        last = len(self.lengths) % self.bucket_size
        self.total_size = len(self.lengths) + (max(self.num_replicas - last, 0) if shuffle and last else 0)
        self.num_samples = len(range(self.rank, self.total_size, self.num_replicas))

    def __iter__(self) -> Iterator[int]:
        order = self._shuffled() if self.shuffle else self._fixed()
        order = order.repeat(-(-self.total_size // max(len(order), 1)))[: self.total_size]
        return iter(order[self.rank :: self.num_replicas].tolist())

    def _fixed(self) -> torch.Tensor:
        """Return all rows by length, or mixed."""
        if self.mixed:
            return torch.randperm(len(self.lengths), generator=torch.Generator().manual_seed(self.seed))
        return self.lengths.argsort(stable=True)

    def _drawn(self, generator: torch.Generator) -> torch.Tensor:
        """Return this epoch's rows in random order: all of them, or equally many of each class."""
        rows = torch.arange(len(self.lengths))
        if self.classes:
            share = len(rows) // len(self.classes)
            rows = torch.cat([_repeated(of_class, share, generator) for of_class in self.classes])
        return rows[torch.randperm(len(rows), generator=generator)]

    def _shuffled(self) -> torch.Tensor:
        """Return this epoch's order of all rows, bucket by bucket; a bucket that is not full comes last."""
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        pools = torch.split(self._drawn(generator), self.pool_size)
        order = torch.cat([pool[self.lengths[pool].argsort(stable=True)] for pool in pools])
        buckets = torch.split(order, self.bucket_size)
        full = len(order) // self.bucket_size
        shuffled = [buckets[int(i)] for i in torch.randperm(full, generator=generator)]
        return torch.cat([*shuffled, *buckets[full:]])


def _repeated(rows: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """Return `count` of `rows`, repeating them as evenly as possible."""
    rounds = [rows[torch.randperm(len(rows), generator=generator)] for _ in range(-(-count // len(rows)))]
    return torch.cat(rounds)[:count]
