"""Packed tokens (N,) -> the cells of a padded grid that the recurrence runs over, and back."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from project.batch import texts_of_tokens

WORTH_A_BLOCK = 0.05  # of the tokens: padding that a narrower block must save, as each block is a call of the kernel


class Block(NamedTuple):
    """Consecutive time steps of the same texts: a rectangle of cells, time-major."""

    start: int  # first of its cells
    steps: int
    texts: int

    @property
    def end(self) -> int:
        """The cell after its last one."""
        return self.start + self.steps * self.texts


class Grid(NamedTuple):
    """Where N packed tokens stand among the cells of blocks that become narrower as texts end.

    Turning a text round within its own length, first token last, keeps the padding behind it. It also keeps the grid:
    `last` is the cell of its last token before, and of its first one after.
    """

    blocks: tuple[Block, ...]
    cells: Tensor  # (N,) cell of each packed token
    tokens: Tensor  # (cells,) packed token of each cell; any token for padding
    turned: Tensor  # (cells,) the cell that takes each one's place when all texts are turned round
    last: Tensor  # (B,)
    padding: Tensor | None  # (cells, 1) float, 1 for padding and 0 for a token; None where there is no padding

    def to(self, device: torch.device) -> "Grid":
        """Return it with its tensors on `device`."""
        blocks, cells, tokens, turned, last, padding = self
        padding = None if padding is None else padding.to(device)
        return Grid(blocks, cells.to(device), tokens.to(device), turned.to(device), last.to(device), padding)


def cut_blocks(batch_sizes: list[int], most_steps: int | None = None) -> tuple[Block, ...]:
    """Begin a new block where half of the texts of the last one have ended, if that saves enough padding.

    Args:
        batch_sizes: Texts that are as long, for each of T steps; it never rises.
        most_steps: Of a block; any number where None.
    """
    steps, enough = len(batch_sizes), WORTH_A_BLOCK * sum(batch_sizes)
    blocks: list[Block] = []
    start = first = 0
    for step in range(1, steps + 1):
        width = batch_sizes[first]
        narrower = step < steps and 2 * batch_sizes[step] <= width
        full = step - first == most_steps
        if step == steps or full or (narrower and (width - batch_sizes[step]) * (steps - step) >= enough):
            blocks.append(Block(start, step - first, width))
            start, first = blocks[-1].end, step
    return tuple(blocks)


def make_grid(batch_sizes: Tensor, most_steps: int | None = None) -> Grid:
    """Lay out the grid for the `batch_sizes` (T,) of a PackedSequence, on the CPU; see `cut_blocks`."""
    blocks = cut_blocks(batch_sizes.tolist(), most_steps)
    row = torch.cat([block.start + block.texts * torch.arange(block.steps) for block in blocks])  # (T,) first cells
    step = torch.repeat_interleave(torch.arange(len(row)), batch_sizes)  # (N,)
    text = texts_of_tokens(batch_sizes)  # (N,)
    lengths = (batch_sizes.unsqueeze(1) > torch.arange(blocks[0].texts)).sum(0)  # (B,)
    cells = row[step] + text
    size = blocks[-1].end
    turned = torch.arange(size)
    turned[cells] = row[lengths[text] - 1 - step] + text
    tokens, padding = torch.zeros(size, dtype=torch.long), torch.ones(size, 1)
    tokens[cells], padding[cells] = torch.arange(len(cells)), 0.0
    last = row[lengths - 1] + torch.arange(blocks[0].texts)
    return Grid(blocks, cells, tokens, turned, last, padding if size > len(cells) else None)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor, back: Tensor) -> Tensor:
        ctx.save_for_backward(back)
        return rows.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (back,) = ctx.saved_tensors
        return grad.index_select(0, back), None, None


def spread(data: Tensor, grid: Grid) -> Tensor:
    """Return packed `data` (N, I) as cells (cells, I).

    Padding holds a copy of some token, which nothing may read: its gradient is taken for zero, so that the backward
    gathers instead of adding up.
    """
    if grid.padding is None:
        return data
    values: Tensor = _Gather.apply(data, grid.tokens, grid.cells)  # type: ignore[no-untyped-call]
    return values


def gather(values: Tensor, grid: Grid) -> Tensor:
    """Return the values of cells (cells, I) as packed data (N, I)."""
    return values if grid.padding is None else values.index_select(0, grid.cells)


def read(values: Tensor, grid: Grid, directions: int) -> list[tuple[Tensor, ...]]:
    """Return what each of one or two directions reads of `values` (cells, I): a tensor (steps * texts, I) per block.

    The second one reads the texts turned round, each within its own length.
    """
    if directions == 1:
        return [_cut(values, grid)]
    pieces: tuple[Tensor, ...] = _Read.apply(values, grid)  # type: ignore[no-untyped-call]
    return [pieces[: len(grid.blocks)], pieces[len(grid.blocks) :]]


def write(outputs: Sequence[Sequence[Tensor]], grid: Grid) -> Tensor:
    """Return as cells (cells, D*H) what each direction made of what it read, (steps * texts, H) per block."""
    if len(outputs) == 1:
        return torch.cat(list(outputs[0]))
    values: Tensor = _Write.apply(grid, *outputs[0], *outputs[1])  # type: ignore[no-untyped-call]
    return values


def _cut(values: Tensor, grid: Grid) -> tuple[Tensor, ...]:
    """Return `values` (cells, ...) block by block, as views."""
    return torch.split(values, [block.end - block.start for block in grid.blocks])


# Each of the following is the backward of its neighbour. As nodes of their own they make one large tensor, where split,
# turn, cat and the sum over directions would each make one: that takes memory, and time to have it cleared.


class _Read(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, grid: Grid) -> tuple[Tensor, ...]:
        ctx.grid = grid
        return (*_cut(values, grid), *_cut(values.index_select(0, grid.turned), grid))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return _Sum.apply(ctx.grid, *grads), None  # type: ignore[no-untyped-call]


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, grid: Grid, *pieces: Tensor) -> Tensor:
        ctx.grid = grid
        blocks = len(grid.blocks)
        total = torch.cat(pieces[:blocks])  # (cells, I)
        for cells, piece in zip(_cut(grid.turned, grid), pieces[blocks:], strict=True):
            total.index_add_(0, cells, piece)
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return None, *_Read.apply(grad, ctx.grid)  # type: ignore[no-untyped-call]


class _Write(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, grid: Grid, *pieces: Tensor) -> Tensor:
        ctx.grid = grid
        blocks, hidden = len(grid.blocks), pieces[0].shape[1]
        values = pieces[0].new_empty(len(grid.turned), 2 * hidden)
        forward, backward = values.chunk(2, 1)  # (cells, H) each
        torch.cat(pieces[:blocks], out=forward)
        for cells, piece in zip(_cut(grid.turned, grid), pieces[blocks:], strict=True):
            backward.index_copy_(0, cells, piece)
        return values

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return None, *_Unwrite.apply(grad, ctx.grid)  # type: ignore[no-untyped-call]


class _Unwrite(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, grid: Grid) -> tuple[Tensor, ...]:
        ctx.grid = grid
        forward, backward = values.chunk(2, 1)  # (cells, H) each
        return (*_cut(forward, grid), *_cut(backward.index_select(0, grid.turned), grid))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return _Write.apply(ctx.grid, *grads), None  # type: ignore[no-untyped-call]
