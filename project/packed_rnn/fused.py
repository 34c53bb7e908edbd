"""LSTM layers over packed sequences by kernels of our own: launches, and the matrix products around them."""

from functools import cache
from typing import Any, NamedTuple

import torch
import triton
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from .derivative import apply, backward_pass
from .grid import firsts_and_lengths
from .kernels import INTERPRETED, backward_kernel, forward_kernel

BLOCK = 16  # sequences of a program: the fewest that a tensor core multiplies


class Sequences(NamedTuple):
    """Where the tokens of packed sequences are, on the device."""

    offsets: Tensor  # (T,) int32, first row of each time step
    lengths: Tensor  # (B,) int32


def sequences_of(batch_sizes: Tensor, device: torch.device) -> Sequences:
    """Return the sequences of a PackedSequence with these `batch_sizes` (T,), without waiting for the device."""
    offsets, lengths = firsts_and_lengths(batch_sizes)
    both = torch.cat([offsets, lengths]).int().to(device, non_blocking=True)
    return Sequences(both[: len(offsets)], both[len(offsets) :])


@cache  # every forward and backward pass asks
def slice_of_hidden(hidden: int, dtype: torch.dtype, device: torch.device, teams: int = 1) -> int | None:
    """Return how many hidden units a program carries; None if the kernels cannot run here with that size.

    The fewest that let all programs run at once, else the most whose weights fit into its memory: measured on an
    H200, 16 units a program are the fastest.
    """
    if INTERPRETED:
        return hidden if hidden & (hidden - 1) == 0 else None
    cores, memory = _limits(device)
    wide = triton.next_power_of_2(hidden)
    fitting = [
        units
        for units in (16, 32, 64, 128)
        if hidden % units == 0 and hidden // units <= cores and 4 * wide * dtype.itemsize * (units + BLOCK) <= memory
    ]
    at_once = [units for units in fitting if teams * (hidden // units) <= cores]
    return at_once[0] if at_once else fitting[-1] if fitting else None


def _limits(device: torch.device) -> tuple[int, int]:
    """Return how many multiprocessors a GPU has, and the bytes of memory of each that a program can have."""
    properties = torch.cuda.get_device_properties(device)
    if properties.major < 8:
        return 0, 0
    memory: int = properties.shared_memory_per_block_optin  # type: ignore[attr-defined]
    return properties.multi_processor_count, memory - 2**15  # reserved for all but the tiles


def _launch(kernel: Any, states: Tensor, dtype: torch.dtype, *arguments: Any) -> None:
    """Run a kernel over all teams for `states` (D, B, H); `arguments` are its own, up to the sequences."""
    directions, batch, hidden = states.shape
    teams = -(-batch // BLOCK) * directions
    units = slice_of_hidden(hidden, dtype, states.device, teams)
    assert units is not None
    counters = torch.zeros(1 + teams, dtype=torch.int32, device=states.device)
    sizes = {"D": directions, "H": hidden, "WIDE": triton.next_power_of_2(hidden), "BLOCK": BLOCK, "SLICE": units}
    precision = "tf32" if torch.backends.cudnn.allow_tf32 else "ieee"
    with torch.cuda.device_of(states):  # type: ignore[no-untyped-call]
        kernel[(teams * (hidden // units),)](
            *arguments, counters, batch, len(arguments[0]), **sizes, PRECISION=precision, num_warps=4, num_stages=1
        )


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, sequences: Sequences, bias: bool, x: Tensor, h_0: Tensor, c_0: Tensor, *weights: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        directions, batch, hidden = h_0.shape
        each, tokens, dtype = len(weights) // directions, len(x), x.dtype
        w_x = torch.cat(weights[::each]).to(dtype)  # (D*4H, I)
        w_h = torch.cat(weights[1::each]).to(dtype)  # (D*4H, H)
        if bias:
            biases = torch.cat(weights[2::each]) + torch.cat(weights[3::each])
            gates = torch.addmm(biases.to(dtype), x, w_x.t())  # (N, D*4H)
        else:
            gates = x @ w_x.t()
        h = x.new_empty(tokens + batch, directions * hidden)
        c = x.new_empty(tokens + batch, directions * hidden, dtype=torch.float32)
        h[tokens:].view(batch, directions, hidden).copy_(h_0.transpose(0, 1))
        c[tokens:].view(batch, directions, hidden).copy_(c_0.transpose(0, 1))
        h_n, c_n = h_0.new_empty(h_0.shape, dtype=dtype), c_0.new_empty(c_0.shape, dtype=torch.float32)
        before = torch.empty(directions, tokens, dtype=torch.int32, device=x.device)
        _launch(forward_kernel, h_n, dtype, gates, w_h, h, c, h_n, c_n, before, *sequences)
        ctx.save_for_backward(x, gates, h, c, before, w_x, w_h, *sequences)
        ctx.each, ctx.sizes, ctx.weight_dtype = each, h_0.shape, weights[0].dtype
        return h[:tokens], h_n, c_n.to(dtype)

    @staticmethod
    @backward_pass
    def backward(ctx: Any, d_outputs: Tensor, d_h_n: Tensor, d_c_n: Tensor) -> tuple[Tensor | None, ...]:
        x, gates, h, c, before, w_x, w_h, *sequences = ctx.saved_tensors
        hidden = ctx.sizes[2]
        d_gates = torch.empty_like(gates)  # (N, D*4H)
        d_h, d_c = (d.to(torch.float32, copy=True, memory_format=torch.contiguous_format) for d in (d_h_n, d_c_n))
        arguments = gates, w_h, c, d_outputs.contiguous(), d_h, d_c, d_gates
        _launch(backward_kernel, d_h, x.dtype, *arguments, *sequences)
        d_w_x = torch.split((d_gates.t() @ x).to(ctx.weight_dtype), 4 * hidden)  # (4H, I) each
        d_bias = torch.split(d_gates.sum(0, dtype=ctx.weight_dtype), 4 * hidden) if ctx.each > 2 else ()  # (4H,) each
        d_weights: list[Tensor] = []
        for direction, d_own in enumerate(torch.split(d_gates, 4 * hidden, 1)):
            h_before = h[:, direction * hidden : (direction + 1) * hidden].index_select(0, before[direction])  # (N, H)
            d_weights += [d_w_x[direction], (d_own.t() @ h_before).to(ctx.weight_dtype)]
            d_weights += 2 * [d_bias[direction]] if d_bias else []
        d_x = d_gates @ w_x if ctx.needs_input_grad[2] else None
        return None, None, d_x, d_h.to(x.dtype), d_c.to(x.dtype), *d_weights


def run_fused(module: nn.RNNBase, packed: PackedSequence, states: tuple[Tensor, ...], dtype: torch.dtype) -> Any:
    """Return what `module` makes of `packed`, whose initial `states` h and c (L*D, B, H) are sorted as it is."""
    data, batch_sizes, sorted_indices, unsorted_indices = packed
    sequences, directions = sequences_of(batch_sizes, data.device), 1 + module.bidirectional
    values, weights = data.to(dtype), module.all_weights
    ends: list[tuple[Tensor, ...]] = []
    for layer in range(module.num_layers):
        if layer:
            values = nn.functional.dropout(values, module.dropout, module.training)  # (N, D*H)
        rows = slice(layer * directions, (layer + 1) * directions)
        own = [weight for each in weights[rows] for weight in each]
        values, *end = apply(_Layer, sequences, module.bias, values, *(state[rows] for state in states), *own)
        ends.append(tuple(end))
    last = [torch.cat(kind) if len(kind) > 1 else kind[0] for kind in zip(*ends, strict=True)]  # (L*D, B, H) each
    if unsorted_indices is not None:
        last = [state.index_select(1, unsorted_indices) for state in last]
    return PackedSequence(values, batch_sizes, sorted_indices, unsorted_indices), tuple(last)
