import pytest
import torch

from project.errors import UserError
from project.pretrained import read_pretrained
from tests.pretrained_file import write_pretrained


def test_what_was_saved_is_read(tmp_path):
    found = read_pretrained(write_pretrained(tmp_path / "a.pt", ["warm", "cold"], torch.zeros(2, 3), [3, 1]))
    assert (found.words, found.read.tolist()) == (["warm", "cold"], [1, 3])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        ({"format": 1}, "has format 1, this version reads format 3"),
        ({"format": 3}, "is not a file of words, vectors and weights"),
        ([1], "is not a file of words, vectors and weights"),
    ],
)
def test_other_files_are_one_line(tmp_path, content, message):
    if content is not None:
        torch.save(content, tmp_path / "a.pt")
    with pytest.raises(UserError, match=message):
        read_pretrained(tmp_path / "a.pt")


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no/"):
        write_pretrained(tmp_path / "no" / "a.pt", [], torch.zeros(0, 3), [])
