import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils.rnn import PackedSequence, pack_sequence

all_lengths = st.lists(st.integers(1, 40), min_size=1, max_size=9)


@pytest.fixture(scope="session")
def grids(module):
    return module("grid")


def numbered(lengths: list[int]) -> PackedSequence:
    """Packed tokens (N, 2): the sequence's number, and the token's position in it."""
    sequences = [
        torch.tensor([[number, position] for position in range(length)]).float()
        for number, length in enumerate(lengths)
    ]
    return pack_sequence(sequences, enforce_sorted=False)


def test_blocks_of_two_sequences(grids):
    grid = grids.make_grid(torch.tensor([2, 1, 1]))  # lengths 3 and 1; tokens a0 b0 a1 a2
    assert grid.blocks == ((0, 1, 2), (2, 2, 1))  # a0 b0 | a1 | a2


def test_two_sequences_reversed(grids):
    assert grids.make_grid(torch.tensor([2, 1, 1])).reverse.tolist() == [3, 1, 2, 0]


def test_last_cells_of_two_sequences(grids):
    assert grids.make_grid(torch.tensor([2, 1, 1])).last.tolist() == [3, 1]


def test_without_padding_none_is_marked(grids):
    assert grids.make_grid(torch.tensor([2, 1, 1])).padding is None


def test_padding_is_marked(grids):
    assert grids.make_grid(torch.tensor([3, 3, 2])).padding.flatten().tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 1]


def test_a_block_ends_when_half_of_its_sequences_have_ended(grids):
    assert grids.cut_blocks([8, 8, 5, 5, 4, 4, 3]) == ((0, 4, 8), (32, 3, 4))


def test_a_block_has_a_largest_number_of_steps(grids):
    assert grids.cut_blocks([2, 2, 2, 1, 1], max_steps=2) == ((0, 2, 2), (4, 1, 2), (6, 2, 1))


def test_no_block_for_little_padding(grids):
    assert grids.cut_blocks([64] * 99 + [10]) == ((0, 100, 64),)


@given(all_lengths)
def test_about_half_of_the_cells_or_more_hold_tokens(grids, lengths):
    packed = numbered(lengths)
    grid = grids.make_grid(packed.batch_sizes)
    assert len(packed.data) >= 0.47 * len(grid.tokens)  # the last bit of padding is not worth a block


@given(all_lengths)
def test_gather_undoes_scatter(grids, lengths):
    packed = numbered(lengths)
    grid = grids.make_grid(packed.batch_sizes)
    assert torch.equal(grids.gather(grids.scatter(packed.data, grid), grid), packed.data)


@given(all_lengths)
def test_the_second_direction_reads_the_last_token_first(grids, lengths):
    packed = numbered(lengths)
    grid = grids.make_grid(packed.batch_sizes)
    _, backward = grids.split_directions(grids.scatter(packed.data, grid), grid, 2)
    number, position = grids.gather(torch.cat(backward), grid).T
    expected = torch.tensor(lengths)[number.long()] - 1 - packed.data[:, 1]
    assert (number.tolist(), position.tolist()) == (packed.data[:, 0].tolist(), expected.tolist())


@given(all_lengths, st.integers(1, 2))
def test_merging_undoes_splitting(grids, lengths, directions):
    packed = numbered(lengths)
    grid = grids.make_grid(packed.batch_sizes, max_steps=7)
    values = grids.scatter(packed.data, grid)
    merged = grids.merge_directions(grids.split_directions(values, grid, directions), grid)
    assert torch.equal(merged, torch.cat([values] * directions, 1))


def test_gradients_of_splitting_and_merging(grids):
    grid = grids.make_grid(torch.tensor([3, 2, 2, 1]), max_steps=3)
    values = torch.randn(len(grid.reverse), 2, dtype=torch.float64, requires_grad=True)

    def cubes(values):
        pieces = grids.split_directions(values, grid, 2)
        return grids.merge_directions([[piece**3 for piece in each] for each in pieces], grid)

    assert torch.autograd.gradcheck(cubes, values)


@given(all_lengths)
def test_last_is_the_cell_of_each_sequences_last_token(grids, lengths):
    packed = numbered(lengths)
    grid = grids.make_grid(packed.batch_sizes)
    number, position = grids.scatter(packed.data, grid)[grid.last].long().T
    assert torch.equal(position, torch.tensor(lengths)[number] - 1)
