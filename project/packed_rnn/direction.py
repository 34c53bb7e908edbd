"""One direction of one layer: block by block of a grid, each a call of torch's kernel with states handed on."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from project.packed_rnn.grid import Grid
from project.packed_rnn.recompute import recomputed
from project.packed_rnn.side_by_side import Call

Kernel = Callable[..., tuple[Tensor, ...]]

SATURATED = 1e4  # a gate's input at which sigmoid is exactly 0 or 1


class Manner(NamedTuple):
    """How the directions of a layer are computed."""

    kernel: Kernel
    bias: bool
    training: bool
    need_c: bool  # the last c, of an LSTM
    lean: bool  # see `recomputed`


class Direction:
    """One direction of one layer on its way through the blocks.

    Args:
        manner: How it is computed.
        grid: Where the texts stand.
        cells: What it reads, (steps * texts, I) for each block.
        states: Initial h (B, H), with an LSTM c too.
        weights: As torch's module orders them.
        need_outputs: Whether anyone asks for `outputs`.
    """

    def __init__(
        self,
        manner: Manner,
        grid: Grid,
        cells: Sequence[Tensor],
        states: Sequence[Tensor],
        weights: Sequence[Tensor],
        need_outputs: bool,
    ) -> None:
        self._manner, self._grid, self._cells, self._need_outputs = manner, grid, cells, need_outputs
        self._states, self._weights = list(states), list(weights)
        self._outputs: list[Tensor] = []
        self._ended: list[list[Tensor]] = []  # last h, and c, of the texts that end in each block

    def call(self, number: int) -> Call:
        """Return what computes block `number`, the one after those that `take` took."""
        block = self._grid.blocks[number]
        cells = self._cells[number].view(block.steps, block.texts, -1)
        hx = [state[: block.texts].unsqueeze(0) for state in self._states]  # (1, texts, H)
        run: Kernel = partial(run_kernel, self._manner, len(hx))
        return Call(partial(recomputed, run) if self._manner.lean else run, (cells, *hx, *self._weights))

    def take(self, number: int, results: tuple[Tensor, ...]) -> None:
        """Go on with the results of block `number`."""
        blocks = self._grid.blocks
        output, *last = results
        output, self._states = output.flatten(0, 1), [state[0] for state in last]  # (steps * texts, H), (texts, H)
        # texts are sorted, longest first: those that end here are the last ones of this block
        going_on = blocks[number + 1].texts if number + 1 < len(blocks) else 0
        ending = slice(going_on, blocks[number].texts)
        ended = [output.index_select(0, self._grid.last[ending] - blocks[number].start)]
        if self._manner.need_c:
            ended.append(self._states[-1][ending])
        self._ended.append(ended)
        if self._need_outputs:
            self._outputs.append(output)

    def last(self) -> list[Tensor]:
        """Return the last h (B, H), with an LSTM the last c too where it is needed, once all blocks are through."""
        return [torch.cat(kind) for kind in zip(*reversed(self._ended), strict=True)]

    def outputs(self) -> list[Tensor]:
        """Return the outputs of each block (steps * texts, H), once all are through."""
        return self._outputs


def run_kernel(manner: Manner, num_states: int, cells: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
    """Return the outputs (steps, texts, H) and last states (1, texts, H) of `cells` (steps, texts, I).

    Args:
        manner: How it is computed.
        num_states: How many of `tensors` are initial states (1, texts, H); the others are weights.
        cells: Inputs.
        tensors: States and weights.
    """
    hx, weights = tensors[:num_states], list(tensors[num_states:])
    return manner.kernel(
        cells, hx if len(hx) == 2 else hx[0], weights, manner.bias, 1, 0.0, manner.training, False, False
    )


def hold_c(values: Tensor, weights: Sequence[list[Tensor]], padding: Tensor) -> tuple[Tensor, list[list[Tensor]]]:
    """Add an input that is 1 at padding and there closes the input gate and opens the forget gate, so that c stays.

    Args:
        values: (cells, I).
        weights: Of each direction, the first (4H, I), gates in torch's order: input, forget, cell, output.
        padding: (cells, 1), 1 at padding, else 0.

    Returns:
        Values (cells, I+1), and the weights, the first of each direction (4H, I+1).
    """
    column = padding.new_zeros(4, len(weights[0][0]) // 4)
    column[0], column[1] = -SATURATED, SATURATED
    wider = [[torch.cat([first, column.view(-1, 1).to(first)], 1), *others] for first, *others in weights]
    return torch.cat([values, padding.to(values)], 1), wider
