"""SentimentNetwork or Ensemble -> ONNX graph: token ids (B, T) and lengths (B,) -> logits (B, C), for any B and T.

Every recurrent node takes the lengths as its ``sequence_lens``, so that the backward direction begins at each text's
last token as it does in a packed batch. torch's own exporter cannot do that: it refuses packed sequences, and of padded
ones it makes nodes without lengths. So the graph is written out here, node by node.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from project.addons.ensemble.members import Ensemble
from project.addons.wide.ngrams import LEFT, RIGHT, WORD, NGramBag
from project.encoder import BiLSTMEncoder, Merge
from project.errors import UserError
from project.network import SentimentNetwork

OPSET, IR_VERSION = 18, 10  # what onnxruntime has read since 2024
OPERATORS = {"LSTM": "LSTM", "GRU": "GRU", "RNN_TANH": "RNN", "RNN_RELU": "RNN"}
# where ONNX wants torch's gates: input, output, forget, cell; and update, reset, new
GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN_TANH": (0,), "RNN_RELU": (0,)}
MERGES: dict[Merge, str] = {"sum": "Add", "mean": "Add", "product": "Mul"}


def build_graph(network: SentimentNetwork | Ensemble) -> onnx.ModelProto:
    """Return the ONNX model of `network`, dropout left out.

    Raises:
        UserError: The network has a part that ONNX has no operator for.
    """
    graph = Graph()
    if isinstance(network, Ensemble):
        add_ensemble(graph, network, ["logits"])
        return graph.model(network.num_classes)
    add_network(graph, network, ["logits"])
    return graph.model(network.classifier.out_features)


def add_ensemble(graph: "Graph", ensemble: Ensemble, outputs: list[str]) -> None:
    """Add the nodes from the graph's inputs to `outputs`, the logs of the mean probabilities (B, C)."""
    each = []
    for number, (member, temperature) in enumerate(zip(ensemble.members, ensemble.temperatures, strict=True)):
        assert isinstance(member, SentimentNetwork)
        graph.prefix = f"members.{number}."
        logits = graph.add("Div", add_network(graph, member), graph.constant(temperature, np.float32))  # (B, C)
        each.append(graph.add("Unsqueeze", graph.add("LogSoftmax", logits, axis=1), graph.constant([0])))  # (1, B, C)
    graph.prefix = ""
    stacked = graph.add("Concat", *each, axis=0)  # (M, B, C)
    total = graph.add("ReduceLogSumExp", stacked, graph.constant([0]), keepdims=0)  # (B, C)
    graph.add("Sub", total, graph.constant(math.log(len(each)), np.float32), outputs=outputs)


def add_network(graph: "Graph", network: SentimentNetwork, outputs: list[str] | None = None) -> str:
    """Add the nodes from the graph's inputs to the logits (B, C), named by `outputs`; return the name of these.

    Raises:
        UserError: The network has a part that ONNX has no operator for.
    """
    if network.encoder.rnn.proj_size:
        raise UserError("an LSTM with proj_size cannot be exported: ONNX has no such operator; train with proj_size 0")
    ids = graph.add("Transpose", "token_ids", perm=[1, 0])  # (T, B)
    embedded = graph.add("Gather", graph.weight("embedding", embedding_table(network)), ids)  # (T, B, E)
    features = add_encoder(graph, network.encoder, embedded)  # (B, F)
    weight, bias = (graph.weight(f"classifier.{name}", w) for name, w in network.classifier.named_parameters())
    if network.wide is None:
        return graph.add("Gemm", features, weight, bias, transB=1, outputs=outputs)  # (B, C)
    deep = graph.add("Gemm", features, weight, bias, transB=1)  # (B, C)
    return graph.add("Add", deep, add_wide(graph, network.wide), outputs=outputs)  # (B, C)


def embedding_table(network: SentimentNetwork) -> Tensor:
    """Return the vectors of all words, trained and frozen, (V, E)."""
    return torch.cat([network.embedding.trained.weight, network.embedding.frozen])


def add_encoder(graph: "Graph", encoder: BiLSTMEncoder, values: str) -> str:
    """Add the nodes from `values` (T, B, E) to the features (B, F); return the name of these."""
    rnn = encoder.rnn
    states = initial_states(graph, encoder)
    outputs, last = add_layer(graph, encoder, 0, values, states)  # (T, D, B, H), (D, B, H)
    for layer in range(1, rnn.num_layers):
        values = graph.add("Transpose", outputs, perm=[0, 2, 1, 3])  # (T, B, D, H)
        values = graph.add("Reshape", values, graph.constant([0, 0, -1]))  # (T, B, D*H)
        outputs, last = add_layer(graph, encoder, layer, values, states)
    if encoder.pooling == "last":
        return merge(graph, encoder, last, axis=0)  # (B, F)
    return pool(graph, encoder, merge(graph, encoder, outputs, axis=1))  # (B, F)


