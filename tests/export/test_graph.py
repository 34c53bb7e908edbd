"""The ONNX graph computes the same logits as the network: every variant, any lengths, batch size and padding."""

import itertools
from functools import partial
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from project.batch import pack
from project.encoder import BiLSTMEncoder, CNNEncoder
from project.errors import UserError
from project.export.graph import build_graph
from project.network import SentimentNetwork

V = 12
CELLS = ["lstm", "gru", "rnn_tanh", "rnn_relu"]
VARIANTS: list[dict[str, Any]] = [
    *({"cell": cell, "num_layers": 2} for cell in CELLS),
    *({"cell": cell, "bidirectional": False, "pooling": "mean"} for cell in CELLS),
    *({"cell": cell, "initial_state": "learned", "num_layers": 2} for cell in CELLS),
    *({"cell": cell, "bias": False} for cell in CELLS),
    *(
        {"merge": merge, "pooling": pooling}
        for merge, pooling in itertools.product(
            ["concat", "sum", "mean", "product"], ["last", "mean", "max", "attention"]
        )
    ),
    {"num_frozen": 4},
    {"encoder": CNNEncoder, "channels": 6, "width": 5},
]


def network_of(**options: Any) -> SentimentNetwork:
    torch.manual_seed(0)
    frozen, kind = options.pop("num_frozen", 0), options.pop("encoder", partial(BiLSTMEncoder, hidden_size=4))
    network = SentimentNetwork(V, 3, frozen, embedding_dim=5, encoder=partial(kind, **options)).eval()
    for name, weight in network.named_parameters():  # biases and initial states begin at zero or one
        if "bias" in name or "_0" in name:
            torch.nn.init.normal_(weight)
    torch.nn.init.normal_(network.embedding.frozen)
    return network


def session_of(network: nn.Module) -> ort.InferenceSession:
    return ort.InferenceSession(build_graph(network).SerializeToString(), providers=["CPUExecutionProvider"])


def onnx_logits(session: ort.InferenceSession, texts: list[list[int]], width: int = 0, filler: int = 0) -> np.ndarray:
    width = max(width, *map(len, texts), 1)
    padded = np.array([ids + [filler] * (width - len(ids)) for ids in texts], dtype=np.int64)
    return session.run(["logits"], {"token_ids": padded, "lengths": np.array([*map(len, texts)], dtype=np.int32)})[0]


def torch_logits(network: nn.Module, texts: list[list[int]]) -> np.ndarray:
    with torch.inference_mode():
        return network(pack([torch.tensor(ids) for ids in texts])).numpy()


TEXTS = [[3, 4, 5], [6], [7, 8, 9, 10, 11, 2, 3], [1, 1]]


@pytest.mark.parametrize("options", VARIANTS, ids=lambda options: "-".join(map(str, options.values())))
def test_every_variant(options):
    network = network_of(**options)
    np.testing.assert_allclose(onnx_logits(session_of(network), TEXTS), torch_logits(network, TEXTS), atol=1e-6)


DEEP = network_of(num_layers=2)
DEEP_SESSION = session_of(DEEP)


@given(st.lists(st.lists(st.integers(1, V - 1), min_size=1, max_size=40), min_size=1, max_size=9))
@settings(max_examples=25)
def test_any_lengths_and_batch_size(texts):
    np.testing.assert_allclose(onnx_logits(DEEP_SESSION, texts), torch_logits(DEEP, texts), atol=1e-6)


@given(st.integers(7, 30), st.integers(0, V - 1))
@settings(max_examples=20)
def test_width_and_content_of_the_padding_change_nothing(width, filler):
    padded = onnx_logits(DEEP_SESSION, TEXTS, width, filler)
    np.testing.assert_allclose(padded, onnx_logits(DEEP_SESSION, TEXTS), atol=1e-6)


@pytest.mark.parametrize("pooling", ["mean", "max", "attention"])
def test_pooling_ignores_padding(pooling):
    session = session_of(network_of(pooling=pooling))
    np.testing.assert_allclose(onnx_logits(session, TEXTS, 20, 5), onnx_logits(session, TEXTS), atol=1e-6)


def test_weights_of_a_single_network_have_no_prefix():
    names = {weight.name for weight in build_graph(network_of()).graph.initializer}
    assert {"embedding", "rnn.input_0", "classifier.weight"} <= names


def test_a_projection_is_refused():
    with pytest.raises(UserError, match="proj_size cannot be exported"):
        build_graph(network_of(proj_size=2))


class Forest(nn.Module):
    """A network that has no ONNX nodes."""


def test_a_network_without_nodes_is_refused():
    with pytest.raises(UserError, match=r"Forest cannot be exported: add its nodes to project/export/graph\.py"):
        build_graph(Forest())


def test_an_encoder_without_nodes_is_refused():
    network = network_of()
    network.encoder = Forest()  # type: ignore[assignment]
    with pytest.raises(UserError, match="Forest cannot be exported"):
        build_graph(network)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_that_is_no_number_is_refused(value):
    network = network_of()
    with torch.no_grad():
        network.classifier.weight[1, 2] = value
    with pytest.raises(UserError, match=r"its weight classifier\.weight holds NaN or infinity; train it again"):
        build_graph(network)


def test_inputs_and_output_have_names_shapes_and_types():
    session = session_of(network_of())
    assert [(i.name, i.shape, i.type) for i in session.get_inputs()] == [
        ("token_ids", ["B", "T"], "tensor(int64)"),
        ("lengths", ["B"], "tensor(int32)"),
    ]
    assert [(o.name, o.shape) for o in session.get_outputs()] == [("logits", ["B", 3])]
