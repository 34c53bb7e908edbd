"""Text lengths -> an order in which neighbours are of like length, so that batches hold little padding."""

from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler
from torch.utils.data.distributed import DistributedSampler


class BucketSampler(DistributedSampler[int]):
    """Yields row numbers so that every run of `batch_size` of them is a bucket of texts of like length.

    Each epoch shuffles all rows, sorts them by length within pools of `pool_batches` batches, cuts the batches, and
    shuffles those: which texts meet in a batch, and when, is random, yet padding is small. Rows of equal length stay in
    random order. Unshuffled it sorts all rows by length. An ordinary `DataLoader(batch_size=..., sampler=...)` takes
    it; Lightning calls `set_epoch` on it, also when a run is resumed, and leaves a `DistributedSampler` in place.

    With several processes each takes every `num_replicas`-th row of a bucket, so that their steps are of like length;
    the first rows of an epoch are repeated where they do not divide evenly (at most `num_replicas` - 1).

    Args:
        lengths: Tokens in each text.
        batch_size: Texts per batch and process.
        shuffle: False for val, test and predict.
        seed: Together with the epoch it fixes the order.
        num_replicas: Processes.
        rank: This process.
        pool_batches: Batches sorted together: more means less padding and less randomness.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        shuffle: bool = True,
        seed: int = 0,
        num_replicas: int = 1,
        rank: int = 0,
        pool_batches: int = 32,
    ) -> None:
        self.lengths = torch.as_tensor(lengths)
        super().__init__(self.lengths, num_replicas, rank, shuffle=shuffle, seed=seed)  # type: ignore[arg-type]
        self.bucket_size = batch_size * num_replicas
        self.pool_size = self.bucket_size * pool_batches

    def __iter__(self) -> Iterator[int]:
        order = self._shuffled() if self.shuffle else self.lengths.argsort(stable=True)
        order = order.repeat(-(-self.total_size // max(len(order), 1)))[: self.total_size]
        return iter(order[self.rank :: self.num_replicas].tolist())

    def _shuffled(self) -> torch.Tensor:
        """Return this epoch's order of all rows, bucket after bucket; the bucket that is not full comes last."""
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        pools = torch.split(torch.randperm(len(self.lengths), generator=generator), self.pool_size)
        order = torch.cat([pool[self.lengths[pool].argsort(stable=True)] for pool in pools])
        buckets = torch.split(order, self.bucket_size)
        full = len(order) // self.bucket_size
        shuffled = [buckets[int(i)] for i in torch.randperm(full, generator=generator)]
        return torch.cat([*shuffled, *buckets[full:]])


def padding_share(lengths: Sequence[int], sampler: Sampler[int], batch_size: int) -> float:
    """Return the share of the B x T cells that hold no token, over the batches that `sampler` makes."""
    batches = torch.split(torch.as_tensor(lengths)[list(sampler)], batch_size)
    cells = sum(len(batch) * int(batch.max()) for batch in batches)
    return 1.0 - sum(int(batch.sum()) for batch in batches) / cells
