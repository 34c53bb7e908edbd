import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils.rnn import pad_packed_sequence

from project.batch import Batch, EncodedTexts, pack
from project.ingest import SplitTokens


def texts(*rows: list[int]) -> list[torch.Tensor]:
    return [torch.tensor(row) for row in rows]


def test_pack_holds_the_real_tokens_time_step_by_time_step():
    packed = pack(texts([5], [2, 3, 4], [6, 7]))
    assert packed.data.tolist() == [2, 6, 5, 3, 7, 4]  # longest text first, no padding
    assert packed.batch_sizes.tolist() == [3, 2, 1]
    assert packed.unsorted_indices is not None
    assert packed.unsorted_indices.tolist() == [2, 0, 1]


def batch_of(rows: list[int], soft: list[list[float]] | None = None) -> Batch:
    """A batch of a split of two texts, of one and two tokens, and of labels 1 and 0."""
    soft_targets = None if soft is None else np.array(soft, dtype=np.float32)
    split = SplitTokens(np.array([0, 1, 3]), np.array([1, 0]), np.array([0, 1, 2], dtype=np.uint32), soft_targets)
    return EncodedTexts(split, np.array([3, 4, 5])).__getitems__(rows)


def test_batch_keeps_the_order_of_rows():
    batch = batch_of([1, 0])
    assert batch.rows.tolist() == [1, 0]
    assert batch.labels.tolist() == [0, 1]
    assert batch.token_ids.data.tolist() == [4, 3, 5]


def test_targets_are_labels_without_soft_targets():
    batch = batch_of([0])
    assert batch.soft_targets is None
    assert batch.targets.tolist() == [1]


def test_targets_are_soft_targets_if_there_are_any():
    assert batch_of([1, 0], [[0.25, 0.75], [1.0, 0.0]]).targets.tolist() == [[1.0, 0.0], [0.25, 0.75]]


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=12), min_size=1, max_size=8))
def test_unpacking_gives_every_text_back(rows):
    padded, lengths = pad_packed_sequence(pack(texts(*rows)), batch_first=True)
    assert [ids[:length].tolist() for ids, length in zip(padded, lengths, strict=True)] == rows


def test_text_of_no_tokens_is_refused():
    with pytest.raises(ValueError, match="without tokens"):
        pack(texts([1], []))
