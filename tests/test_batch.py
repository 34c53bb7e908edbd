import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils.rnn import pad_packed_sequence

from project.batch import EncodedText, collate, pack


def texts(*rows: list[int]) -> list[torch.Tensor]:
    return [torch.tensor(row) for row in rows]


def test_pack_holds_the_real_tokens_time_step_by_time_step():
    packed = pack(texts([5], [2, 3, 4], [6, 7]))
    assert packed.data.tolist() == [2, 6, 5, 3, 7, 4]  # longest text first, no padding
    assert packed.batch_sizes.tolist() == [3, 2, 1]
    assert packed.unsorted_indices is not None
    assert packed.unsorted_indices.tolist() == [2, 0, 1]


def test_collate_keeps_the_order_of_texts():
    batch = collate([EncodedText(7, torch.tensor([3]), 1), EncodedText(2, torch.tensor([4, 5]), 0)])
    assert batch.rows.tolist() == [7, 2]
    assert batch.labels.tolist() == [1, 0]


def test_targets_are_labels_without_soft_targets():
    batch = collate([EncodedText(0, torch.tensor([3]), 1)])
    assert batch.soft_targets is None
    assert batch.targets.tolist() == [1]


def test_targets_are_soft_targets_if_there_are_any():
    soft = torch.tensor([[0.25, 0.75], [1.0, 0.0]])
    batch = collate([EncodedText(0, torch.tensor([3]), 1, soft[0]), EncodedText(1, torch.tensor([3]), 1, soft[1])])
    assert batch.targets.tolist() == [[0.25, 0.75], [1.0, 0.0]]


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=12), min_size=1, max_size=8))
def test_unpacking_gives_every_text_back(rows):
    padded, lengths = pad_packed_sequence(pack(texts(*rows)), batch_first=True)
    assert [ids[:length].tolist() for ids, length in zip(padded, lengths, strict=True)] == rows


def test_text_of_no_tokens_is_refused():
    with pytest.raises(ValueError, match="no tokens"):
        pack(texts([1], []))