def initial_states(graph: "Graph", encoder: BiLSTMEncoder) -> list[str]:
    """Return the names of the learned initial states of all layers, (L*D, B, H); none where they are zeros."""
    learned = [state for state in (encoder.h_0, encoder.c_0) if state is not None]  # (L*D, 1, H) each
    if not learned:
        return []
    texts = graph.add("Shape", "lengths")  # (1,)
    shape = graph.add("Concat", graph.constant([1]), texts, graph.constant([1]), axis=0)
    return [graph.add("Expand", graph.weight(f"state_{n}", state), shape) for n, state in enumerate(learned)]


def add_layer(graph: "Graph", encoder: BiLSTMEncoder, layer: int, values: str, states: list[str]) -> tuple[str, str]:
    """Add one layer over `values` (T, B, I); return the names of its outputs (T, D, B, H) and last states (D, B, H)."""
    rnn = encoder.rnn
    own = range(layer * rnn.directions, (layer + 1) * rnn.directions)

    def stacked(place: int) -> Tensor:
        return torch.stack([reorder(rnn.all_weights[row][place], GATES[rnn.mode]) for row in own])

    weights = [graph.weight(f"rnn.{name}_{layer}", stacked(place)) for place, name in enumerate(("input", "state"))]
    bias = graph.weight(f"rnn.bias_{layer}", torch.cat([stacked(2), stacked(3)], 1)) if rnn.bias else ""
    initial = [graph.add("Gather", state, graph.constant(own), axis=0) for state in states]  # (D, B, H)
    options: dict[str, Any] = {"direction": "bidirectional" if rnn.bidirectional else "forward"}
    if rnn.mode == "GRU":
        options["linear_before_reset"] = 1
    if rnn.mode.startswith("RNN"):
        options["activations"] = [rnn.mode[4:].capitalize()] * rnn.directions
    outputs, last = graph.names(2)
    inputs = (values, *weights, bias, "lengths", *initial)
    graph.add(OPERATORS[rnn.mode], *inputs, hidden_size=rnn.hidden_size, outputs=[outputs, last], **options)
    return outputs, last


def reorder(weight: Tensor, gates: Sequence[int]) -> Tensor:
    """Put the gates of a weight (gates*H, ...) into another order."""
    parts = weight.chunk(len(gates))
    return torch.cat([parts[gate] for gate in gates])


def merge(graph: "Graph", encoder: BiLSTMEncoder, values: str, axis: int) -> str:
    """Merge the directions, which lie along `axis` of `values` (..., B, H); return the name of (..., B, F)."""
    if not encoder.rnn.bidirectional:
        return graph.add("Squeeze", values, graph.constant([axis]))
    forward, backward = (graph.add("Gather", values, graph.constant(d), axis=axis) for d in (0, 1))
    if encoder.merge == "concat":
        return graph.add("Concat", forward, backward, axis=-1)
    merged = graph.add(MERGES[encoder.merge], forward, backward)
    return graph.add("Mul", merged, graph.constant(0.5, np.float32)) if encoder.merge == "mean" else merged


def pool(graph: "Graph", encoder: BiLSTMEncoder, tokens: str) -> str:
    """Pool `tokens` (T, B, F) over the real tokens of each text; return the name of the features (B, F)."""
    real = graph.add("Transpose", real_tokens(graph), perm=[1, 0])  # (T, B)
    real = graph.add("Unsqueeze", real, graph.constant([2]))  # (T, B, 1)
    time = graph.constant([0])
    if encoder.pooling == "max":
        masked = graph.add("Where", real, tokens, graph.constant(-np.inf, np.float32))
        return graph.add("ReduceMax", masked, time, keepdims=0)
    tokens = graph.add("Where", real, tokens, graph.constant(0.0, np.float32))  # (T, B, F)
    if encoder.attention is None:
        counts = graph.add("Cast", "lengths", to=TensorProto.FLOAT)  # (B,)
        counts = graph.add("Unsqueeze", counts, graph.constant([1]))  # (B, 1)
        return graph.add("Div", graph.add("ReduceSum", tokens, time, keepdims=0), counts)
    projection, context = encoder.attention.projection, encoder.attention.context
    hidden = graph.add("MatMul", tokens, graph.weight("attention.projection", projection.weight.T))  # (T, B, F)
    hidden = graph.add("Tanh", graph.add("Add", hidden, graph.weight("attention.bias", projection.bias)))
    scores = graph.add("MatMul", hidden, graph.weight("attention.context", context.weight.T))  # (T, B, 1)
    scores = graph.add("Where", real, scores, graph.constant(-np.inf, np.float32))
    weighted = graph.add("Mul", tokens, graph.add("Softmax", scores, axis=0))
    return graph.add("ReduceSum", weighted, time, keepdims=0)


