"""A module of the library and torch's own with the same weights, run on the same batch."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence

I, H = 5, 4  # noqa: E741
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "lstm": ("LSTM", {}),
    "lstm_proj": ("LSTM", {"proj_size": 3}),
    "gru": ("GRU", {}),
    "rnn_tanh": ("RNN", {}),
    "rnn_relu": ("RNN", {"nonlinearity": "relu"}),
}
Twins = tuple[Any, Any]


def make(library: Any, kind: str, *sizes: int, path: str = "auto", **options: Any) -> Any:
    name, own = KINDS[kind]
    ours = getattr(library, name)(*(sizes or (I, H)), **own, **options)
    ours.path = path
    return ours


def twins(library: Any, kind: str, *sizes: int, path: str = "auto", **options: Any) -> Twins:
    """Ours and torch's."""
    torch.manual_seed(0)
    name, own = KINDS[kind]
    ours = make(library, kind, *sizes, path=path, **options)
    theirs = getattr(nn, name)(*(sizes or (I, H)), **own, **options)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def pack(lengths: list[int], dtype: torch.dtype = torch.float32, size: int = I) -> PackedSequence:
    generator = torch.Generator().manual_seed(len(lengths))
    return pack_sequence(
        [torch.randn(length, size, generator=generator, dtype=dtype) for length in lengths], enforce_sorted=False
    )


def states(rnn: nn.RNNBase, *batch: int, dtype: torch.dtype = torch.float32) -> Any:
    """Random initial states that need gradients, for a batch of that size or for none."""
    rows = rnn.num_layers * (2 if rnn.bidirectional else 1)
    sizes = [rnn.proj_size or rnn.hidden_size, rnn.hidden_size]
    h, c = (torch.randn(rows, *batch, size, dtype=dtype, requires_grad=True) for size in sizes)
    return (h, c) if rnn.mode == "LSTM" else h


def as_list(hx: Any) -> list[Tensor]:
    return [] if hx is None else [hx] if isinstance(hx, Tensor) else list(hx)


def run(rnn: nn.Module, input: Tensor | PackedSequence, hx: Any = None) -> tuple[list[Tensor], list[Tensor]]:
    """Outputs, h_n and c_n; and the gradients of inputs, initial states and weights for a loss over all of them."""
    data = (input.data if isinstance(input, PackedSequence) else input).clone().requires_grad_()
    output, state = rnn(input._replace(data=data) if isinstance(input, PackedSequence) else data, hx)
    values = [output if isinstance(output, Tensor) else output.data, *as_list(state)]
    loss = sum((value.sin() * torch.arange(1.0, value.numel() + 1).view_as(value)).mean() for value in values)
    assert isinstance(loss, Tensor)
    return values, list(torch.autograd.grad(loss, [data, *as_list(hx), *rnn.parameters()]))


def assert_twins_agree(both: Twins, input: Tensor | PackedSequence, hx: Any = None, tolerance: float = 1e-12) -> None:
    """Outputs, states and gradients are equal, relative to the largest value of each tensor."""
    for mine, other in zip(run(both[0], input, hx), run(both[1], input, hx), strict=True):
        for tensor, expected in zip(mine, other, strict=True):
            scale = max(expected.abs().max().item(), 1.0)
            torch.testing.assert_close(tensor, expected, rtol=tolerance, atol=tolerance * scale)


def error_of(rnn: nn.Module, *arguments: Any) -> tuple[type[Exception], str]:
    """Type and message of the error that the module raises."""
    try:
        rnn(*arguments)
    except Exception as error:
        return type(error), str(error)
    raise AssertionError("no error")
