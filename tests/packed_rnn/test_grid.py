import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from project.packed_rnn.grid import Block, cut_blocks, gather, make_grid, read, spread, write

lengths_of_texts = st.lists(st.integers(1, 40), min_size=1, max_size=9)


def numbered(lengths: list[int]) -> PackedSequence:
    """Packed tokens (N, 2): the text's number, and the token's place in it."""
    texts = [torch.tensor([[text, place] for place in range(length)]).float() for text, length in enumerate(lengths)]
    return pack_sequence(texts, enforce_sorted=False)


def test_two_texts_by_hand():
    grid = make_grid(torch.tensor([2, 1, 1]))  # lengths 3 and 1; tokens a0 b0 a1 a2
    assert grid.blocks == (Block(0, 1, 2), Block(2, 2, 1))  # a0 b0 | a1 | a2
    assert grid.turned.tolist() == [3, 1, 2, 0]
    assert grid.last.tolist() == [3, 1]
    assert grid.padding is None


def test_padding_is_marked():
    grid = make_grid(torch.tensor([3, 3, 2]))
    assert grid.blocks == (Block(0, 3, 3),)
    assert grid.padding is not None
    assert grid.padding.flatten().tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 1]


def test_a_block_ends_where_half_of_its_texts_have_ended():
    assert cut_blocks([8, 8, 5, 5, 4, 4, 3]) == (Block(0, 4, 8), Block(32, 3, 4))


def test_a_block_has_at_most_so_many_steps():
    assert cut_blocks([2, 2, 2, 1, 1], most_steps=2) == (Block(0, 2, 2), Block(4, 1, 2), Block(6, 2, 1))


def test_no_block_for_little_padding():
    assert cut_blocks([64] * 99 + [10]) == (Block(0, 100, 64),)


@given(lengths_of_texts)
def test_half_of_the_cells_hold_tokens(lengths):
    packed = numbered(lengths)
    grid = make_grid(packed.batch_sizes)
    assert len(packed.data) >= 0.47 * len(grid.tokens)  # the last bit of padding is not worth a block


@given(lengths_of_texts)
def test_gather_undoes_spread(lengths):
    packed = numbered(lengths)
    grid = make_grid(packed.batch_sizes)
    assert torch.equal(gather(spread(packed.data, grid), grid), packed.data)


@given(lengths_of_texts)
def test_the_second_direction_reads_the_last_token_first(lengths):
    packed = numbered(lengths)
    grid = make_grid(packed.batch_sizes)
    _, backward = read(spread(packed.data, grid), grid, 2)
    turned = gather(torch.cat(backward), grid)
    ordered = torch.tensor(lengths)[turned[:, 0].long()]
    assert torch.equal(turned[:, 0], packed.data[:, 0])
    assert torch.equal(turned[:, 1], ordered - 1 - packed.data[:, 1])


@given(lengths_of_texts, st.integers(1, 2))
def test_what_is_written_as_it_was_read_stands_where_it_stood(lengths, directions):
    packed = numbered(lengths)
    grid = make_grid(packed.batch_sizes, most_steps=7)
    values = spread(packed.data, grid)
    assert torch.equal(write(read(values, grid, directions), grid), torch.cat([values] * directions, 1))


def test_gradients_of_reading_and_writing():
    grid = make_grid(torch.tensor([3, 2, 2, 1]), most_steps=3)
    values = torch.randn(len(grid.turned), 2, dtype=torch.float64, requires_grad=True)

    def cubes(values: torch.Tensor) -> torch.Tensor:
        return write([[piece**3 for piece in pieces] for pieces in read(values, grid, 2)], grid)

    assert torch.autograd.gradcheck(cubes, values)
    assert torch.autograd.gradgradcheck(cubes, values)


@given(lengths_of_texts)
def test_last_is_the_cell_of_each_texts_last_token(lengths):
    packed = numbered(lengths)
    grid = make_grid(packed.batch_sizes)
    text, place = spread(packed.data, grid)[grid.last].long().T
    assert torch.equal(place, torch.tensor(lengths)[text] - 1)
