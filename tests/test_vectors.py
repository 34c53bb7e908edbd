import pytest
import torch

from project.errors import UserError
from project.pretrained import vectors_of
from project.vectors import GLOVE, GLOVE_6B_50D, load_vectors
from tests.pretrained_file import write_pretrained


def test_a_file_to_start_from_gives_its_vectors_and_what_it_has_read(tmp_path):
    write_pretrained(tmp_path / "own.pt", ["the"], torch.ones(1, 2), read=[5, 4])
    vectors = load_vectors(str(tmp_path / "own.pt"))
    assert (vectors.words, vectors.vectors.tolist()) == (["the"], [[1, 1]])
    assert vectors.read is not None
    assert vectors.read.tolist() == [4, 5]


def test_without_the_wheel_the_error_names_gloves_own_archive(tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIMENT_CACHE", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(UserError, match=rf"{GLOVE.requirement}.*glove\.6B\.zip.*--data\.vectors glove\.6B\.zip"):
        load_vectors(GLOVE_6B_50D)


def test_missing_file_is_refused():
    with pytest.raises(UserError, match=r"nowhere\.pt does not exist"):
        load_vectors("nowhere.pt")


def test_lookup_gives_zeros_to_words_without_a_vector(tmp_path):
    own = write_pretrained(tmp_path / "own.pt", ["the", "of"], torch.tensor([[1.0, 2, 3], [4, 5, 6]]))
    vectors, found = vectors_of(["<pad>", "of", "the"], load_vectors(str(own)))
    assert found.tolist() == [False, True, True]
    assert vectors[[0, 2]].tolist() == [[0, 0, 0], [1, 2, 3]]
