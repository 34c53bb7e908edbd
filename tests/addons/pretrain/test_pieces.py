from hypothesis import given
from hypothesis import strategies as st

from project.addons.pretrain import pieces
from project.addons.pretrain.pieces import Pieces, cut_evenly, loader
from project.text import Tokenizer

TOKENIZER = Tokenizer(["<pad>", "<unk>", "a", "warm", "film"], max_length=2)


def test_a_long_text_is_cut_into_equal_pieces():
    assert cut_evenly(10, 10 + 600) == [(10, 210), (210, 410), (410, 610)]


@given(st.integers(0, 9), st.integers(1, 2000))
def test_pieces_contain_every_token_once(start, length):
    cuts = cut_evenly(start, start + length)
    assert [token for first, end in cuts for token in range(first, end)] == list(range(start, start + length))


def test_the_tokenizers_max_length_is_ignored():
    assert Pieces(["a warm film"], TOKENIZER)[0].tolist() == [2, 3, 4]


def test_a_text_of_one_token_is_skipped():
    assert len(Pieces(["film", "a film"], TOKENIZER)) == 1


def test_no_piece_is_longer_than_the_limit(monkeypatch):
    monkeypatch.setattr(pieces, "LONGEST", 3)
    assert Pieces(["a warm film a warm film a"], TOKENIZER).lengths == [2, 2, 3]


def test_batches_are_packed():
    (batch,) = loader(Pieces(["a film", "a warm film"], TOKENIZER), 2, shuffle=False)
    assert batch.batch_sizes.tolist() == [2, 2, 1]
