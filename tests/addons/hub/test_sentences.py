import tracemalloc

from project.addons.hub.sentences import carve_phrases

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


def test_long_texts_need_little_memory():
    sentences = [" ".join(f"{text}{n % 50}" for n in range(800)) for text in "ab"]
    tracemalloc.start()
    chosen = carve_phrases([*sentences, "a1 a2"], 0.5)
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()
    assert chosen.tolist() in ([True, False, True], [False, True, False])
