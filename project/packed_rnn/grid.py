"""Packed tokens (N,) -> the cells of a padded grid that a kernel runs over, and back.

Shape letters: B sequences in a batch, T time steps of the longest, N tokens in a packed batch, I input, H hidden,
L layers, D directions.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .derivative import apply, backward_pass

MIN_SAVING = 0.05  # share of the tokens: padding that a narrower block must save, as each block is a kernel call


class Block(NamedTuple):
    """Consecutive time steps of the same sequences: a rectangle of cells, time-major."""

    start: int  # first of its cells
    steps: int
    width: int  # sequences

    @property
    def end(self) -> int:
        """The cell after its last one."""
        return self.start + self.steps * self.width


class Grid(NamedTuple):
    """Positions of N packed tokens among the cells of blocks that become narrower as sequences end.

    Reversing a sequence within its own length, first token last, keeps the padding after it. The reversed grid thus
    has the same cells of padding, and `last` is the cell of both a sequence's last token and its first one reversed.
    """

    blocks: tuple[Block, ...]
    cells: Tensor  # (N,) cell of each packed token
    tokens: Tensor  # (cells,) packed token of each cell; any token for padding
    reverse: Tensor  # (cells,) cell that takes each one's place when all sequences are reversed
    last: Tensor  # (B,)
    padding: Tensor | None  # (cells, 1) float, 1 for padding and 0 for a token; None without any padding

    def to(self, device: torch.device) -> "Grid":
        """Return it with its tensors on `device`."""
        blocks, cells, tokens, reverse, last, padding = self
        padding = None if padding is None else padding.to(device)
        return Grid(blocks, cells.to(device), tokens.to(device), reverse.to(device), last.to(device), padding)


def cut_blocks(batch_sizes: list[int], max_steps: int | None = None) -> tuple[Block, ...]:
    """Begin a new block when half of the last one's sequences have ended, if that saves enough padding.

    Args:
        batch_sizes: How many sequences each of the T steps has; never rising.
        max_steps: Of a block.
    """
    steps, enough = len(batch_sizes), MIN_SAVING * sum(batch_sizes)
    blocks: list[Block] = []
    start = first = 0
    for step in range(1, steps + 1):
        width = batch_sizes[first]
        narrower = step < steps and 2 * batch_sizes[step] <= width
        full = step - first == max_steps
        if step == steps or full or (narrower and (width - batch_sizes[step]) * (steps - step) >= enough):
            blocks.append(Block(start, step - first, width))
            start, first = blocks[-1].end, step
    return tuple(blocks)


def firsts_and_lengths(batch_sizes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first token of each time step, (T,), and the length of each sequence, (B,)."""
    lengths = (batch_sizes.unsqueeze(1) > torch.arange(int(batch_sizes[0]))).sum(0)
    return batch_sizes.cumsum(0) - batch_sizes, lengths


def make_grid(batch_sizes: Tensor, max_steps: int | None = None) -> Grid:
    """Lay out the grid for the `batch_sizes` (T,) of a PackedSequence, on the CPU; see `cut_blocks`."""
    blocks = cut_blocks(batch_sizes.tolist(), max_steps)
    row = torch.cat([block.start + block.width * torch.arange(block.steps) for block in blocks])  # (T,) first cells
    step = torch.repeat_interleave(torch.arange(len(row)), batch_sizes)  # (N,)
    first, lengths = firsts_and_lengths(batch_sizes)  # (T,), (B,)
    sequence = torch.arange(len(step)) - first[step]  # (N,)
    cells = row[step] + sequence  # (N,)
    size = blocks[-1].end
    reverse = torch.arange(size)  # (cells,)
    reverse[cells] = row[lengths[sequence] - 1 - step] + sequence
    tokens, padding = torch.zeros(size, dtype=torch.long), torch.ones(size, 1)  # (cells,), (cells, 1)
    tokens[cells], padding[cells] = torch.arange(len(cells)), 0.0
    last = row[lengths - 1] + torch.arange(blocks[0].width)  # (B,)
    return Grid(blocks, cells, tokens, reverse, last, padding if size > len(cells) else None)


