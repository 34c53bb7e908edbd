import numpy as np
import pytest

from project.addons.word2vec.training import corpus_vectors, training_texts
from project.corpora import load_corpus
from tests.conftest import write_csv


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    write_csv(folder / "train.csv", [("A warm film", "good"), ("A cold film", "bad"), ("A dull cast", "bad")])
    write_csv(folder / "val.csv", [("A wise ending", "good")])
    write_csv(folder / "test.csv", [("A hollow story", "bad")])
    write_csv(folder / "unsupervised.csv", [("No label here", ""), ("A hollow story", ""), ("a WISE ending", "")])
    return load_corpus(str(folder))


def test_train_and_unlabelled_texts_are_read_but_none_of_val_and_test(corpus):
    texts = [" ".join(words) for words in training_texts([corpus])]
    assert texts == ["a warm film", "a cold film", "a dull cast", "no label here"]


def test_unlabelled_texts_are_left_out_if_asked(corpus):
    texts = [" ".join(words) for words in training_texts([corpus], unlabelled=False)]
    assert texts == ["a warm film", "a cold film", "a dull cast"]


def test_vectors_of_train_alone_are_others(corpus, tmp_path):
    write_csv(tmp_path / "own" / "unsupervised.csv", [("A noisy noisy ending", "")])
    noisy = load_corpus(str(tmp_path / "own"))
    assert [("noisy" in corpus_vectors(noisy, None, 6, read).words) for read in (True, False)] == [True, False]


def test_another_corpus_adds_its_texts_but_none_of_val_and_test(corpus, tmp_path):
    write_csv(
        tmp_path / "other.csv", [("A moving cast", "good"), ("A hollow story", "bad"), ("A tedious ending", "bad")] * 9
    )
    texts = {" ".join(words) for words in training_texts([corpus, load_corpus(str(tmp_path / "other.csv"))])}
    assert "a hollow story" not in texts
    assert texts & {"a moving cast", "a tedious ending"}


def test_a_held_out_text_that_another_corpus_writes_otherwise_is_left_out(corpus, tmp_path):
    write_csv(tmp_path / "other.csv", [("A hollow-story !", "bad"), ("a  Wise ending", "good")] * 9)
    texts = {" ".join(words) for words in training_texts([corpus, load_corpus(str(tmp_path / "other.csv"))])}
    assert texts == {"a warm film", "a cold film", "a dull cast", "no label here"}


def test_vectors_of_the_commonest_words_come_first_and_are_kept(corpus):
    vectors = corpus_vectors(corpus, None, 6)
    assert vectors.words[0] == "a"
    assert vectors.matrix.shape == (len(vectors.words), 6)
    np.testing.assert_array_equal(corpus_vectors(corpus, None, 6).matrix, vectors.matrix)


def test_other_unlabelled_texts_make_other_vectors(corpus, tmp_path):
    before = corpus_vectors(corpus, None, 6)
    write_csv(tmp_path / "own" / "unsupervised.csv", [("A noisy noisy ending, a noisy one", "")])
    after = corpus_vectors(load_corpus(str(tmp_path / "own")), None, 6)
    assert "noisy" in set(after.words) - set(before.words)
