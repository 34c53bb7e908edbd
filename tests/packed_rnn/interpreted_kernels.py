"""The kernels for a GPU as Triton interprets them on a CPU: the same code, one program after the other.

`test_fused.py` starts these tests, with Triton.
"""

import pytest
import torch

from .twins import assert_twins_agree, pack, states, twins


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_outputs_states_and_gradients_equal_torch(library, layers, bidirectional, bias):
    both = twins(library, "lstm", 5, 16, path="fused", num_layers=layers, bidirectional=bidirectional, bias=bias)
    packed = pack([4, 9, 1, 6])
    assert both[0].path_for(packed) == "fused"
    assert_twins_agree(both, packed, tolerance=1e-5)


def test_initial_states_and_their_gradients(library):
    both = twins(library, "lstm", 5, 16, path="fused", num_layers=2, bidirectional=True)
    assert_twins_agree(both, pack([3, 5, 1]), states(both[0], 3), tolerance=1e-5)


def test_more_sequences_than_a_program_carries(library):
    both = twins(library, "lstm", 5, 16, path="fused", bidirectional=True)
    assert_twins_agree(both, pack(list(range(1, 20))), tolerance=1e-5)


def test_last_states_alone(library):
    ours, theirs = twins(library, "lstm", 5, 16, path="fused", bidirectional=True)
    packed = pack([2, 7])
    torch.testing.assert_close(ours.last_hidden(packed), theirs(packed)[1][0], rtol=1e-5, atol=1e-6)


def test_a_size_without_kernel_is_packed(library):
    (ours, _) = twins(library, "lstm", 5, 12, path="fused")
    assert ours.path_for(pack([2, 7])) == "packed"


@pytest.mark.parametrize("kind", ["lstm_proj", "gru", "rnn_tanh"])
def test_what_has_no_kernel_is_packed(library, kind):
    (ours, _) = twins(library, kind, path="fused")
    assert ours.path_for(pack([2, 7])) == "packed"