class _Pick(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, index: Tensor, dim: int) -> tuple[Tensor]:
        ctx.save_for_backward(index)
        ctx.dim, ctx.shape = dim, values.shape
        return (values.index_select(dim, index),)

    @staticmethod
    @backward_pass
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (index,) = ctx.saved_tensors
        return grad.new_zeros(ctx.shape).index_copy_(ctx.dim, index, grad), None, None


def pick(values: Tensor, index: Tensor, dim: int = 0) -> Tensor:
    """Return `values.index_select(dim, index)` for an index without repetitions: the backward pass need not add up."""
    return apply(_Pick, values, index, dim)[0]


class _Scatter(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, data: Tensor, grid: Grid) -> tuple[Tensor]:
        ctx.grid = grid
        return (data.index_select(0, grid.tokens),)  # (cells, I)

    @staticmethod
    @backward_pass
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad.index_select(0, ctx.grid.cells), None  # (N, I)


def scatter(data: Tensor, grid: Grid) -> Tensor:
    """Return packed `data` (N, I) as cells (cells, I).

    Padding holds a copy of some token, which nothing may read: its gradient is taken for zero, so that the backward
    pass can gather instead of adding up.
    """
    return data if grid.padding is None else apply(_Scatter, data, grid)[0]


def gather(values: Tensor, grid: Grid) -> Tensor:
    """Return the values of cells (cells, I) as packed data (N, I)."""
    return values if grid.padding is None else pick(values, grid.cells)


def split_directions(values: Tensor, grid: Grid, directions: int) -> list[tuple[Tensor, ...]]:
    """Return what each of one or two directions reads of `values` (cells, I): (steps * width, I) for each block.

    The second one reads the sequences reversed, each within its own length.
    """
    if directions == 1:
        return [_cut(values, grid)]
    pieces = apply(_Split, values, grid)
    return [pieces[: len(grid.blocks)], pieces[len(grid.blocks) :]]


def merge_directions(outputs: Sequence[Sequence[Tensor]], grid: Grid) -> Tensor:
    """Return as cells (cells, D*H) the outputs of each direction, (steps * width, H) for each block."""
    if len(outputs) == 1:
        return torch.cat(list(outputs[0]))  # (cells, H)
    return apply(_Merge, grid, *outputs[0], *outputs[1])[0]


def _cut(values: Tensor, grid: Grid) -> tuple[Tensor, ...]:
    """Return `values` (cells, ...) block by block, as views."""
    return torch.split(values, [block.end - block.start for block in grid.blocks])


# Both directions in one node make one large tensor. The nodes of split, index_select, cat and the sum over directions
# would make one each, which takes memory, and time to clear it.


class _Split(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, grid: Grid) -> tuple[Tensor, ...]:
        ctx.grid = grid
        return (*_cut(values, grid), *_cut(values.index_select(0, grid.reverse), grid))

    @staticmethod
    @backward_pass
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        blocks = len(ctx.grid.blocks)
        total = torch.cat(grads[:blocks])  # (cells, I)
        for cells, grad in zip(_cut(ctx.grid.reverse, ctx.grid), grads[blocks:], strict=True):
            total.index_add_(0, cells, grad)
        return total, None


class _Merge(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, grid: Grid, *pieces: Tensor) -> tuple[Tensor]:
        ctx.grid = grid
        blocks, hidden = len(grid.blocks), pieces[0].shape[1]
        values = pieces[0].new_empty(len(grid.reverse), 2 * hidden)  # (cells, 2H)
        forward, backward = values.chunk(2, 1)  # (cells, H) each
        torch.cat(pieces[:blocks], out=forward)
        for cells, piece in zip(_cut(grid.reverse, grid), pieces[blocks:], strict=True):
            backward.index_copy_(0, cells, piece)
        return (values,)

    @staticmethod
    @backward_pass
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        forward, backward = grad.chunk(2, 1)  # (cells, H) each
        return None, *_cut(forward, ctx.grid), *_cut(backward.index_select(0, ctx.grid.reverse), ctx.grid)