def real_tokens(graph: "Graph") -> str:
    """Add the nodes that tell tokens from padding; return the name of what is true at tokens, (B, T)."""
    steps = graph.add("Gather", graph.add("Shape", "token_ids"), graph.constant(1))
    step = graph.add("Range", graph.constant(0), steps, graph.constant(1))  # (T,)
    lengths = graph.add("Cast", "lengths", to=TensorProto.INT64)  # (B,)
    return graph.add("Less", step, graph.add("Unsqueeze", lengths, graph.constant([1])))


def add_wide(graph: "Graph", wide: NGramBag) -> str:
    """Add the nodes of the wide branch; return the name of its logits (B, C)."""
    buckets, classes = wide.weight.shape
    texts = graph.add("Shape", "lengths")  # (1,) B
    text, bucket = wide_features(graph, buckets)  # (K,) each
    ones = graph.add("Expand", graph.constant(1.0, np.float32), graph.add("Shape", text))  # (K,)
    empty = graph.add("Expand", graph.constant(0.0, np.float32), texts)  # (B,)
    counts = graph.add("ScatterElements", empty, text, ones, axis=0, reduction="add")  # (B,)
    norm = graph.add("Sqrt", graph.add("Gather", counts, text))  # (K,)
    weights = graph.add("Gather", graph.weight("wide", wide.weight), bucket)  # (K, C)
    values = graph.add("Div", weights, graph.add("Unsqueeze", norm, graph.constant([1])))  # (K, C)
    shape = graph.add("Concat", texts, graph.constant([classes]), axis=0)  # (2,)
    empty = graph.add("Expand", graph.constant(0.0, np.float32), shape)  # (B, C)
    return graph.add("ScatterND", empty, graph.add("Unsqueeze", text, graph.constant([1])), values, reduction="add")


def wide_features(graph: "Graph", buckets: int) -> tuple[str, str]:
    """Add the nodes of `NGramBag.features`; return the names of text (K,) and bucket (K,)."""
    count, one, axis = graph.constant(buckets), graph.constant(1), graph.constant([1])
    end = graph.constant([np.iinfo(np.int64).max])
    left = graph.add("Slice", "token_ids", graph.constant([0]), graph.constant([-1]), axis)  # (B, T - 1)
    right = graph.add("Slice", "token_ids", axis, end, axis)  # (B, T - 1) every token but the first
    left, right = graph.add("Mul", left, graph.constant(LEFT)), graph.add("Mul", right, graph.constant(RIGHT))
    words = graph.add("Mul", "token_ids", graph.constant(WORD))  # (B, T)
    pairs = graph.add("Add", graph.add("Add", left, right), one)  # (B, T - 1)
    hashed = graph.add("Mod", graph.add("Concat", words, pairs, axis=1), count)  # (B, 2T - 1)
    first = graph.constant(0)
    text = graph.add("Range", first, graph.add("Gather", graph.add("Shape", "token_ids"), first), one)  # (B,)
    text = graph.add("Mul", graph.add("Unsqueeze", text, axis), count)  # (B, 1)
    real = real_tokens(graph)  # (B, T)
    kept = graph.add("Concat", real, graph.add("Slice", real, axis, end, axis), axis=1)  # (B, 2T - 1)
    found = graph.add("Compress", graph.add("Add", text, hashed), graph.add("Reshape", kept, graph.constant([-1])))
    found = graph.add("Unique", found)  # (K,)
    return graph.add("Div", found, count), graph.add("Mod", found, count)


class Graph:
    """Nodes and weights as they are added.

    Attributes:
        prefix: Put before the names of weights, to tell those of several networks apart.
    """

    def __init__(self) -> None:
        self.prefix = ""
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[TensorProto] = []
        self._count = 0

    def names(self, count: int) -> list[str]:
        """Return new names for tensors."""
        self._count += count
        return [f"t{number}" for number in range(self._count - count, self._count)]

    def add(self, operator: str, *inputs: str, outputs: list[str] | None = None, **attributes: Any) -> str:
        """Add a node; return the name of its first output."""
        outputs = outputs or self.names(1)
        self._nodes.append(helper.make_node(operator, inputs, outputs, **attributes))
        return outputs[0]

    def weight(self, name: str, value: Tensor | NDArray[Any]) -> str:
        """Add a weight; return its name, `prefix` included."""
        name = self.prefix + name
        array = np.array(value.detach().numpy() if isinstance(value, Tensor) else value, order="C")
        self._weights.append(numpy_helper.from_array(array, name))
        return name

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        """Add a constant; return its name."""
        return self.weight(self.names(1)[0], np.array(value, dtype))

    def model(self, classes: int) -> onnx.ModelProto:
        """Return what was added, as a checked model."""
        inputs = [
            helper.make_tensor_value_info("token_ids", TensorProto.INT64, ["B", "T"]),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, ["B"]),
        ]
        outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["B", classes])]
        graph = helper.make_graph(self._nodes, "sentiment", inputs, outputs, self._weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return model
