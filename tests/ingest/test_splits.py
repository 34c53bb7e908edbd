import numpy as np

from project.ingest.splits import carve_phrases, carve_rows


def rows(labels: list[int], digests: list[int] | None = None) -> tuple[np.ndarray, np.ndarray]:
    return np.array(digests or range(len(labels)), dtype=np.uint64), np.array(labels, dtype=np.int32)


def test_share_is_of_each_class():
    digests, labels = rows([0] * 90 + [1] * 10)
    chosen = carve_rows(digests, labels, 0.2)
    assert [int(chosen[labels == label].sum()) for label in (0, 1)] == [18, 2]


def test_same_rows_every_time():
    assert np.array_equal(carve_rows(*rows([0, 1] * 50), 0.1), carve_rows(*rows([0, 1] * 50), 0.1))


def test_rare_class_gives_one_text_and_keeps_one():
    digests, labels = rows([0] * 50 + [1] * 2)
    assert carve_rows(digests, labels, 0.1)[labels == 1].sum() == 1


def test_texts_that_come_twice_stay_together():
    digests, labels = rows([0] * 100, [*range(50), *range(50)])
    chosen = carve_rows(digests, labels, 0.3)
    assert np.array_equal(chosen[:50], chosen[50:])
    assert chosen.sum() == 30


SENTENCES = ["a warm and wise film", "a cold and noisy one", "the music is lovely", "the ending drags on"]


def test_every_phrase_of_a_held_out_sentence_is_held_out():
    texts = [*SENTENCES, "wise film", "noisy one", "a", "is lovely", "drags on", "warm and wise"]
    chosen = carve_phrases(texts, 0.25)
    (sentence,) = [text for text, held in zip(SENTENCES, chosen, strict=False) if held]
    for text, held in zip(texts, chosen, strict=True):
        assert held == (f" {text} " in f" {sentence} ")


def test_sentence_inside_another_is_no_sentence_of_its_own():
    texts = ["warm film", "a warm film indeed", "cold", "cold film"]
    for held in (carve_phrases(texts, 0.5),):
        assert held.tolist() in ([True, True, False, False], [False, False, True, True])
