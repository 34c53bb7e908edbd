import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.buckets import BucketSampler

RANDOM = random.Random(0)
LENGTHS = [min(1 + int(RANDOM.gammavariate(4, 5)), 51) for _ in range(8484)]  # like movie sentences


def batches(sampler: BucketSampler, size: int) -> list[tuple[int, ...]]:
    order = list(sampler)
    return [tuple(order[start : start + size]) for start in range(0, len(order), size)]


def padding_share(rows, size: int) -> float:
    cut = [[LENGTHS[row] for row in rows[start : start + size]] for start in range(0, len(rows), size)]
    return 1 - sum(map(sum, cut)) / sum(len(batch) * max(batch) for batch in cut)


lengths_of_texts = st.lists(st.integers(1, 60), min_size=1, max_size=200)


@given(lengths_of_texts, st.integers(1, 70), st.booleans(), st.integers(0, 5))
def test_every_row_comes_once(lengths, batch_size, shuffle, epoch):
    sampler = BucketSampler(lengths, batch_size, shuffle)
    sampler.set_epoch(epoch)
    assert sorted(sampler) == list(range(len(lengths)))


@given(lengths_of_texts, st.integers(1, 9), st.integers(2, 4))
def test_processes_train_on_all_rows_in_equally_many_batches(lengths, batch_size, processes):
    samplers = [BucketSampler(lengths, batch_size, True, 0, processes, rank) for rank in range(processes)]
    assert len({-(-len(list(sampler)) // batch_size) for sampler in samplers}) == 1
    assert [len(sampler) for sampler in samplers] == [len(list(sampler)) for sampler in samplers]
    assert set().union(*samplers) == set(range(len(lengths)))


@given(lengths_of_texts, st.integers(1, 9), st.integers(2, 4))
def test_processes_repeat_a_row_only_where_one_would_lack_a_batch(lengths, batch_size, processes):
    parts = [list(BucketSampler(lengths, batch_size, True, 0, processes, rank)) for rank in range(processes)]
    if len(lengths) >= processes:
        last = len(lengths) % (batch_size * processes)
        assert sum(map(len, parts)) - len(lengths) == (processes - last if 0 < last < processes else 0)


@given(st.integers(1, 9), st.integers(2, 4), st.booleans())
def test_processes_measure_every_row_once(rows, processes, mixed):
    parts = [BucketSampler([1] * rows, 2, False, 0, processes, rank, mixed=mixed) for rank in range(processes)]
    assert [part.repeated for part in parts] == [rows < processes] * processes
    copies = processes if rows < processes else 1
    assert sorted(itertools.chain(*parts)) == sorted([*range(rows)] * copies)


def test_a_mixed_order_begins_with_texts_of_all_lengths_and_never_changes():
    sampler = BucketSampler(LENGTHS, 64, shuffle=False, mixed=True)
    first = list(sampler)
    sampler.set_epoch(1)
    assert list(sampler) == first
    mean = sum(LENGTHS) / len(LENGTHS)
    assert sum(LENGTHS[row] for row in first[:640]) / 640 == pytest.approx(mean, rel=0.1)


def test_padding_is_below_ten_percent():
    assert padding_share(list(BucketSampler(LENGTHS, 64)), 64) < 0.10


def test_without_buckets_padding_is_far_above():
    assert padding_share(range(len(LENGTHS)), 64) > 0.40


def test_epochs_share_less_than_5_percent_of_their_batches():
    sampler = BucketSampler(LENGTHS, 64)
    first = {frozenset(batch) for batch in batches(sampler, 64)}
    sampler.set_epoch(1)
    second = {frozenset(batch) for batch in batches(sampler, 64)}
    assert len(first & second) < 0.05 * len(first)


def test_long_and_short_batches_come_mixed():
    longest = [max(LENGTHS[row] for row in batch) for batch in batches(BucketSampler(LENGTHS, 64), 64)]
    rising = sum(a < b for a, b in itertools.pairwise(longest))
    assert 0.3 < rising / len(longest) < 0.7


def test_seed_and_epoch_fix_the_order():
    assert list(BucketSampler(LENGTHS, 64, seed=3)) == list(BucketSampler(LENGTHS, 64, seed=3))
    assert list(BucketSampler(LENGTHS, 64, seed=3)) != list(BucketSampler(LENGTHS, 64, seed=4))


def test_unshuffled_order_is_by_length_then_row():
    assert list(BucketSampler([3, 1, 2, 1], 2, shuffle=False)) == [1, 3, 2, 0]


def test_only_the_last_batch_is_short():
    assert [len(batch) for batch in batches(BucketSampler(LENGTHS[:100], 32), 32)] == [32, 32, 32, 4]
