import gzip
import zipfile
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from project.addons.vector_files.reader import read_word_vectors
from project.errors import UserError
from project.ingest import records
from project.vectors import load_vectors

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


def test_a_missing_file_is_told():
    with pytest.raises(UserError, match=r"vectors 'nowhere\.txt' are neither a built-in name nor a file"):
        load_vectors("nowhere.txt")


def zipped(path: Path, content: bytes) -> Path:
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("v.txt", content)
    return path


def test_equal_lines_of_vectors_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "UNPACKED", 10_000)
    with pytest.raises(UserError, match="expands to over 100 times its size"):
        read_word_vectors(zipped(tmp_path / "a.zip", b"the 1 2\n" * 100_000))


@pytest.mark.parametrize("content", [b"a" * 5000, b"the x\nthe 1 2\n", b"\xff 1 2\n", b"1 -3\nthe 1 2\n"])
def test_vectors_that_make_no_sense_are_one_line(tmp_path, content):
    with pytest.raises(UserError, match=r"v\.zip:\d: expected a word and -?\d+ numbers"):
        read_word_vectors(zipped(tmp_path / "v.zip", content))


def test_another_dimension_than_the_models_names_the_option(sentiment, toy, capsys):
    Path("two.txt").write_text("film 1 2\n")
    assert sentiment("fit", f"--data.corpus={toy}", "--data.vectors=two.txt") == 2
    assert "set --model.embedding_dim=2" in capsys.readouterr().err
