import sys
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pack_sequence, pad_packed_sequence

from project.encoder import (
    MERGES,
    AttentionPooling,
    BiLSTMEncoder,
    CNNEncoder,
    Encoder,
    Encoding,
    build_encoder,
    encoder_state,
)
from project.errors import UserError
from project.network import SentimentNetwork

E, H = 5, 4


def padded(encoding: Encoding) -> tuple[Tensor, Tensor]:
    return pad_packed_sequence(encoding.tokens, batch_first=True)


def encoder(layers: int = 1, **options) -> BiLSTMEncoder:
    torch.manual_seed(0)
    return BiLSTMEncoder(E, H, layers, **{"dropout": 0.0, **options})


def texts(lengths: list[int]) -> list[Tensor]:
    return [torch.randn(length, E, generator=torch.Generator().manual_seed(i)) for i, length in enumerate(lengths)]


def features(module: BiLSTMEncoder, rows: list[Tensor]) -> Tensor:
    encoded: Tensor = module(pack_sequence(rows, enforce_sorted=False))
    return encoded


def outputs(module: BiLSTMEncoder, row: Tensor) -> Tensor:
    """The recurrent network's outputs (T, D*H) for one text alone."""
    output: Tensor = module.rnn(pack_sequence([row]))[0].data
    return output


def test_shape_is_batch_by_two_hidden():
    assert features(encoder(), texts([3, 1, 2])).shape == (3, 2 * H)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_halves_are_forward_at_the_last_token_and_backward_at_the_first(layers, cell):
    module, rows = encoder(layers, cell=cell), texts([2, 5, 1])
    for row, feature in zip(rows, features(module, rows), strict=True):
        torch.testing.assert_close(feature[:H], outputs(module, row)[-1, :H])
        torch.testing.assert_close(feature[H:], outputs(module, row)[0, H:])


def test_reading_the_last_time_step_loses_the_backward_half():
    module, (row,) = encoder(), texts([6])
    last = outputs(module, row)[-1, H:]  # what out[:, -1, :] takes for the backward half
    torch.testing.assert_close(last, outputs(module, row[-1:])[-1, H:])  # it has read one token


@pytest.mark.parametrize("layers", [1, 2])
def test_one_direction(layers):
    module, rows = encoder(layers, bidirectional=False), texts([2, 5, 1])
    assert features(module, rows).shape == (3, H)
    for row, feature in zip(rows, features(module, rows), strict=True):
        torch.testing.assert_close(feature, outputs(module, row)[-1])


@pytest.mark.parametrize(
    ("merge", "expected"), [("concat", [1, 2, 3, 5]), ("sum", [4, 7]), ("mean", [2, 3.5]), ("product", [3, 10])]
)
def test_merges_by_hand(merge, expected):
    assert MERGES[merge](torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0])).tolist() == expected


@pytest.mark.parametrize("merge", ["concat", "sum", "mean", "product"])
def test_last_states_are_merged(merge):
    module, rows = encoder(merge=merge), texts([3, 2])
    forward, backward = features(encoder(), rows).split(H, dim=1)
    assert module.output_size == (2 * H if merge == "concat" else H)
    torch.testing.assert_close(features(module, rows), MERGES[merge](forward, backward))


@pytest.mark.parametrize("merge", ["concat", "sum", "mean", "product"])
def test_token_vectors_are_merged(merge):
    module, (row,) = encoder(merge=merge), texts([3])
    tokens = module.encode(pack_sequence([row])).tokens.data
    forward, backward = outputs(module, row).split(H, dim=1)
    torch.testing.assert_close(tokens, MERGES[merge](forward, backward))


@pytest.mark.parametrize(("pooling", "pool"), [("mean", lambda x: x.mean(0)), ("max", lambda x: x.amax(0))])
def test_pooling_is_that_of_each_text_alone(pooling, pool):
    module, rows = encoder(pooling=pooling), texts([2, 5, 1])
    for row, feature in zip(rows, features(module, rows), strict=True):
        torch.testing.assert_close(feature, pool(outputs(module, row)))


def test_attention_is_a_mean_weighted_by_the_softmax_of_scores():
    module, rows = encoder(pooling="attention"), texts([2, 5, 1])
    assert isinstance(module.pool, AttentionPooling)
    for row, feature in zip(rows, features(module, rows), strict=True):
        vectors = outputs(module, row)
        scores = module.pool.context(module.pool.projection(vectors).tanh())  # (T, 1)
        torch.testing.assert_close(feature, (scores.softmax(0) * vectors).sum(0))


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
def test_features_of_encode_are_those_of_forward(pooling):
    module, packed = encoder(2, pooling=pooling), pack_sequence(texts([3, 2, 4]), enforce_sorted=False)
    torch.testing.assert_close(module.encode(packed).features, module(packed))


