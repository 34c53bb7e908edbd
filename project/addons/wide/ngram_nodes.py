"""WideNetwork -> ONNX nodes."""

from typing import Any

import numpy as np

from project.addons.wide.ngrams import LEFT, RIGHT, WORD, NGramBag, WideNetwork
from project.network import SentimentNetwork


def add_wide_network(graph: Any, network: WideNetwork) -> str:
    """Add the nodes of both branches to a `project.export.graph.Graph`; return the name of the logits (B, C)."""
    logits: str = graph.add("Add", graph.add_network(network, SentimentNetwork), add_wide(graph, network.wide))
    return logits


def add_wide(graph: Any, wide: NGramBag) -> str:
    """Add the nodes of a bag; return the name of its logits (B, C)."""
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
    texts = graph.add("Unsqueeze", text, graph.constant([1]))  # (K, 1)
    logits: str = graph.add("ScatterND", empty, texts, values, reduction="add")
    return logits


def wide_features(graph: Any, buckets: int) -> tuple[str, str]:
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
    real = graph.real_tokens()  # (B, T)
    kept = graph.add("Concat", real, graph.add("Slice", real, axis, end, axis), axis=1)  # (B, 2T - 1)
    found = graph.add("Compress", graph.add("Add", text, hashed), graph.add("Reshape", kept, graph.constant([-1])))
    found = graph.add("Unique", found)  # (K,)
    return graph.add("Div", found, count), graph.add("Mod", found, count)
