import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from project.model.recurrence import ExactLSTM, padded_rows

E, H = 5, 4


def packed_embeddings(lengths: list[int], dtype: torch.dtype = torch.float32) -> PackedSequence:
    generator = torch.Generator().manual_seed(len(lengths))
    texts = [torch.randn(length, E, generator=generator, dtype=dtype) for length in lengths]
    return pack_sequence(texts, enforce_sorted=False)


def twins(layers: int, bidirectional: bool, dtype: torch.dtype) -> tuple[ExactLSTM, nn.LSTM]:
    """The padded way, and torch's own LSTM with the same weights."""
    torch.manual_seed(layers)
    exact = ExactLSTM(E, H, layers, bidirectional=bidirectional, path="padded").to(dtype)
    reference = nn.LSTM(E, H, layers, bidirectional=bidirectional).to(dtype)
    reference.load_state_dict(exact.state_dict())
    return exact, reference


def run(lstm: nn.LSTM, packed: PackedSequence) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Outputs (N, D*H), h_n (L*D, B, H), and the gradients of inputs and weights of a loss over both."""
    data = packed.data.clone().requires_grad_()
    output, state = lstm(packed._replace(data=data))
    h_n = state if isinstance(lstm, ExactLSTM) else state[0]
    loss = output.data.sin().sum() + (h_n * torch.arange(h_n.numel()).view_as(h_n)).sum()
    return output.data, h_n, list(torch.autograd.grad(loss, [data, *lstm.parameters()]))


lengths_of_texts = st.lists(st.integers(1, 12), min_size=1, max_size=6)


@given(lengths_of_texts, st.integers(1, 3), st.booleans())
@settings(max_examples=40)
def test_padded_equals_packed(lengths, layers, bidirectional):
    packed = packed_embeddings(lengths)
    exact, reference = (run(lstm, packed) for lstm in twins(layers, bidirectional, torch.float32))
    torch.testing.assert_close(exact[0], reference[0], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(exact[1], reference[1], rtol=1e-5, atol=1e-6)
    for gradient, expected in zip(exact[2], reference[2], strict=True):
        torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-4)


@given(lengths_of_texts, st.integers(1, 2))
@settings(max_examples=20)
def test_padded_equals_packed_to_the_last_digits_of_float64(lengths, layers):
    packed = packed_embeddings(lengths, torch.float64)
    exact, reference = (run(lstm, packed) for lstm in twins(layers, True, torch.float64))
    for ours, theirs in zip([*exact[:2], *exact[2]], [*reference[:2], *reference[2]], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-11)


def test_one_very_long_text_among_short_ones():
    packed = packed_embeddings([1, 200, 3])
    exact, reference = (run(lstm, packed) for lstm in twins(1, True, torch.float32))
    torch.testing.assert_close(exact[1], reference[1], rtol=1e-5, atol=1e-6)


def test_state_dict_is_that_of_torch():
    ours, theirs = ExactLSTM(E, H, 2).state_dict(), nn.LSTM(E, H, 2, bidirectional=True).state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


def test_rows_of_two_texts_by_hand():
    rows = padded_rows(torch.tensor([2, 1, 1]), torch.device("cpu"))  # lengths 3 and 1; tokens a0 b0 a1 a2
    assert rows.forward.tolist() == [0, 1, 2, 4]
    assert rows.reverse.tolist() == [4, 1, 2, 0]
    assert rows.last.tolist() == [3, 1]


@pytest.mark.parametrize("path", ["packed", "padded"])
def test_dropout_between_layers_acts_in_training_only(path):
    torch.manual_seed(0)
    lstm = ExactLSTM(E, H, 2, dropout=0.9, path=path)
    packed = packed_embeddings([3, 2])
    assert not torch.equal(lstm(packed)[1], lstm(packed)[1])
    lstm.eval()
    assert torch.equal(lstm(packed)[1], lstm(packed)[1])


def test_dropout_with_one_layer_gives_no_warning():
    assert ExactLSTM(E, H, 1, dropout=0.5).dropout == 0.0


def test_auto_is_padded_on_a_cpu(monkeypatch):
    def fail(*args):
        raise AssertionError("the packed kernel ran")

    monkeypatch.setattr(nn.LSTM, "forward", fail)
    ExactLSTM(E, H)(packed_embeddings([2]))
