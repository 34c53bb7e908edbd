"""One rival in a process of its own: reads tasks from stdin, a JSON object a line, and answers each with one.

A rival is a way to compute a bidirectional LSTM and the settings of its process:

packed, padded   torch.nn.LSTM on the packed batch; on the padded batch, which computes another function
project          this repository's recurrence, packed_rnn.LSTM
bf16             the same under autocast to bfloat16
limit            the matrix products alone, with torch.mm
int8             torch.nn.LSTM after torch's dynamic quantization, packed (inference only)

default          as a user gets it
flush            denormal floats flushed to zero
malloc           that, and this repository's settings of the memory allocator
prepared         the same before torch is imported, so that they hold for OpenMP's threads too
"""

import resource
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

from project.process import prepare

if sys.argv[1:2] == ["prepared"]:
    prepare()  # before torch is imported: OpenMP reads its settings at that moment

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence, pad_packed_sequence

from benchmarks.worker import serve
from project.packed_rnn import LSTM

Step = Callable[[], object]


class Shape(NamedTuple):
    """A batch and a network."""

    lengths: list[int]
    embedding_dim: int
    hidden_size: int
    num_layers: int


def settle(settings: str) -> None:
    """Apply the settings of the process that do not have to precede torch's import."""
    if settings != "default":
        torch.set_flush_denormal(True)
    if settings == "malloc":
        prepare()


def batch(shape: Shape) -> PackedSequence:
    """Return embeddings, data (N, E), as the loader's packed batches become."""
    torch.manual_seed(0)
    return pack_sequence([torch.randn(n, shape.embedding_dim) for n in shape.lengths], enforce_sorted=False)


def features_of(rival: str, shape: Shape) -> tuple[nn.Module, Callable[[PackedSequence], Tensor], PackedSequence]:
    """Return the rival's module, what makes [h_forward ; h_backward] (B, 2H) of a batch, and the batch."""
    packed = batch(shape)
    sizes = shape[1:]
    if rival in ("project", "bf16"):
        ours = LSTM(*sizes, bidirectional=True)

        def features(x: PackedSequence) -> Tensor:
            with torch.autocast("cpu", torch.bfloat16, enabled=rival == "bf16"):
                return torch.cat([*ours.last_hidden(x)[-2:]], 1)

        return ours, features, packed
    lstm: nn.Module = nn.LSTM(*sizes, bidirectional=True)
    if rival == "int8":
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        lstm = torch.ao.quantization.quantize_dynamic(lstm, {nn.LSTM}, dtype=torch.qint8)  # type: ignore[no-untyped-call]
    if rival == "padded":
        data, _ = pad_packed_sequence(packed)  # (T, B, E)
        packed = packed._replace(data=data)
        return lstm, lambda x: torch.cat([*lstm(x.data)[1][0][-2:]], 1), packed
    return lstm, lambda x: torch.cat([*lstm(x)[1][0][-2:]], 1), packed


def training_step(rival: str, shape: Shape) -> Step:
    """Return forward and backward of one batch, gradients of embeddings and weights."""
    module, features, packed = features_of(rival, shape)
    data = packed.data.requires_grad_()
    wanted = [data, *module.parameters()]

    def step() -> None:
        torch.autograd.grad(features(packed._replace(data=data)).square().mean(), wanted)

    return step


def inference(rival: str, shape: Shape) -> Step:
    """Return the forward of one batch."""
    module, features, packed = features_of(rival, shape)
    module.eval()

    def step() -> None:
        with torch.inference_mode():
            features(packed)

    return step


def matrix_products(shape: Shape, times: int) -> Step:
    """Return the products of a step: forward, and twice as much backward if `times` is 3."""
    steps, texts, hidden = max(shape.lengths), len(shape.lengths), shape.hidden_size
    inputs = [shape.embedding_dim, *[2 * hidden] * (shape.num_layers - 1)]
    values = [torch.randn(steps * texts, size) for size in inputs]  # (T*B, I)
    weights = [torch.randn(size, 4 * hidden) for size in inputs]  # (I, 4H)
    state, recurrent = torch.randn(texts, hidden), torch.randn(hidden, 4 * hidden)

    def step() -> None:
        for _ in range(2 * times):  # directions
            for value, weight in zip(values, weights, strict=True):
                torch.mm(value, weight)
                for _ in range(steps):
                    torch.mm(state, recurrent)

    return step


def make_step(rival: str, kind: str, shape: Shape) -> Step:
    """Return what is timed: the training step or the inference of a rival."""
    if rival == "limit":
        return matrix_products(shape, 3 if kind == "train" else 1)
    return training_step(rival, shape) if kind == "train" else inference(rival, shape)


def answer(task: dict[str, Any], steps: dict[str, Step]) -> dict[str, Any]:
    """Do what `task` says: make a step ready, or time it."""
    if task["do"] == "make":
        steps.clear()
        shape = Shape(*task["shape"])
        steps["step"] = make_step(task["rival"], task["kind"], shape)
        return {"path": path_of(task["kind"], shape) if task["rival"] == "project" else task["rival"]}
    seconds = []
    for _ in range(task["times"]):
        began = time.perf_counter()
        steps["step"]()
        seconds.append(time.perf_counter() - began)
    return {"seconds": seconds, "peak_mb": peak_mb()}


def path_of(kind: str, shape: Shape) -> str:
    """Return which path packed_rnn takes."""
    with torch.set_grad_enabled(kind == "train"):
        return LSTM(*shape[1:], bidirectional=True).path_for(batch(shape))


def peak_mb() -> float:
    """Return the most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Answer tasks until stdin ends."""
    settle(sys.argv[1])
    steps: dict[str, Step] = {}
    serve({"threads": torch.get_num_threads(), "empty_mb": peak_mb()}, lambda task: answer(task, steps))


if __name__ == "__main__":
    main()
