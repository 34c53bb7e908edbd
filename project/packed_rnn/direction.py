"""One layer: each direction runs block by block through a grid, and a block is one call of torch's kernel."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from .grid import Grid, merge_directions, pick, split_directions
from .parallel import Call, run_calls

Kernel = Callable[..., tuple[Tensor, ...]]

SATURATED = 1e4  # a gate's input at which sigmoid is exactly 0 or 1


class Config(NamedTuple):
    """How the directions of a layer are computed."""

    kernel: Kernel
    bias: bool
    training: bool
    need_c: bool  # the last c, of an LSTM
    need_outputs: bool
    parallel: bool  # whether two directions run at the same time
    recompute: bool  # whether the backward pass computes each block again, instead of keeping what it needs

    @property
    def own_graphs(self) -> bool:
        """Whether a block is one node of autograd's graph, with a graph of its own."""
        return self.parallel or self.recompute


class Direction:
    """One direction of one layer on its way through the blocks.

    Args:
        config: How it is computed.
        grid: Positions of the tokens.
        cells: What it reads, (steps * width, I) for each block.
        states: Initial h (B, H), for an LSTM c too.
        weights: In the order of torch's module.
    """

    def __init__(
        self, config: Config, grid: Grid, cells: Sequence[Tensor], states: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> None:
        self._config, self._grid, self._cells = config, grid, cells
        self._states, self._weights = list(states), list(weights)
        self._ended: list[list[Tensor]] = []  # last h, and c, of the sequences that end in each block
        self.outputs: list[Tensor] = []  # of each block so far, (steps * width, H)

    def call(self, number: int) -> Call:
        """Return what computes block `number`, the one after those whose results are stored."""
        block = self._grid.blocks[number]
        cells = self._cells[number].view(block.steps, block.width, -1)  # (steps, width, I)
        hx = [state[: block.width].unsqueeze(0) for state in self._states]  # (1, width, H)
        kernel = partial(run_kernel, self._config, len(hx))
        return Call(kernel, (cells, *hx, *self._weights), self._config.recompute)

    def store(self, number: int, results: tuple[Tensor, ...]) -> None:
        """Keep the results of block `number`; its last states are the next block's first ones."""
        blocks = self._grid.blocks
        output, *last = results
        output, self._states = output.flatten(0, 1), [state[0] for state in last]  # (steps * width, H), (width, H)
        # sequences are sorted, longest first: those that end here are the last ones of this block
        remaining = blocks[number + 1].width if number + 1 < len(blocks) else 0
        ending = slice(remaining, blocks[number].width)
        ended = [pick(output, self._grid.last[ending] - blocks[number].start)]
        if self._config.need_c:
            ended.append(self._states[-1][ending])
        self._ended.append(ended)
        if self._config.need_outputs:
            self.outputs.append(output)

    def last(self) -> list[Tensor]:
        """Return the last h (B, H), and if needed the last c, once all blocks are stored."""
        return [torch.cat(kind) for kind in zip(*reversed(self._ended), strict=True)]


def run_layer(
    config: Config,
    grid: Grid,
    values: Tensor,
    states: Sequence[Sequence[Tensor]],
    weights: Sequence[Sequence[Tensor]],
) -> tuple[Tensor, list[list[Tensor]]]:
    """Run both directions of a layer, or its only one.

    Args:
        config: How it is computed.
        grid: Positions of the tokens.
        values: Inputs (cells, I).
        states: For each direction, initial h (B, H), for an LSTM c too.
        weights: For each direction, in the order of torch's module.

    Returns:
        The outputs (cells, D*H), or `values` if they are not needed; for each direction its last h (B, H), and c.
    """
    inputs = values  # (cells, I)
    if config.need_c and grid.padding is not None:
        inputs, weights = hold_c(values, weights, grid.padding)  # (cells, I+1)
    pieces = split_directions(inputs, grid, len(states))
    directions = [Direction(config, grid, *each) for each in zip(pieces, states, weights, strict=True)]
    for block in range(len(grid.blocks)):
        calls = [direction.call(block) for direction in directions]
        if config.own_graphs:
            results = run_calls(calls, config.parallel)
        else:
            results = [call.function(*call.tensors) for call in calls]
        for direction, result in zip(directions, results, strict=True):
            direction.store(block, result)
    if config.need_outputs:
        values = merge_directions([direction.outputs for direction in directions], grid)  # (cells, D*H)
    return values, [direction.last() for direction in directions]


def run_kernel(config: Config, num_states: int, cells: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
    """Return the outputs (steps, width, H) and last states (1, width, H) of `cells` (steps, width, I).

    Args:
        config: How it is computed.
        num_states: How many of `tensors` are initial states (1, width, H); the others are weights.
        cells: Inputs.
        tensors: States and weights.
    """
    hx, weights = tensors[:num_states], list(tensors[num_states:])
    state = hx if len(hx) == 2 else hx[0]
    return config.kernel(cells, state, weights, config.bias, 1, 0.0, config.training, False, False)


def hold_c(values: Tensor, weights: Sequence[Sequence[Tensor]], padding: Tensor) -> tuple[Tensor, list[list[Tensor]]]:
    """Add an input that is 1 at padding and there closes the input gate and opens the forget gate, so that c stays.

    Args:
        values: (cells, I).
        weights: Of each direction, the first (4H, I), gates in torch's order: input, forget, cell, output.
        padding: (cells, 1), 1 at padding, else 0.

    Returns:
        Values (cells, I+1), and the weights, the first of each direction (4H, I+1).
    """
    column = padding.new_zeros(4, len(weights[0][0]) // 4)  # (4, H)
    column[0], column[1] = -SATURATED, SATURATED
    wider = [[torch.cat([first, column.view(-1, 1).to(first)], 1), *others] for first, *others in weights]
    return torch.cat([values, padding.to(values)], 1), wider
