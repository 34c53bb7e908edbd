"""Every way to compute equals torch's own module on the packed batch: outputs, last states and all gradients."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from project.errors import UserError
from project.packed_rnn import recurrence, threads
from project.packed_rnn.recurrence import ExactRNN

E, H = 5, 4
TORCH = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn_tanh": nn.RNN, "rnn_relu": nn.RNN}
WAYS = ["packed", "padded", "parallel", "lean"]


@pytest.fixture(autouse=True, scope="module")
def short_blocks() -> Iterator[None]:
    """Let texts of a few tokens fill several blocks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recurrence, "BLOCK_STEPS", 4)
        patch.setattr(recurrence, "BLOCK_CELLS", 1)
        yield


def packed_embeddings(lengths: list[int], dtype: torch.dtype = torch.float32) -> PackedSequence:
    generator = torch.Generator().manual_seed(len(lengths))
    texts = [torch.randn(length, E, generator=generator, dtype=dtype) for length in lengths]
    return pack_sequence(texts, enforce_sorted=False)


def twin(exact: ExactRNN) -> nn.RNNBase:
    """torch's own module with the same weights."""
    options: dict[str, Any] = {"nonlinearity": exact.mode[4:].lower()} if exact.mode.startswith("RNN") else {}
    if exact.proj_size:
        options["proj_size"] = exact.proj_size
    module = TORCH[exact.mode.lower()](
        E, H, exact.num_layers, bias=exact.bias, bidirectional=exact.bidirectional, **options
    )
    module.load_state_dict(exact.state_dict())
    return module.to(exact.weight_ih_l0.dtype)


def run(rnn: nn.Module, packed: PackedSequence, hx=None) -> tuple[list[Tensor], list[Tensor]]:
    """Outputs (N, D*H), h_n and c_n; and the gradients of inputs, initial states and weights of a loss over all."""
    data = packed.data.clone().requires_grad_()
    given_states = [] if hx is None else [hx] if isinstance(hx, Tensor) else list(hx)
    output, state = rnn(packed._replace(data=data), hx)
    values = [output.data, *([state] if isinstance(state, Tensor) else state)]
    loss = sum((value.sin() * torch.arange(1.0, value.numel() + 1).view_as(value)).mean() for value in values)
    assert isinstance(loss, Tensor)
    return values, list(torch.autograd.grad(loss, [data, *given_states, *rnn.parameters()]))


def assert_equal(ours, theirs, forward: float, backward: float) -> None:
    """Relative to the largest of each tensor."""
    for tensors, expected, tolerance in zip(ours, theirs, (forward, backward), strict=True):
        for tensor, other in zip(tensors, expected, strict=True):
            scale = max(other.abs().max().item(), 1.0)
            torch.testing.assert_close(tensor, other, rtol=tolerance, atol=tolerance * scale)


lengths_of_texts = st.lists(st.integers(1, 12), min_size=1, max_size=6)
cells = st.sampled_from(sorted(TORCH))
ways = st.sampled_from(["padded", "parallel", "lean"])


@given(ways, cells, lengths_of_texts, st.integers(1, 3), st.booleans(), st.booleans())
@example("parallel", "lstm", [1, 200, 3], 1, True, True)
@example("padded", "lstm", [7, 7, 7], 2, True, True)
@settings(max_examples=100)
def test_equals_torch(way, cell, lengths, layers, bidirectional, bias):
    torch.manual_seed(0)
    exact = ExactRNN(cell, E, H, layers, bias, bidirectional=bidirectional, path=way)
    packed = packed_embeddings(lengths)
    assert_equal(run(exact, packed), run(twin(exact), packed), 1e-6 if cell == "lstm" else 5e-6, 1e-4)


@given(ways, cells, lengths_of_texts, st.integers(1, 2))
@settings(max_examples=40)
def test_equals_torch_to_the_last_digits_of_float64(way, cell, lengths, layers):
    torch.manual_seed(0)
    exact = ExactRNN(cell, E, H, layers, path=way).double()
    packed = packed_embeddings(lengths, torch.float64)
    assert_equal(run(exact, packed), run(twin(exact), packed), 1e-12, 1e-12)