def test_padded_token_vectors_are_zero_behind_a_text():
    vectors, lengths = pad_packed_sequence(
        encoder().encode(pack_sequence(texts([1, 3]), enforce_sorted=False)).tokens, batch_first=True
    )
    assert (vectors.shape, lengths.tolist()) == ((2, 3, 2 * H), [1, 3])
    assert vectors[0, 1:].count_nonzero() == 0


def test_a_linear_head_on_packed_tokens_has_the_loss_of_a_masked_one_on_padded_tokens():
    encoding = encoder().encode(pack_sequence(texts([1, 3]), enforce_sorted=False))
    head, tags = nn.Linear(2 * H, 3), [torch.tensor([2]), torch.tensor([0, 1, 2])]
    packed_loss = nn.functional.cross_entropy(
        head(encoding.tokens.data), pack_sequence(tags, enforce_sorted=False).data
    )
    padded_tags = nn.utils.rnn.pad_sequence(tags, batch_first=True, padding_value=-100)
    padded_loss = nn.functional.cross_entropy(head(padded(encoding)[0]).transpose(1, 2), padded_tags)
    torch.testing.assert_close(packed_loss, padded_loss)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_learned_initial_state_begins_at_zero_and_gets_a_gradient(cell):
    module, rows = encoder(2, cell=cell, initial_state="learned"), texts([3, 1])
    torch.testing.assert_close(features(module, rows), features(encoder(2, cell=cell), rows))
    features(module, rows).sum().backward()
    assert module.h_0 is not None
    assert module.h_0.grad is not None
    assert module.h_0.grad.shape == (4, 1, H)
    assert module.h_0.grad.count_nonzero() == 4 * H


def test_an_initial_state_given_by_the_caller_comes_before_the_own_one():
    module, (row,) = encoder(initial_state="learned"), texts([3])
    state = (torch.ones(2, 1, H), torch.ones(2, 1, H))
    packed = pack_sequence([row])
    torch.testing.assert_close(module(packed, state)[0, :H], module.rnn(packed, state)[0].data[-1, :H])
    assert not torch.allclose(module(packed, state), module(packed))


@pytest.mark.parametrize("option", ["merge", "pooling", "initial_state", "cell"])
def test_an_unknown_value_is_refused_with_the_known_ones(option):
    wrong: dict[str, Any] = {option: "other"}
    with pytest.raises(UserError, match=f"{option} is 'other': choose one of "):
        BiLSTMEncoder(E, H, **wrong)


lengths_of_texts = st.lists(st.integers(1, 9), min_size=2, max_size=5)
options = st.fixed_dictionaries(
    {
        "cell": st.sampled_from(["lstm", "gru", "rnn_tanh"]),
        "bidirectional": st.booleans(),
        "merge": st.sampled_from(["concat", "sum", "mean", "product"]),
        "pooling": st.sampled_from(["last", "mean", "max", "attention"]),
        "initial_state": st.sampled_from(["zeros", "learned"]),
    }
)


