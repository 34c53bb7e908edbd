import time
import tracemalloc
from collections.abc import Iterable

import pytest

from project.ingest import Corpus, text_key, texts_of, unseen_texts
from project.ingest.held_out import held_out_texts
from tests.ingest.folders import folder, load_corpus, text_fault, with_unlabelled


@pytest.fixture
def own(tmp_path) -> Corpus:
    return with_unlabelled(tmp_path)


def unseen(own: Corpus, texts: Iterable[str], with_phrases: bool) -> list[str]:
    return list(unseen_texts(own, lambda: iter(texts), with_phrases))


def test_held_out_texts_are_those_of_val_and_test(own):
    assert list(held_out_texts(own)) == ["A half - baked plot", "One warm and wise film."]


def test_texts_are_compared_by_letters_and_digits(own):
    assert unseen(own, ["a HALF baked, plot", "A half baked cast"], with_phrases=False) == ["A half baked cast"]


@pytest.mark.parametrize(("with_phrases", "left"), [(True, ["wise warm"]), (False, ["warm and wise", "wise warm"])])
def test_phrases_of_held_out_texts(own, with_phrases, left):
    assert unseen(own, ["warm and wise", "wise warm"], with_phrases) == left


def test_longer_text_is_no_phrase(own):
    longer = "So: one warm and wise film."
    assert unseen(own, [longer], with_phrases=True) == [longer]


def test_text_without_letters_stays(own):
    assert unseen(own, ["!!!"], with_phrases=True) == ["!!!"]


def test_unusable_texts_are_left_out(own):
    assert list(texts_of(own.source.unlabelled, "text", text_fault)) == ["Unlabelled.", "ONE WARM AND WISE FILM"]


def test_missing_column_gives_no_texts(own):
    assert list(texts_of(own.source.unlabelled, "body", text_fault)) == []


def test_key_of_a_text_is_the_same_on_every_machine():
    assert text_key("Warm!") == text_key("warm") == 6548136343245301135


def test_long_texts_take_little_time_and_memory(tmp_path):
    review = " ".join(f"word{n}" for n in range(1000))
    rows = [(f"{review} {n}", "good") for n in range(20)]
    own = load_corpus(folder(tmp_path, train=[("So.", "bad"), ("Good.", "good")], val=rows))
    offered = [f"word{n} word{n + 1}" for n in range(1500)]
    tracemalloc.start()
    began = time.perf_counter()
    left = unseen(own, offered, with_phrases=True)
    assert time.perf_counter() - began < 20  # seconds; it is about a half
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
    assert left == offered[999:]
