"""Time a training step of a bidirectional LSTM on packed batches: torch.nn.LSTM against this library.

    python -m packed_rnn.benchmarks.step

takes less than two minutes on two cores. Both flush denormal floats and have all of torch's threads; they take turns.
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from .. import LSTM  # noqa: TID252 # the package has another name in its repository

TURNS = 3
ENOUGH = 0.2  # seconds: a turn repeats a step for about as long
SLOW = 2.0  # seconds from which a step is timed only once
HIDDEN = 128  # H


class Batch(NamedTuple):
    """A kind of batch, with the lengths of its sequences."""

    name: str
    lengths: list[int]
    input_size: int  # I


BATCHES = [
    Batch("movie sentences, B=64, T<=45, I=100", [round(4 + 41 * (i / 63) ** 1.2) for i in range(64)], 100),
    Batch("reviews, B=64, T<=256, I=100", [round(256 * (0.95 + 0.05 * (i + 1) / 64)) for i in range(64)], 100),
    Batch("reviews, B=64, T<=400, I=100", [round(400 * (0.95 + 0.05 * (i + 1) / 64)) for i in range(64)], 100),
]


def training_step(lstm: nn.LSTM, packed: PackedSequence) -> Callable[[], Any]:
    """Return what computes outputs and h_n, and the gradients of inputs and weights."""
    data = packed.data.requires_grad_()  # (N, I)
    wanted = [data, *lstm.parameters()]

    def step() -> None:
        output, (h_n, _) = lstm(packed)  # data (N, 2H), (2, B, H)
        torch.autograd.grad(output.data.square().mean() + h_n.square().mean(), wanted)

    return step


def seconds(step: Callable[[], Any], times: int) -> float:
    """Return how long a step takes, on average over so many."""
    began = time.perf_counter()
    for _ in range(times):
        step()
    return (time.perf_counter() - began) / times


def measure(batch: Batch) -> tuple[float, float]:
    """Return the seconds of a step with torch.nn.LSTM and with ours: the median over the turns."""
    torch.manual_seed(0)
    packed = pack_sequence([torch.randn(n, batch.input_size) for n in batch.lengths], enforce_sorted=False)
    modules = [kind(batch.input_size, HIDDEN, bidirectional=True) for kind in (nn.LSTM, LSTM)]
    steps = [training_step(module, packed) for module in modules]
    firsts = [seconds(step, 1) for step in steps]
    turns = [
        [
            first if first > SLOW else seconds(step, max(1, round(ENOUGH / first)))
            for step, first in zip(steps, firsts, strict=True)
        ]
        for _ in range(TURNS)
    ]
    theirs, ours = (median(column) for column in zip(*turns, strict=True))
    return theirs, ours


def main() -> None:
    """Print a table, a line per kind of batch."""
    torch.set_flush_denormal(True)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, training step, H={HIDDEN}, bidirectional\n")
    print(f"{'':38}{'nn.LSTM':>12}{'packed_rnn':>12}{'ratio':>8}")
    for batch in BATCHES:
        theirs, ours = measure(batch)
        print(f"{batch.name:38}{theirs * 1e3:9.1f} ms{ours * 1e3:9.1f} ms{theirs / ours:7.1f}x", flush=True)


if __name__ == "__main__":
    main()
