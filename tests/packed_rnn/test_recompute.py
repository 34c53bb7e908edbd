"""The layers below the last one keep only what they read, and the backward pass computes them again."""

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from .twins import KINDS, H, I, assert_twins_agree, make, pack, run, states, twins

LENGTHS = [12, 3, 11, 7]
own_paths = pytest.mark.parametrize("path", ["padded", "parallel"])
in_several_blocks = pytest.mark.usefixtures("short_blocks")


@pytest.fixture
def recomputing(module, threads_at):
    """The calls that are made again in a backward pass, each as torch's number of threads at that moment."""
    return threads_at(module("parallel").RecomputingTape, "backward")


@in_several_blocks
@own_paths
@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("layers", [2, 3])
@pytest.mark.parametrize("threads", [1, 4])
def test_equals_torch(library, recomputing, kind, path, layers, threads):
    torch.set_num_threads(threads)
    both = twins(library, kind, I, H, layers, path=path, bidirectional=True, dtype=torch.float64)
    hx = states(both[0], len(LENGTHS), dtype=torch.float64)
    assert_twins_agree(both, pack(LENGTHS, torch.float64), hx)
    assert recomputing


# two threads share autocast's memory of cast weights, and which of them forgets it first changes how gradients round
@in_several_blocks
@pytest.mark.parametrize(("path", "tolerance"), [("padded", 1e-6), ("parallel", 0.02)])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_equals_what_is_kept_under_bfloat16_autocast(library, module, monkeypatch, kind, path, tolerance):
    rnn = make(library, kind, I, H, 3, path=path, bidirectional=True)

    def values_and_gradients():
        packed = pack(LENGTHS)
        data = packed.data.requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            output, _ = rnn(packed._replace(data=data))
            output, _ = rnn(packed._replace(data=data + output.data.float().mean()))  # again with the same weights
        return output.data, *torch.autograd.grad(output.data.float().square().sum(), [data, *rnn.parameters()])

    recomputed = values_and_gradients()
    parallel = module("parallel")
    monkeypatch.setattr(parallel, "RecomputingTape", parallel.Tape)
    for mine, expected in zip(recomputed, values_and_gradients(), strict=True):
        torch.testing.assert_close(mine, expected, rtol=0.0, atol=tolerance * expected.abs().max().item())


@in_several_blocks
@own_paths
def test_frozen_weights_get_no_gradient(library, path):
    rnn = make(library, "lstm", I, H, 2, path=path, bidirectional=True)
    rnn.weight_hh_l0.requires_grad_(False)
    rnn.last_hidden(pack(LENGTHS)).sum().backward()
    assert [name for name, weight in rnn.named_parameters() if weight.grad is None] == ["weight_hh_l0"]


@in_several_blocks
@own_paths
def test_backward_twice_with_retain_graph(library, path):
    rnn = make(library, "lstm", I, H, 2, path=path, bidirectional=True)
    loss = rnn.last_hidden(pack(LENGTHS)).sum()
    once = torch.autograd.grad(loss, rnn.weight_hh_l0, retain_graph=True)[0]
    assert torch.equal(once, torch.autograd.grad(loss, rnn.weight_hh_l0)[0])


@in_several_blocks
@own_paths
def test_each_direction_is_computed_again_with_half_of_the_threads(library, recomputing, path):
    torch.set_num_threads(4)
    run(make(library, "lstm", I, H, 2, path=path, bidirectional=True), pack(LENGTHS))
    assert (set(recomputing), torch.get_num_threads()) == ({2}, 4)


@in_several_blocks
@own_paths
def test_an_error_while_computing_again_restores_the_threads(library, module, monkeypatch, path):
    torch.set_num_threads(4)
    h_n = make(library, "lstm", I, H, 2, path=path, bidirectional=True).last_hidden(pack(LENGTHS))

    def fail(*arguments):
        raise ValueError("no tape")

    monkeypatch.setattr(module("parallel"), "Tape", fail)
    with pytest.raises(ValueError, match="no tape"):
        h_n.sum().backward()
    assert torch.get_num_threads() == 4


@in_several_blocks
@own_paths
@pytest.mark.parametrize(("lengths", "layers"), [([12, 12], 3), ([3, 3, 2], 3), (LENGTHS, 1)], ids=str)
def test_equal_lengths_one_block_and_the_last_layer_are_kept(library, recomputing, path, lengths, layers):
    run(make(library, "lstm", I, H, layers, path=path, bidirectional=True), pack(lengths))
    assert not recomputing


def bytes_kept(rnn, packed):
    """How much memory the graph of a forward keeps for the backward pass, without parameters."""
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        h_n = rnn.last_hidden(packed._replace(data=packed.data.clone().requires_grad_()))
    parameters = {weight.untyped_storage().data_ptr() for weight in rnn.parameters()}
    del h_n  # until now it held the graph, so that no memory was used twice
    return sum(size for pointer, size in kept.items() if pointer not in parameters)


@in_several_blocks
@own_paths
@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn_tanh"])
def test_a_lower_layer_keeps_its_inputs_and_little_else(library, kind, path):
    hidden, lengths = 32, [64, 63, 62, 20]

    def kept(layers):
        return bytes_kept(make(library, kind, I, hidden, layers, path=path, bidirectional=True), pack(lengths))

    inputs = 2 * hidden * 4 * sum(lengths)  # bytes, for each direction
    assert kept(3) - kept(2) < 2.8 * inputs  # padding and states add to 2; without computing again it is 35, 9 and 3.3


@pytest.mark.slow
def test_a_backward_loads_no_compiler(new_process):
    assert new_process[1] == "False set()"
