"""Ensemble -> ONNX nodes."""

import math
from typing import Any

import numpy as np

from project.addons.ensemble.members import Ensemble


def add_ensemble(graph: Any, ensemble: Ensemble) -> str:
    """Add the nodes of all members to a `project.export.graph.Graph`; return the name of the logits (B, C)."""
    each = []
    for number, (member, temperature) in enumerate(zip(ensemble.members, ensemble.temperatures, strict=True)):
        graph.prefix = f"members.{number}."
        divided = graph.add("Div", graph.add_network(member), graph.constant(temperature, np.float32))  # (B, C)
        if ensemble.labels == "one":
            divided = graph.add("LogSoftmax", divided, axis=1)
        each.append(graph.add("Unsqueeze", divided, graph.constant([0])))  # (1, B, C)
    graph.prefix = ""
    stacked = graph.add("Concat", *each, axis=0)  # (M, B, C)
    if ensemble.labels == "any":
        return log_odds(graph, stacked)
    total = graph.add("ReduceLogSumExp", stacked, graph.constant([0]), keepdims=0)  # (B, C)
    logits: str = graph.add("Sub", total, graph.constant(math.log(len(each)), np.float32))  # (B, C)
    return logits


def log_odds(graph: Any, logits: str) -> str:
    """Add the log-odds of the mean of the sigmoids of `logits` (M, B, C); return their name, (B, C)."""
    no = graph.add("Neg", graph.add("Softplus", logits))  # log of 1 - p, (M, B, C)
    yes = graph.add("Neg", graph.add("Softplus", graph.add("Neg", logits)))  # log of p
    sums = [graph.add("ReduceLogSumExp", each, graph.constant([0]), keepdims=0) for each in (yes, no)]  # (B, C)
    found: str = graph.add("Sub", *sums)
    return found
