"""``sentiment shapes``: what every tensor on the way of a text looks like, with the values where two of them meet."""

import argparse
import sys

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn.utils.rnn import pad_packed_sequence

from project.addons.ensemble.members import Ensemble
from project.batch import pack
from project.checkpoint import read_checkpoint, restore
from project.errors import UserError
from project.network import SentimentNetwork
from project.runtime import prepare_process
from project.text import Tokenizer

Row = tuple[str, str, str]  # name, shape, values


def numbers(values: Tensor, count: int = 3) -> str:
    """Format the first few values of a tensor."""
    first = values.flatten()[:count].tolist()
    return ", ".join(f"{v:.3f}" if isinstance(v, float) else str(v) for v in first) + (
        ", ..." if values.numel() > count else ""
    )


def shape(tensor: Tensor) -> str:
    """Format a shape."""
    return " x ".join(map(str, tensor.shape))


def way_of(texts: list[str], network: SentimentNetwork, tokenizer: Tokenizer, label_names: list[str]) -> list[Row]:
    """Return name, shape and values of each tensor on the way of `texts`; of the first text where there are values."""
    ids = [torch.tensor(tokenizer.encode(text)) for text in texts]
    packed = pack(ids)
    encoder = network.encoder
    with torch.inference_mode():
        embedded = packed._replace(data=network.embedding(packed.data))  # data (N, E)
        outputs, state = encoder.rnn(embedded, encoder.initial_state(embedded))
        h_n = state if isinstance(state, Tensor) else state[0]
        vectors, lengths = pad_packed_sequence(outputs, batch_first=True)  # (B, T, D*H)
        features = encoder(embedded)
        logits = network.classifier(features)
    last, size = int(lengths[0]) - 1, h_n.shape[2]
    rows = [
        ("token_ids (N,), packed", shape(packed.data), "first tokens of all texts, then the second ones, ..."),
        ("batch_sizes (T,)", shape(packed.batch_sizes), numbers(packed.batch_sizes, 8)),
        ("embedded (N, E)", shape(embedded.data), f"computed by the {encoder.rnn.path_for(embedded)} path"),
        ("output (B, T, D*H)", shape(vectors), ""),
        ("  forward half, last token", str(size), numbers(vectors[0, last, :size])),
        ("h_n (L*D, B, H)", shape(h_n), ""),
        ("  last layer, forward", str(size), numbers(h_n[-encoder.rnn.directions, 0])),
    ]
    if encoder.rnn.bidirectional:
        rows += [
            ("  last layer, backward", str(size), numbers(h_n[-1, 0])),
            ("  backward half of output, first token", str(size), numbers(vectors[0, 0, size:])),
            (
                "  backward half of output, last token",
                str(size),
                f"{numbers(vectors[0, last, size:])} (has read one token)",
            ),
        ]
    probabilities = zip(label_names, logits[0].softmax(0).tolist(), strict=True)
    return [
        *rows,
        (f"features (B, F): {encoder.merge}, {encoder.pooling}", shape(features), numbers(features[0])),
        ("logits (B, C)", shape(logits), numbers(logits[0], len(label_names))),
        ("probabilities", "", ", ".join(f"{name} {p:.3f}" for name, p in probabilities)),
    ]


def run() -> None:
    """Print the way of the texts on the command line through a checkpoint's network.

    Raises:
        UserError: The checkpoint cannot be used.
    """
    parser = argparse.ArgumentParser("sentiment shapes", description=__doc__)
    parser.add_argument("--ckpt_path", required=True, help="a .ckpt file that fit wrote")
    parser.add_argument("texts", nargs="+", metavar="text")
    arguments = parser.parse_args(sys.argv[2:])
    prepare_process()
    network, tokenizer, state = restore(read_checkpoint(arguments.ckpt_path))
    if isinstance(network, Ensemble):
        raise UserError(f"{arguments.ckpt_path} is an ensemble: give one of its members, whose tensors can be shown")
    for text in arguments.texts:
        ids = tokenizer.encode(text)
        print(f"{text}\n  {len(ids)} tokens: {' '.join(tokenizer.tokens[i] for i in ids)}")
    table = Table("tensor", "shape", "values, of the first text", box=None, padding=(0, 2))
    for row in way_of(arguments.texts, network, tokenizer, state["label_names"]):
        table.add_row(*row)
    Console(width=max(120, Console().width)).print(table)
