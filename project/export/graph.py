"""Network -> ONNX graph: token ids (B, T) and lengths (B,) -> logits (B, C), for any B and T.

Every recurrent node gets the lengths as its ``sequence_lens``, so that the backward direction begins at each text's
last token, as it does in a packed batch. torch's own exporter cannot do that: it rejects packed sequences, and for
padded ones it makes nodes without lengths. So the graph is built here, node by node. The functions that add the nodes
of a network or an encoder are looked up by its class name; add-ons bring theirs in NODES.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from project.encoder import AttentionPooling, BiLSTMEncoder, CNNEncoder
from project.errors import UserError
from project.network import SentimentNetwork
from project.registry import load, registered

Nodes = Callable[..., str]  # adds nodes to a `Graph`, returns the name of the last one's output

OPSET, IR_VERSION = 18, 10  # supported by onnxruntime since 2024
OPERATORS = {"LSTM": "LSTM", "GRU": "GRU", "RNN_TANH": "RNN", "RNN_RELU": "RNN"}
# torch's index of each gate in ONNX's order: input, output, forget, cell; and update, reset, new
GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN_TANH": (0,), "RNN_RELU": (0,)}


def build_graph(network: nn.Module) -> onnx.ModelProto:
    """Return the ONNX model of `network`, without dropout.

    Raises:
        UserError: ONNX has no operator for a part of the network, or neither this file nor an add-on has its nodes.
    """
    graph = Graph()
    return graph.model(graph.add_network(network))


def nodes_of(table: Mapping[str, Nodes], name: str) -> Nodes:
    """Return the function that adds the nodes of `name`, that of an add-on before one of `table`.

    Raises:
        UserError: Neither has an entry for it.
    """
    if place := registered("NODES").get(name):
        return load(place)  # type: ignore[no-any-return]
    if name not in table:
        raise UserError(f"{name} cannot be exported: add its nodes to project/export/graph.py, as in docs/change.md")
    return table[name]


def add_sentiment_network(graph: "Graph", network: SentimentNetwork) -> str:
    """Add embedding, encoder and classifier; return the name of the logits (B, C)."""
    ids = graph.add("Transpose", "token_ids", perm=[1, 0])  # (T, B)
    embedded = graph.add("Gather", graph.weight("embedding", network.embedding.table()), ids)  # (T, B, E)
    features = nodes_of(ENCODERS, type(network.encoder).__name__)(graph, network.encoder, embedded)  # (B, F)
    weight, bias = (graph.weight(f"classifier.{name}", w) for name, w in network.classifier.named_parameters())
    return graph.add("Gemm", features, weight, bias, transB=1)  # (B, C)


def add_bilstm(graph: "Graph", encoder: BiLSTMEncoder, values: str) -> str:
    """Add the nodes from `values` (T, B, E) to the features (B, F); return the features' name.

    Raises:
        UserError: ONNX has no operator for one of the encoder's options.
    """
    rnn = encoder.rnn
    if rnn.proj_size:
        raise UserError("an LSTM with proj_size cannot be exported: ONNX has no operator for it; train without it")
    states = initial_states(graph, encoder)
    outputs, last = add_layer(graph, encoder, 0, values, states)  # (T, D, B, H), (D, B, H)
    for layer in range(1, rnn.num_layers):
        values = graph.add("Transpose", outputs, perm=[0, 2, 1, 3])  # (T, B, D, H)
        values = graph.add("Reshape", values, graph.constant([0, 0, -1]))  # (T, B, D*H)
        outputs, last = add_layer(graph, encoder, layer, values, states)
    if encoder.pool is None:
        return merge(graph, encoder, last, axis=0)  # (B, F)
    return pool(graph, encoder, merge(graph, encoder, outputs, axis=1))  # (B, F)


def add_cnn(graph: "Graph", encoder: CNNEncoder, values: str) -> str:
    """Add the nodes from `values` (T, B, E) to the features (B, F); return the features' name."""
    (weight, bias), around = encoder.convolution.parameters(), encoder.convolution.kernel_size[0] - 1
    zero = graph.constant(0.0, np.float32)
    real = graph.add("Unsqueeze", graph.real_tokens(), graph.constant([1]))  # (B, 1, T)
    values = graph.add("Where", real, graph.add("Transpose", values, perm=[1, 2, 0]), zero)  # (B, E, T)
    named = graph.weight("cnn.weight", weight), graph.weight("cnn.bias", bias)
    found = graph.add("Relu", graph.add("Conv", values, *named, pads=[around // 2, around - around // 2]))  # (B, F, T)
    return graph.add("ReduceMax", graph.add("Where", real, found, zero), graph.constant([2]), keepdims=0)  # (B, F)


def initial_states(graph: "Graph", encoder: BiLSTMEncoder) -> list[str]:
    """Return the names of the learned initial states of all layers, (L*D, B, H); no names if they are zeros."""
    learned = [state for state in (encoder.h_0, encoder.c_0) if state is not None]  # (L*D, 1, H) each
    if not learned:
        return []
    texts = graph.add("Shape", "lengths")  # (1,)
    shape = graph.add("Concat", graph.constant([1]), texts, graph.constant([1]), axis=0)
    return [graph.add("Expand", graph.weight(f"state_{n}", state), shape) for n, state in enumerate(learned)]


def add_layer(graph: "Graph", encoder: BiLSTMEncoder, layer: int, values: str, states: list[str]) -> tuple[str, str]:
    """Add one layer over `values` (T, B, I); return the names of its outputs (T, D, B, H) and last states (D, B, H)."""
    rnn = encoder.rnn
    directions = 1 + rnn.bidirectional
    own = range(layer * directions, (layer + 1) * directions)

    def stacked(place: int) -> Tensor:
        return torch.stack([reorder(rnn.all_weights[row][place], GATES[rnn.mode]) for row in own])

    weights = [graph.weight(f"rnn.{name}_{layer}", stacked(place)) for place, name in enumerate(("input", "state"))]
    bias = graph.weight(f"rnn.bias_{layer}", torch.cat([stacked(2), stacked(3)], 1)) if rnn.bias else ""
    initial = [graph.add("Gather", state, graph.constant(own), axis=0) for state in states]  # (D, B, H)
    options: dict[str, Any] = {"direction": "bidirectional" if rnn.bidirectional else "forward"}
    if rnn.mode == "GRU":
        options["linear_before_reset"] = 1
    if rnn.mode.startswith("RNN"):
        options["activations"] = [rnn.mode[4:].capitalize()] * directions
    outputs, last = graph.names(2)
    inputs = (values, *weights, bias, "lengths", *initial)
    graph.add(OPERATORS[rnn.mode], *inputs, hidden_size=rnn.hidden_size, outputs=[outputs, last], **options)
    return outputs, last


def reorder(weight: Tensor, gates: Sequence[int]) -> Tensor:
    """Reorder the gates of a weight (gates*H, ...)."""
    parts = weight.chunk(len(gates))
    return torch.cat([parts[gate] for gate in gates])


def merge(graph: "Graph", encoder: BiLSTMEncoder, values: str, axis: int) -> str:
    """Merge the directions along `axis` of `values`; return the name of the result (..., B, F)."""
    if not encoder.rnn.bidirectional:
        return graph.add("Squeeze", values, graph.constant([axis]))
    halves = (graph.add("Gather", values, graph.constant(d), axis=axis) for d in (0, 1))
    return nodes_of(MERGES, encoder.merge)(graph, *halves)


def mean_of(graph: "Graph", forward: str, backward: str) -> str:
    """Add the nodes of the mean of two tensors; return its name."""
    return graph.add("Mul", graph.add("Add", forward, backward), graph.constant(0.5, np.float32))


MERGES: dict[str, Nodes] = {
    "concat": lambda graph, forward, backward: graph.add("Concat", forward, backward, axis=-1),
    "sum": lambda graph, forward, backward: graph.add("Add", forward, backward),
    "mean": mean_of,
    "product": lambda graph, forward, backward: graph.add("Mul", forward, backward),
}


def pool(graph: "Graph", encoder: BiLSTMEncoder, tokens: str) -> str:
    """Pool `tokens` (T, B, F) over the real tokens of each text; return the name of the features (B, F)."""
    real = graph.add("Transpose", graph.real_tokens(), perm=[1, 0])  # (T, B)
    real = graph.add("Unsqueeze", real, graph.constant([2]))  # (T, B, 1)
    return nodes_of(POOLINGS, encoder.pooling)(graph, encoder.pool, tokens, real)


def mean_pooling(graph: "Graph", module: object, tokens: str, real: str) -> str:
    """Add the nodes of the mean over real tokens; return the name of (B, F)."""
    counts = graph.add("Unsqueeze", graph.add("Cast", "lengths", to=TensorProto.FLOAT), graph.constant([1]))  # (B, 1)
    tokens = graph.add("Where", real, tokens, graph.constant(0.0, np.float32))  # (T, B, F)
    return graph.add("Div", graph.add("ReduceSum", tokens, graph.constant([0]), keepdims=0), counts)


def max_pooling(graph: "Graph", module: object, tokens: str, real: str) -> str:
    """Add the nodes of the maximum over real tokens; return the name of (B, F)."""
    masked = graph.add("Where", real, tokens, graph.constant(-np.inf, np.float32))  # (T, B, F)
    return graph.add("ReduceMax", masked, graph.constant([0]), keepdims=0)


def attention_pooling(graph: "Graph", module: AttentionPooling, tokens: str, real: str) -> str:
    """Add the nodes of the weighted mean over real tokens; return the name of (B, F)."""
    projection, context = module.projection, module.context
    hidden = graph.add("MatMul", tokens, graph.weight("attention.projection", projection.weight.T))  # (T, B, F)
    hidden = graph.add("Tanh", graph.add("Add", hidden, graph.weight("attention.bias", projection.bias)))
    scores = graph.add("MatMul", hidden, graph.weight("attention.context", context.weight.T))  # (T, B, 1)
    scores = graph.add("Where", real, scores, graph.constant(-np.inf, np.float32))
    tokens = graph.add("Where", real, tokens, graph.constant(0.0, np.float32))  # (T, B, F)
    weighted = graph.add("Mul", tokens, graph.add("Softmax", scores, axis=0))
    return graph.add("ReduceSum", weighted, graph.constant([0]), keepdims=0)


POOLINGS: dict[str, Nodes] = {"mean": mean_pooling, "max": max_pooling, "attention": attention_pooling}


NETWORKS: dict[str, Nodes] = {SentimentNetwork.__name__: add_sentiment_network}
ENCODERS: dict[str, Nodes] = {BiLSTMEncoder.__name__: add_bilstm, CNNEncoder.__name__: add_cnn}


class Graph:
    """Collects the nodes and weights of an ONNX graph.

    Attributes:
        prefix: Prepended to the names of weights, to tell several networks apart.
    """

    def __init__(self) -> None:
        self.prefix = ""
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[TensorProto] = []
        self._count = 0

    def names(self, count: int) -> list[str]:
        """Return `count` unused names for tensors."""
        self._count += count
        return [f"t{number}" for number in range(self._count - count, self._count)]

    def add(self, operator: str, *inputs: str, outputs: list[str] | None = None, **attributes: Any) -> str:
        """Add a node; return the name of its first output."""
        outputs = outputs or self.names(1)
        self._nodes.append(helper.make_node(operator, inputs, outputs, **attributes))
        return outputs[0]

    def weight(self, name: str, value: Tensor | NDArray[Any]) -> str:
        """Add a weight; return its name, `prefix` included.

        Raises:
            UserError: It holds NaN or infinity.
        """
        array = np.array(value.detach().numpy() if isinstance(value, Tensor) else value, order="C")
        if not np.isfinite(array).all():
            raise UserError(f"cannot export the network: its weight {name} holds NaN or infinity; train it again")
        return self._tensor(name, array)

    def _tensor(self, name: str, array: NDArray[Any]) -> str:
        name = self.prefix + name
        self._weights.append(numpy_helper.from_array(array, name))
        return name

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        """Add a constant; return its name."""
        return self._tensor(self.names(1)[0], np.array(value, dtype))  # masks are infinite

    def add_network(self, network: nn.Module, kind: type | None = None) -> str:
        """Add the nodes of a network, from the graph's inputs; return the name of its logits (B, C).

        Args:
            network: Its class must have nodes here or in an add-on.
            kind: A base class whose nodes to add, instead of those of its own class.

        Raises:
            UserError: See `build_graph`.
        """
        return nodes_of(NETWORKS, (kind or type(network)).__name__)(self, network)

    def real_tokens(self) -> str:
        """Add the nodes of a mask (B, T) that is true for tokens and false for padding; return its name."""
        steps = self.add("Gather", self.add("Shape", "token_ids"), self.constant(1))
        step = self.add("Range", self.constant(0), steps, self.constant(1))  # (T,)
        lengths = self.add("Cast", "lengths", to=TensorProto.INT64)  # (B,)
        return self.add("Less", step, self.add("Unsqueeze", lengths, self.constant([1])))

    def model(self, logits: str) -> onnx.ModelProto:
        """Return the finished model, checked by onnx; its output is the tensor named `logits`."""
        self.add("Identity", logits, outputs=["logits"])
        inputs = [
            helper.make_tensor_value_info("token_ids", TensorProto.INT64, ["B", "T"]),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, ["B"]),
        ]
        outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["B", "C"])]
        graph = helper.make_graph(self._nodes, "sentiment", inputs, outputs, self._weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return model
