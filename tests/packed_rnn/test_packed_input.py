"""On packed sequences, every path returns what torch's own module does: outputs, last states and all gradients."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import PackedSequence

from .twins import KINDS, H, I, assert_twins_agree, error_of, make, pack, states, twins

pytestmark = pytest.mark.usefixtures("short_blocks")

PATHS = ["packed", "padded", "parallel"]
all_lengths = st.lists(st.integers(1, 12), min_size=1, max_size=6)
kinds = st.sampled_from(sorted(KINDS))
own_paths = st.sampled_from(["padded", "parallel"])


@given(own_paths, kinds, all_lengths, st.integers(1, 3), st.booleans(), st.booleans())
@example("parallel", "lstm", [1, 200, 3], 1, True, True)
@example("padded", "lstm", [7, 7, 7], 2, True, True)
@settings(max_examples=60)
def test_equals_torch_in_float64(library, path, kind, lengths, layers, bidirectional, bias):
    both = twins(library, kind, I, H, layers, path=path, bias=bias, bidirectional=bidirectional, dtype=torch.float64)
    assert_twins_agree(both, pack(lengths, torch.float64))


@given(own_paths, kinds, all_lengths, st.integers(1, 2))
@settings(max_examples=40)
def test_equals_torch_in_float32(library, path, kind, lengths, layers):
    assert_twins_agree(twins(library, kind, I, H, layers, path=path, bidirectional=True), pack(lengths), None, 1e-4)


@given(own_paths, kinds, all_lengths)
@settings(max_examples=40)
def test_initial_states_and_their_gradients(library, path, kind, lengths):
    both = twins(library, kind, I, H, 2, path=path, bidirectional=True, dtype=torch.float64)
    hx = states(both[0], len(lengths), dtype=torch.float64)
    assert_twins_agree(both, pack(lengths, torch.float64), hx)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_last_hidden_is_h_n(library, path, kind):
    rnn, packed = make(library, kind, I, H, 2, path=path, bidirectional=True), pack([4, 9, 1])
    state = rnn(packed)[1]
    torch.testing.assert_close(rnn.last_hidden(packed), state[0] if isinstance(state, tuple) else state)


@pytest.mark.parametrize("path", PATHS)
def test_last_hidden_takes_initial_states(library, path):
    rnn, packed = make(library, "lstm", path=path), pack([4, 9, 1])
    hx = states(rnn, 3)
    torch.testing.assert_close(rnn.last_hidden(packed, hx), rnn(packed, hx)[1][0])


@pytest.mark.parametrize("hidden", [128, 256, 512])
def test_hidden_sizes(library, hidden):
    ours, theirs = twins(library, "lstm", I, hidden, path="parallel", bidirectional=True)
    packed = pack([6, 2])
    torch.testing.assert_close(ours.last_hidden(packed), theirs(packed)[1][0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("path", PATHS)
def test_batch_first_changes_nothing(library, path):
    assert_twins_agree(twins(library, "lstm", path=path, batch_first=True), pack([4, 9, 1]), None, 1e-5)


@pytest.mark.parametrize("path", PATHS)
def test_output_has_the_order_of_the_input(library, path):
    packed = pack([4, 9, 1])
    output, _ = make(library, "lstm", path=path)(packed)
    assert output.unsorted_indices.tolist() == [1, 0, 2]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "size", [torch.Size([1, 2, H]), torch.Size([2, 3, H]), torch.Size([1, 3, H + 1])], ids=["batch", "rows", "hidden"]
)
def test_states_of_a_wrong_shape_raise_what_torch_raises(library, path, size):
    ours, theirs = twins(library, "lstm", path=path)
    packed = PackedSequence(torch.ones(4, I), torch.tensor([3, 1]))
    hx = torch.zeros(size), torch.zeros(size)
    assert error_of(ours, packed, hx) == error_of(theirs, packed, hx)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_states_of_a_wrong_dtype_raise_what_torch_raises(library, path, kind):
    ours, theirs = twins(library, kind, path=path)
    hx = states(ours, 2, dtype=torch.float64)
    assert error_of(ours, pack([3, 1]), hx) == error_of(theirs, pack([3, 1]), hx)


@pytest.mark.parametrize("path", PATHS)
def test_data_of_a_wrong_size_raises_what_torch_raises(library, path):
    ours, theirs = twins(library, "lstm", path=path)
    assert error_of(ours, pack([3, 1], size=I + 1)) == error_of(theirs, pack([3, 1], size=I + 1))


@pytest.mark.parametrize("path", PATHS)
def test_data_of_a_wrong_dtype_raises_what_torch_raises(library, path):
    ours, theirs = twins(library, "lstm", path=path)
    assert error_of(ours, pack([3, 1], torch.float64)) == error_of(theirs, pack([3, 1], torch.float64))


@pytest.mark.parametrize("path", PATHS)
def test_dropout_acts_in_training(library, path):
    rnn, packed = make(library, "lstm", I, H, 2, path=path, dropout=0.9), pack([3, 2])
    assert not torch.equal(rnn.last_hidden(packed), rnn.last_hidden(packed))


@pytest.mark.parametrize("path", PATHS)
def test_dropout_rests_in_evaluation(library, path):
    rnn, packed = make(library, "lstm", I, H, 2, path=path, dropout=0.9).eval(), pack([3, 2])
    assert torch.equal(rnn.last_hidden(packed), rnn.last_hidden(packed))


@pytest.mark.parametrize("path", PATHS)
def test_dropout_drops_each_direction_on_its_own(library, path):
    torch.manual_seed(0)
    rnn = make(library, "rnn_relu", 1, 1, 2, path=path, bias=False, dropout=0.25, bidirectional=True)
    for name, weight in rnn.named_parameters():
        # layer 0 outputs 1 at every token in both directions, and layer 1 adds them
        torch.nn.init.zeros_(weight) if "hh" in name else torch.nn.init.ones_(weight)
    torch.nn.init.constant_(rnn.all_weights[2][0][:, 1], 10.0)
    tokens = PackedSequence(torch.ones(20_000, 1), torch.tensor([20_000]))
    seen = rnn(tokens)[0].data[:, 0] * 0.75  # 1 of the forward half, 10 of the backward half
    shares = [((seen - value).abs() < 1e-4).float().mean().item() for value in (0.0, 1.0, 10.0, 11.0)]
    assert shares == pytest.approx([0.0625, 0.1875, 0.1875, 0.5625], abs=0.012)  # four standard errors


@pytest.mark.parametrize("path", PATHS)
def test_inference_mode(library, path):
    rnn, packed = make(library, "lstm", path=path, bidirectional=True), pack([3, 5])
    expected = rnn.last_hidden(packed)
    with torch.inference_mode():
        torch.testing.assert_close(rnn.last_hidden(packed), expected)


@pytest.mark.parametrize("path", PATHS)
def test_no_grad_leaves_no_graph(library, path):
    with torch.no_grad():
        assert not make(library, "lstm", path=path, bidirectional=True).last_hidden(pack([3, 5])).requires_grad


@pytest.mark.parametrize("path", PATHS)
def test_frozen_weights_get_no_gradient(library, path):
    rnn = make(library, "lstm", path=path, bidirectional=True)
    rnn.weight_hh_l0.requires_grad_(False)
    rnn.last_hidden(pack([3, 5])).sum().backward()
    assert [name for name, weight in rnn.named_parameters() if weight.grad is None] == ["weight_hh_l0"]


@pytest.mark.parametrize("path", PATHS)
def test_a_second_backward_needs_retain_graph(library, path):
    loss = make(library, "lstm", path=path, bidirectional=True).last_hidden(pack([3, 5])).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        loss.backward()


@pytest.mark.parametrize("path", PATHS)
def test_a_weight_changed_before_the_backward_is_noticed(library, path):
    rnn = make(library, "lstm", path=path, bidirectional=True)
    loss = rnn.last_hidden(pack([3, 5])).sum()
    with torch.no_grad():
        rnn.weight_hh_l0.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def gradient_penalty(rnn, packed):
    data = packed.data.clone().requires_grad_()
    (slope,) = torch.autograd.grad(rnn(packed._replace(data=data))[1][0].sum(), data, create_graph=True)
    slope.square().sum().backward()
    return data.grad


@pytest.mark.parametrize("path", ["padded", "parallel"])
def test_gradients_of_gradients_raise(library, path):
    with pytest.raises(RuntimeError, match="trying to differentiate twice"):
        gradient_penalty(make(library, "lstm", path=path, bidirectional=True), pack([3, 5]))


def test_gradients_of_gradients_with_the_packed_path(library):
    ours, theirs = twins(library, "lstm", path="packed", bidirectional=True)
    torch.testing.assert_close(gradient_penalty(ours, pack([3, 5])), gradient_penalty(theirs, pack([3, 5])))


@pytest.mark.parametrize("path", PATHS)
def test_functional_call_computes_with_the_given_weights(library, path):
    ours, theirs = twins(library, "lstm", path=path, bidirectional=True)
    doubled = {name: weight * 2 for name, weight in ours.named_parameters()}
    expected = torch.func.functional_call(theirs, doubled, (pack([3, 5]),))[1][0]
    torch.testing.assert_close(torch.func.functional_call(ours, doubled, (pack([3, 5]),))[1][0], expected)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_bfloat16_autocast_rounds_and_no_more(library, path, kind):
    rnn, packed = make(library, kind, path=path, bidirectional=True), pack([3, 5])
    expected = rnn.last_hidden(packed)
    with torch.autocast("cpu", torch.bfloat16):
        h_n = rnn.last_hidden(packed)
    torch.testing.assert_close(h_n.float(), expected, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("path", PATHS)
def test_gradients_under_bfloat16_autocast_are_float32(library, path):
    rnn = make(library, "lstm", path=path, bidirectional=True)
    with torch.autocast("cpu", torch.bfloat16):
        h_n = rnn.last_hidden(pack([3, 5]))
    h_n.float().sum().backward()
    assert {weight.grad.dtype for weight in rnn.parameters() if weight.grad is not None} == {torch.float32}


@pytest.mark.parametrize("path", PATHS)
def test_float32_states_meet_bfloat16_data_under_autocast(library, path):
    rnn, packed = make(library, "lstm", path=path), pack([3, 5])
    hx = states(rnn, 2)
    expected = rnn.last_hidden(packed, hx)
    with torch.autocast("cpu", torch.bfloat16):
        h_n = rnn.last_hidden(packed.to(torch.bfloat16), hx)
    torch.testing.assert_close(h_n.float(), expected, rtol=0.05, atol=0.05)


def test_autocast_leaves_float32_if_the_processor_has_no_bfloat16(library, module, monkeypatch):
    monkeypatch.setattr(module("modules"), "autocast_has_bfloat16", lambda: False)
    rnn, packed = make(library, "lstm", path="padded"), pack([3, 5])
    with torch.autocast("cpu", torch.bfloat16):
        output, _ = rnn(packed)
    assert torch.equal(output.data, rnn(packed)[0].data)


@pytest.mark.parametrize("path", PATHS)
def test_float16_is_torchs_own(library, path):
    ours, theirs = twins(library, "lstm", path=path, dtype=torch.float16)
    packed = pack([3, 5], torch.float16)
    assert torch.equal(ours(packed)[0].data, theirs(packed)[0].data)


@pytest.mark.parametrize("path", PATHS)
def test_float16_autocast_is_torchs_own(library, path):
    ours, theirs = twins(library, "lstm", path=path)
    with torch.autocast("cpu", torch.float16):
        assert torch.equal(ours(pack([3, 5]))[0].data, theirs(pack([3, 5]))[0].data)


@pytest.mark.parametrize("path", PATHS)
def test_meta_device_gives_shapes(library, path):
    rnn = make(library, "lstm", I, H, 2, path=path, bidirectional=True).to("meta")
    packed = PackedSequence(torch.empty(8, I, device="meta"), torch.tensor([3, 3, 1, 1]))
    output, (h_n, c_n) = rnn(packed)
    assert (output.data.shape, h_n.shape, c_n.shape) == ((8, 2 * H), (4, 3, H), (4, 3, H))