@given(lengths_of_texts, options, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_order_of_the_batch_changes_nothing(lengths, options, random):
    module, rows = encoder(2, **options), texts(lengths)
    order = random.sample(range(len(rows)), len(rows))
    shuffled = features(module, [rows[i] for i in order])
    torch.testing.assert_close(shuffled, features(module, rows)[order])


@given(lengths_of_texts, options)
@settings(max_examples=40)
def test_batch_mates_change_nothing(lengths, options):
    module, rows = encoder(2, **options), texts(lengths)
    torch.testing.assert_close(features(module, rows)[:1], features(module, rows[:1]))


@given(lengths_of_texts, st.integers(1, 7), options)
@settings(max_examples=40)
def test_width_and_content_of_the_padding_change_nothing(lengths, extra, options):
    module, rows = encoder(2, **options), texts(lengths)
    padded = torch.full((len(rows), max(lengths) + extra, E), 99.0)
    for row, text in enumerate(rows):
        padded[row, : len(text)] = text
    packed = pack_padded_sequence(padded, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    torch.testing.assert_close(module(packed), features(module, rows))


@given(lengths_of_texts)
@settings(max_examples=25)
def test_token_vectors_are_those_of_each_text_alone(lengths):
    module, rows = encoder(2), texts(lengths)
    vectors, _ = padded(module.encode(pack_sequence(rows, enforce_sorted=False)))
    for row, alone in zip(vectors, rows, strict=True):
        torch.testing.assert_close(row[: len(alone)], outputs(module, alone))


@pytest.mark.parametrize("layers", [1, 2])
def test_forget_gates_begin_open(layers):
    for name, bias in encoder(layers).rnn.named_parameters():
        if name.startswith("bias"):
            expected = 1.0 if name.startswith("bias_ih") else 0.0
            assert bias.view(4, H)[1].tolist() == [expected] * H
            assert bias.view(4, H)[[0, 2, 3]].count_nonzero() == 0


@pytest.mark.parametrize(("cell", "gates"), [("lstm", 4), ("gru", 3), ("rnn_tanh", 1)])
def test_recurrent_weights_begin_orthogonal(cell, gates):
    weight = encoder(cell=cell).rnn.weight_hh_l0
    assert isinstance(weight, Tensor)
    for gate in weight.view(gates, H, H):
        torch.testing.assert_close(gate @ gate.T, torch.eye(H), atol=1e-5, rtol=0)


def test_cnn_is_the_largest_value_of_each_filter_by_hand():
    cnn = CNNEncoder(1, channels=2, width=3)
    with torch.no_grad():
        cnn.convolution.weight.copy_(torch.tensor([[[1.0, 1.0, 1.0]], [[-1.0, 0.0, 0.0]]]))
        nn.init.zeros_(cnn.convolution.bias)  # type: ignore[arg-type]
    packed = pack_sequence([torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([[5.0]])])
    assert cnn(packed).tolist() == [[7.0, 0.0], [5.0, 0.0]]


@given(st.lists(st.integers(1, 6), min_size=2, max_size=5))
def test_cnn_does_not_depend_on_the_batch(lengths):
    torch.manual_seed(0)
    cnn, rows = CNNEncoder(E, channels=4, width=5), texts(lengths)
    together = cnn(pack_sequence(rows, enforce_sorted=False))
    alone = torch.cat([cnn(pack_sequence([row])) for row in rows])
    torch.testing.assert_close(together, alone)


class Lengths(Encoder):
    """The number of tokens: an encoder of one's own."""

    def __init__(self, embedding_dim: int, scale: float = 1.0) -> None:
        super().__init__()
        self.scale, self.output_size = scale, 1

    def forward(self, embedded: PackedSequence) -> Tensor:
        lengths: Tensor = pad_packed_sequence(embedded, batch_first=True)[1].unsqueeze(1) * self.scale
        return lengths


@pytest.mark.parametrize(("encoder", "scale"), [(partial(Lengths, scale=2.0), 2.0), (Lengths, 1.0)])
def test_a_checkpoint_names_an_encoder_by_its_class_and_all_its_options(encoder, scale):
    state = encoder_state(encoder)
    assert state == {"class_path": f"{__name__}.Lengths", "init_args": {"scale": scale}}
    assert isinstance(build_encoder(state, E), Lengths)
    assert encoder_state(state) == state


def test_an_encoder_that_this_tree_lacks_is_named():
    with pytest.raises(UserError, match=r"encoder 'Trees' needs project\.forest, which this tree lacks"):
        build_encoder({"class_path": "project.forest.Trees", "init_args": {}}, E)


def test_modules_of_elsewhere_are_not_imported():
    with pytest.raises(UserError, match="needs antigravity, which this tree lacks"):
        build_encoder({"class_path": "antigravity.Trees", "init_args": {}}, E)
    assert "antigravity" not in sys.modules


def test_an_option_that_the_encoder_lacks_is_one_line():
    with pytest.raises(UserError, match=r"CNNEncoder: .*unexpected keyword argument 'depth'"):
        build_encoder({"class_path": "project.encoder.CNNEncoder", "init_args": {"depth": 2}}, E)


@pytest.mark.parametrize("call", [CNNEncoder(E), BiLSTMEncoder(E, H), BiLSTMEncoder(E, H).encode])
def test_a_padded_batch_is_refused(call):
    with pytest.raises(TypeError, match="a PackedSequence is expected, not Tensor: pack a padded batch"):
        call(torch.zeros(2, 3, E))


def test_padded_token_ids_are_refused():
    with pytest.raises(TypeError, match="a PackedSequence is expected, not Tensor"):
        SentimentNetwork(vocab_size=9, num_classes=2)(torch.zeros(2, 3, dtype=torch.long))


def test_a_state_may_be_named():
    packed, state = pack_sequence(texts([2])), (torch.ones(2, 1, H), torch.zeros(2, 1, H))
    module = BiLSTMEncoder(E, H).eval()
    assert torch.equal(module(packed, state=state), module(packed, state))


def test_the_promise_alone_is_no_encoder():
    with pytest.raises(UserError, match="Encoder: "):
        build_encoder(encoder_state(Encoder), E)