@given(ways, cells, lengths_of_texts)
@settings(max_examples=30)
def test_initial_states_and_their_gradients(way, cell, lengths):
    torch.manual_seed(0)
    exact = ExactRNN(cell, E, H, 2, path=way)
    h_0, c_0 = (torch.randn(4, len(lengths), H, requires_grad=True) for _ in range(2))
    hx = (h_0, c_0) if cell == "lstm" else h_0
    packed = packed_embeddings(lengths)
    assert_equal(run(exact, packed, hx), run(twin(exact), packed, hx), 5e-6, 1e-4)


@pytest.mark.parametrize("way", WAYS)
def test_projection_of_an_lstm(way):
    exact = ExactRNN("lstm", E, H, 2, proj_size=3, path=way)
    packed = packed_embeddings([4, 9, 1])
    assert_equal(run(exact, packed), run(twin(exact), packed), 1e-6, 1e-4)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cell", sorted(TORCH))
def test_last_hidden_is_h_n(way, cell):
    exact = ExactRNN(cell, E, H, 2, path=way)
    packed = packed_embeddings([4, 9, 1])
    state = exact(packed)[1]
    torch.testing.assert_close(exact.last_hidden(packed), state[0] if cell == "lstm" else state)


@pytest.mark.parametrize("hidden", [128, 256, 512])
def test_hidden_sizes(hidden):
    exact, packed = ExactRNN("lstm", E, hidden, path="parallel"), packed_embeddings([6, 2])
    theirs = nn.LSTM(E, hidden, bidirectional=True)
    theirs.load_state_dict(exact.state_dict())
    torch.testing.assert_close(exact.last_hidden(packed), theirs(packed)[1][0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cell", sorted(TORCH))
def test_state_dict_is_that_of_torch_both_ways(cell):
    exact = ExactRNN(cell, E, H, 2)
    exact.load_state_dict(twin(exact).state_dict())
    assert list(exact.state_dict()) == list(twin(exact).state_dict())


@pytest.mark.parametrize("way", ["padded", "parallel", "lean"])
def test_gradients_of_gradients(way):
    torch.manual_seed(0)
    exact = ExactRNN("lstm", E, 2, path=way).double()
    packed = packed_embeddings([2, 4], torch.float64)
    weights = tuple(exact.parameters())
    assert torch.autograd.gradgradcheck(
        lambda data, *_: exact.last_hidden(packed._replace(data=data)),
        (packed.data.requires_grad_(), *weights),
        fast_mode=True,
    )


@pytest.mark.parametrize("way", ["padded", "parallel", "lean"])
def test_gradients_of_gradients_equal_those_of_torch_in_float32(way):
    exact, packed = ExactRNN("lstm", E, H, 2, path=way), packed_embeddings([5, 2, 7])

    def penalty(rnn: nn.Module) -> Tensor:
        data = packed.data.clone().requires_grad_()
        loss = rnn(packed._replace(data=data))[1][0].sin().sum()
        (slope,) = torch.autograd.grad(loss, data, create_graph=True)
        return torch.autograd.grad(slope.square().sum(), data)[0]

    torch.testing.assert_close(penalty(exact), penalty(twin(exact)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("way", WAYS)
def test_dropout_between_layers_acts_in_training_only(way):
    lstm, packed = ExactRNN("lstm", E, H, 2, dropout=0.9, path=way), packed_embeddings([3, 2])
    assert not torch.equal(lstm.last_hidden(packed), lstm.last_hidden(packed))
    lstm.eval()
    assert torch.equal(lstm.last_hidden(packed), lstm.last_hidden(packed))


@pytest.mark.parametrize("way", WAYS)
def test_dropout_keeps_its_law_for_each_direction(way):
    """A second layer that sums its input shows what dropout let through, of each half on its own."""
    torch.manual_seed(0)
    rnn = ExactRNN("rnn_relu", 1, 1, 2, bias=False, dropout=0.25, path=way)
    for (
        name,
        weight,
    ) in rnn.named_parameters():  # layer 0 outputs 1 at every token, layer 1 adds both halves of its input
        nn.init.zeros_(weight) if "hh" in name else nn.init.ones_(weight)
    nn.init.constant_(rnn.all_weights[2][0][:, 1], 10.0)
    tokens = PackedSequence(torch.ones(20_000, 1), torch.tensor([20_000]))
    seen = rnn(tokens)[0].data[:, 0] * 0.75  # 1 of the forward half, 10 of the backward half
    shares = [((seen - value).abs() < 1e-4).float().mean().item() for value in (0.0, 1.0, 10.0, 11.0)]
    expected = [0.25 * 0.25, 0.75 * 0.25, 0.25 * 0.75, 0.75 * 0.75]
    assert shares == pytest.approx(expected, abs=0.012)  # four standard errors


def test_dropout_with_one_layer_gives_no_warning():
    assert ExactRNN("lstm", E, H, 1, dropout=0.5).dropout == 0.0


@pytest.mark.parametrize("way", WAYS)
def test_inference_mode(way):
    exact, packed = ExactRNN("lstm", E, H, path=way), packed_embeddings([3, 5])
    expected = exact.last_hidden(packed)
    with torch.inference_mode():
        torch.testing.assert_close(exact.last_hidden(packed), expected)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cell", sorted(TORCH))
def test_bfloat16_autocast_rounds_and_no_more(way, cell):
    exact, packed = ExactRNN(cell, E, H, path=way), packed_embeddings([3, 5])
    expected = exact.last_hidden(packed)
    with torch.autocast("cpu", torch.bfloat16):
        h_n = exact.last_hidden(packed)
    torch.testing.assert_close(h_n.float(), expected, rtol=0.05, atol=0.05)
    h_n.float().sum().backward()
    assert all(weight.grad is not None and weight.grad.dtype == torch.float32 for weight in exact.parameters())


@pytest.mark.parametrize("way", WAYS)
def test_float16_on_a_cpu_is_refused_in_one_line(way):
    exact = ExactRNN("lstm", E, H, path=way)
    with torch.autocast("cpu", torch.float16), pytest.raises(UserError, match="no float16 on a CPU: use bfloat16"):
        exact(packed_embeddings([3]))


@pytest.mark.parametrize("way", WAYS)
def test_meta_device_gives_shapes(way):
    exact = ExactRNN("lstm", E, H, 2, path=way).to("meta")
    packed = PackedSequence(torch.empty(8, E, device="meta"), torch.tensor([3, 3, 1, 1]))
    output, (h_n, c_n) = exact(packed)
    assert (output.data.shape, h_n.shape, c_n.shape) == ((8, 2 * H), (4, 3, H), (4, 3, H))


def test_initial_states_are_brought_to_dtype_and_device():
    exact, packed = ExactRNN("gru", E, H), packed_embeddings([3, 5])
    state = torch.ones(2, 2, H)
    torch.testing.assert_close(exact(packed, state.double())[1], exact(packed, state)[1])


def test_initial_states_of_a_wrong_shape_are_refused():
    with pytest.raises(UserError, match=r"shapes \(2, 1, 4\), needed: \(2, 2, 4\) and \(2, 2, 4\)"):
        ExactRNN("lstm", E, H)(packed_embeddings([3, 5]), torch.zeros(2, 1, H))


@pytest.mark.parametrize(
    "options", [{"cell": "lsmt"}, {"cell": "gru", "proj_size": 2}, {"proj_size": H}, {"path": "fast"}]
)
def test_arguments_that_contradict_each_other_are_refused(options):
    with pytest.raises(UserError):
        ExactRNN(**{"cell": "lstm", "input_size": E, "hidden_size": H, **options})


@pytest.mark.parametrize(
    ("lengths", "training", "way"),
    [
        ([1000], True, "packed"),  # one text
        ([50, 50], True, "packed"),  # equal lengths
        ([5, 4], True, "packed"),  # few steps
        ([5] * 3000 + [4], True, "packed"),
        ([5] * 6000 + [4], True, "parallel"),  # few, but wide ones
        ([5] * 3000 + [4], False, "parallel"),
        ([15, 4], True, "padded"),
        ([15, 4], False, "packed"),
        ([50, 4], False, "padded"),
        ([300] * 63 + [1], True, "parallel"),  # enough for two threads
        ([300] * 63 + [1], False, "parallel"),
        ([300] * 64, False, "packed"),
        ([2000] * 64, False, "parallel"),
        ([300] * 64, True, "packed"),
        ([900] * 64, True, "packed"),
        ([15] * 999 + [4], False, "parallel"),
    ],
)
def test_auto_chooses_by_size(lengths, training, way, monkeypatch):
    monkeypatch.setattr(recurrence, "spare_threads", lambda: True)
    with torch.set_grad_enabled(training):
        assert ExactRNN("lstm", E, 32).path_for(packed_embeddings(lengths)) == way


@pytest.mark.parametrize(("hidden_size", "way"), [(64, "packed"), (128, "parallel")])
def test_auto_runs_equal_lengths_at_once_where_the_network_is_wide(monkeypatch, hidden_size, way):
    monkeypatch.setattr(recurrence, "spare_threads", lambda: True)
    assert ExactRNN("lstm", E, hidden_size).path_for(packed_embeddings([400] * 64)) == way


def test_auto_keeps_to_one_thread_where_there_is_no_other(monkeypatch):
    monkeypatch.setattr(recurrence, "spare_threads", lambda: False)
    assert ExactRNN("lstm", E, 32).path_for(packed_embeddings([300] * 63 + [1])) == "padded"


def test_threads_of_each_way(monkeypatch):
    monkeypatch.setattr(threads, "_whole", 4)
    exact = ExactRNN("lstm", E, H)
    for exact.path, expected in (("packed", 4), ("padded", 2), ("parallel", 2)):
        exact(packed_embeddings([3, 5]))
        assert torch.get_num_threads() == expected


def test_autocast_leaves_float32_where_the_processor_has_no_bfloat16(monkeypatch):
    monkeypatch.setattr(recurrence, "autocast_has_bfloat16", lambda: False)
    exact, packed = ExactRNN("lstm", E, H, path="padded"), packed_embeddings([3, 5])
    with torch.autocast("cpu", torch.bfloat16):
        output, _ = exact(packed)
    torch.testing.assert_close(output.data, exact(packed)[0].data, rtol=0, atol=0)


@pytest.mark.parametrize(("steps", "way"), [(50, "packed"), (100, "padded")])
def test_auto_for_a_gru(steps, way):
    assert ExactRNN("gru", E, H).path_for(packed_embeddings([steps, 4])) == way


def names_of_nodes(tensor: Tensor) -> list[str]:
    """Names of all nodes of the autograd graph behind a tensor."""
    seen, waiting = set(), [tensor.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting += [before for before, _ in node.next_functions]
    return [node.name() for node in seen]


def test_every_block_is_a_node_of_its_own_which_frees_what_it_keeps():
    exact = ExactRNN("lstm", E, H, num_layers=2, path="parallel")
    hidden = exact.last_hidden(packed_embeddings([9, 9, 8]))
    assert names_of_nodes(hidden).count("_SideBySideBackward") == 6  # blocks of 4, 4 and 1 steps, in two layers


def test_few_texts_make_longer_blocks(monkeypatch):
    monkeypatch.setattr(recurrence, "BLOCK_CELLS", 16)
    exact = ExactRNN("lstm", E, H, path="parallel")
    hidden = exact.last_hidden(packed_embeddings([16, 15]))
    assert names_of_nodes(hidden).count("_SideBySideBackward") == 2  # of 8 steps


def test_without_gradients_there_is_one_block(monkeypatch):
    kernel = Mock(side_effect=torch.lstm)
    monkeypatch.setitem(recurrence.KERNELS, "LSTM", kernel)
    with torch.no_grad():
        ExactRNN("lstm", E, H, bidirectional=False, path="padded").last_hidden(packed_embeddings([9, 9, 8]))
    assert kernel.call_count == 1


@pytest.mark.parametrize(("lengths", "forward", "backward"), [([9, 8], 6, 3), ([4, 4, 3], 2, 0), ([9, 9], 6, 0)])
def test_of_long_texts_the_lower_layer_is_computed_again(monkeypatch, lengths, forward, backward):
    calls = Mock(side_effect=recurrence.KERNELS["LSTM"])
    monkeypatch.setitem(recurrence.KERNELS, "LSTM", calls)
    exact = ExactRNN("lstm", E, H, num_layers=2, bidirectional=False, path="padded")
    output, _ = exact(packed_embeddings(lengths))
    assert calls.call_count == forward  # blocks of 4 steps, two layers
    output.data.sum().backward()
    assert calls.call_count == forward + backward
