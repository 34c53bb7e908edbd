import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence

from project.model.encoder import BiLSTMEncoder

E, H = 5, 4


def encoder(layers: int = 1) -> BiLSTMEncoder:
    torch.manual_seed(0)
    return BiLSTMEncoder(E, H, layers)


def texts(lengths: list[int]) -> list[Tensor]:
    return [torch.randn(length, E, generator=torch.Generator().manual_seed(i)) for i, length in enumerate(lengths)]


def features(module: BiLSTMEncoder, rows: list[Tensor]) -> Tensor:
    encoded: Tensor = module(pack_sequence(rows, enforce_sorted=False))
    return encoded


def test_shape_is_batch_by_two_hidden():
    assert features(encoder(), texts([3, 1, 2])).shape == (3, 2 * H)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_halves_are_forward_at_the_last_token_and_backward_at_the_first(layers):
    module, rows = encoder(layers), texts([2, 5, 1])
    for row, feature in zip(rows, features(module, rows), strict=True):
        output, _ = module.lstm(pack_sequence([row]))  # data (T, 2H) of this text alone
        torch.testing.assert_close(feature[:H], output.data[-1, :H])
        torch.testing.assert_close(feature[H:], output.data[0, H:])


def test_reading_the_last_time_step_loses_the_backward_half():
    module, (row,) = encoder(), texts([6])
    output, _ = module.lstm(pack_sequence([row]))
    only_last_token, _ = module.lstm(pack_sequence([row[-1:]]))
    torch.testing.assert_close(output.data[-1, H:], only_last_token.data[-1, H:])  # out[:, -1, :] has read one token


lengths_of_texts = st.lists(st.integers(1, 9), min_size=2, max_size=5)


@given(lengths_of_texts, st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_order_of_the_batch_changes_nothing(lengths, random):
    module, rows = encoder(2), texts(lengths)
    order = random.sample(range(len(rows)), len(rows))
    shuffled = features(module, [rows[i] for i in order])
    torch.testing.assert_close(shuffled, features(module, rows)[order])


@given(lengths_of_texts)
@settings(max_examples=25)
def test_batch_mates_change_nothing(lengths):
    module, rows = encoder(2), texts(lengths)
    torch.testing.assert_close(features(module, rows)[:1], features(module, rows[:1]))


@given(lengths_of_texts, st.integers(1, 7))
@settings(max_examples=25)
def test_width_and_content_of_the_padding_change_nothing(lengths, extra):
    module, rows = encoder(2), texts(lengths)
    padded = torch.full((len(rows), max(lengths) + extra, E), 99.0)
    for row, text in enumerate(rows):
        padded[row, : len(text)] = text
    packed = pack_padded_sequence(padded, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    torch.testing.assert_close(module(packed), features(module, rows))


def test_forget_gates_begin_open():
    lstm = encoder(2).lstm
    for name, bias in lstm.named_parameters():
        if name.startswith("bias"):
            expected = 1.0 if name.startswith("bias_ih") else 0.0
            assert bias.view(4, H)[1].tolist() == [expected] * H
            assert bias.view(4, H)[[0, 2, 3]].count_nonzero() == 0


def test_recurrent_weights_begin_orthogonal():
    weight = encoder().lstm.weight_hh_l0
    assert isinstance(weight, Tensor)
    for gate in weight.view(4, H, H):
        torch.testing.assert_close(gate @ gate.T, torch.eye(H), atol=1e-5, rtol=0)
