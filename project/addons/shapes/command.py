"""A checkpoint and texts -> a table of all tensors between the texts and their labels."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn.utils.rnn import pad_packed_sequence

from project.batch import pack
from project.checkpoint import read_checkpoint, restore
from project.decision import Decision
from project.errors import UserError
from project.network import SentimentNetwork
from project.text import Tokenizer

Row = tuple[str, str, str]  # name, shape, values

MOST_CLASSES = 20  # whose logits and probabilities are shown


def numbers(values: Tensor, count: int = 3) -> str:
    """Format the first few values of a tensor."""
    first = values.flatten()[:count].tolist()
    return ", ".join(f"{v:.3f}" if isinstance(v, float) else str(v) for v in first) + (
        ", ..." if values.numel() > count else ""
    )


def shape(tensor: Tensor) -> str:
    """Format a shape."""
    return " x ".join(map(str, tensor.shape))


def rows_of(texts: Sequence[str], network: SentimentNetwork, tokenizer: Tokenizer, decision: Decision) -> list[Row]:
    """Return name, shape and values of each tensor for `texts`; the values are of the first text."""
    packed = pack([torch.tensor(tokenizer.encode(text)) for text in texts])
    encoder: Any = network.encoder
    with torch.inference_mode():
        embedded = packed._replace(data=network.embedding(packed.data))  # data (N, E)
        outputs, state = encoder.rnn(embedded, encoder.initial_state(embedded))
        h_n = state if isinstance(state, Tensor) else state[0]
        vectors, lengths = pad_packed_sequence(outputs, batch_first=True)  # (B, T, D*H)
        features = encoder(embedded)
        logits = network.classifier(features)
    last, size = int(lengths[0]) - 1, h_n.shape[2]
    path_for = getattr(encoder.rnn, "path_for", None)
    computed = f"computed by the {path_for(embedded)} path" if path_for else ""
    rows = [
        ("token_ids (N,), packed", shape(packed.data), "first tokens of all texts, then the second ones, ..."),
        ("batch_sizes (T,)", shape(packed.batch_sizes), numbers(packed.batch_sizes, 8)),
        ("embedded (N, E)", shape(embedded.data), computed),
        ("output (B, T, D*H)", shape(vectors), ""),
        ("  forward half, last token", str(size), numbers(vectors[0, last, :size])),
        ("h_n (L*D, B, H)", shape(h_n), ""),
        ("  last layer, forward", str(size), numbers(h_n[-(1 + encoder.rnn.bidirectional), 0])),
    ]
    if encoder.rnn.bidirectional:
        read_one = f"{numbers(vectors[0, last, size:])} (has read one token)"
        rows += [
            ("  last layer, backward", str(size), numbers(h_n[-1, 0])),
            ("  backward half of output, first token", str(size), numbers(vectors[0, 0, size:])),
            ("  backward half of output, last token", str(size), read_one),
        ]
    how = "" if decision.temperature == 1 else f" (of logits / {decision.temperature:.3f})"
    return [
        *rows,
        (f"features (B, F): {encoder.merge}, {encoder.pooling}", shape(features), numbers(features[0])),
        ("logits (B, C)", shape(logits), numbers(logits[0], MOST_CLASSES)),
        (f"probabilities{how}", "", shares(decision(logits[0].tolist()).probabilities)),
    ]


def shares(probabilities: Mapping[str, float]) -> str:
    """Format the probabilities of classes; of many only the largest."""
    most = sorted(probabilities, key=lambda name: -probabilities[name])[:MOST_CLASSES]
    shown = [f"{name} {p:.3f}" for name, p in probabilities.items() if name in most]
    return ", ".join([*shown, *[f"and {len(probabilities) - len(most)} smaller"] * (len(most) < len(probabilities))])


def shapes(*texts: str, ckpt_path: Path) -> None:
    """Print every tensor between texts and their labels: names, shapes, values.

    Args:
        texts: One or more texts.
        ckpt_path: A .ckpt file that fit wrote.

    Raises:
        UserError: The checkpoint cannot be used.
    """
    network, tokenizer, decision, _ = restore(read_checkpoint(ckpt_path), ckpt_path)
    if not isinstance(network, SentimentNetwork) or not hasattr(network.encoder, "rnn"):
        raise UserError(
            f"{ckpt_path} has a {type(network).__name__}: only networks with a single BiLSTMEncoder can be shown"
        )
    if not texts:
        raise UserError('no text is given: sentiment shapes --ckpt_path FILE "A warm and funny film."')
    for text in texts:
        ids = tokenizer.encode(text)
        print(f"{text}\n  {len(ids)} tokens: {' '.join(tokenizer.tokens[i] for i in ids)}")
    table = Table("tensor", "shape", "values, of the first text", box=None, padding=(0, 2))
    for row in rows_of(texts, network, tokenizer, decision):
        table.add_row(*row)
    Console(width=max(120, Console().width)).print(table)
