import gzip
import zipfile

import numpy as np
import pytest

from project.errors import UserError
from project.vectors import WordVectors, kept_vectors, load_vectors, read_json_vectors, read_text_vectors

GLOVE = "the 1 2 3\nof -1 0.5 2e-1\n"


def write(tmp_path, content: str, name: str = "vectors.txt"):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return path


def test_glove_format(tmp_path):
    vectors = read_text_vectors(write(tmp_path, GLOVE))
    assert vectors.words == ["the", "of"]
    assert vectors.matrix.round(3).tolist() == [[1, 2, 3], [-1, 0.5, pytest.approx(0.2)]]


def test_fasttext_header_is_not_a_word(tmp_path):
    assert read_text_vectors(write(tmp_path, "2 3\n" + GLOVE)).words == ["the", "of"]


def test_fasttext_lines_may_end_in_a_space(tmp_path):
    assert read_text_vectors(write(tmp_path, "1 2\nthe 1 2 \n", "a.vec")).matrix.tolist() == [[1, 2]]


def test_words_may_hold_spaces(tmp_path):
    assert read_text_vectors(write(tmp_path, "the 1 2\n. . . 3 4\n")).words == ["the", ". . ."]


def test_first_vector_of_a_word_counts(tmp_path):
    assert read_text_vectors(write(tmp_path, "a 1 1\na 2 2\n")).matrix.tolist() == [[1, 1]]


def test_gzip(tmp_path):
    path = tmp_path / "vectors.txt.gz"
    path.write_bytes(gzip.compress(GLOVE.encode()))
    assert load_vectors(str(path)).words == ["the", "of"]


def test_json(tmp_path):
    content = '{"dimensions": 2, "words": ["the", "of"], "vectors": {"of": [3, 4, 5.0, 1], "the": [1, 2, 2.2, 0]}}'
    vectors = read_json_vectors(write(tmp_path, content, "vectors.json"))
    assert (vectors.words, vectors.matrix.tolist()) == (["the", "of"], [[1, 2], [3, 4]])


def test_kept_vectors_are_made_once(tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIMENT_CACHE", str(tmp_path))
    made = [WordVectors(["the"], np.ones((1, 2), dtype=np.float32))]
    first, second = (kept_vectors("key", made.pop) for _ in range(2))
    assert (first.words, first.matrix.tolist()) == (second.words, second.matrix.tolist()) == (["the"], [[1, 1]])


def test_zip(tmp_path):
    path = tmp_path / "vectors.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner.vec", GLOVE)
    assert load_vectors(str(path)).words == ["the", "of"]


def test_zip_of_several_files_is_refused(tmp_path):
    path = tmp_path / "vectors.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", GLOVE)
        archive.writestr("b.txt", GLOVE)
    with pytest.raises(UserError, match=r"2 vector files \(a.txt, b.txt\)"):
        load_vectors(str(path))


@pytest.mark.parametrize("bad", ["of 1 2", "of 1 two 3", "of 1 nan 3", "of"])
def test_bad_line_is_named(tmp_path, bad):
    with pytest.raises(UserError, match=r"vectors.txt:2: expected a word and 3 numbers"):
        read_text_vectors(write(tmp_path, f"the 1 2 3\n{bad}\n"))


def test_empty_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no vectors"):
        read_text_vectors(write(tmp_path, ""))


def test_truncated_gzip_is_refused(tmp_path):
    path = tmp_path / "vectors.txt.gz"
    path.write_bytes(gzip.compress(GLOVE.encode() * 100)[:40])
    with pytest.raises(UserError, match="cannot read vectors"):
        load_vectors(str(path))


def test_missing_file_is_refused():
    with pytest.raises(UserError, match="neither glove-6b-50d nor glove-6b-100d nor word2vec nor a file"):
        load_vectors("nowhere.txt")


def test_lookup_gives_zeros_where_there_is_no_vector(tmp_path):
    vectors, found = read_text_vectors(write(tmp_path, GLOVE)).lookup(["<pad>", "of", "the"])
    assert found.tolist() == [False, True, True]
    assert vectors[[0, 2]].tolist() == [[0, 0, 0], [1, 2, 3]]
