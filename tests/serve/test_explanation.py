import pytest


def test_an_effect_is_the_drop_in_probability_without_the_word(server, predictor):
    explained = server.ask("POST", "/explain", {"text": "A dull film."}).json["explanation"]
    whole, *parts = predictor(["A dull film.", "dull film.", "A film.", "A dull"])
    assert explained["prediction"]["label"] == whole.label
    assert [word["word"] for word in explained["words"]] == ["A", "dull", "film."]
    expected = [whole.probability - part.probabilities[whole.label] for part in parts]
    assert [word["effect"] for word in explained["words"]] == pytest.approx(expected, abs=1e-6)
    assert explained["more_words"] == 0


def test_a_single_word_is_compared_with_an_empty_text(server, predictor):
    (word,) = server.ask("POST", "/explain", {"text": "Wise."}).json["explanation"]["words"]
    whole, part = predictor.answers(["Wise.", ""])
    assert word["effect"] == pytest.approx(whole.probability - part.probabilities[whole.label], abs=1e-6)


def test_words_beyond_the_limit_are_counted(server):
    explained = server.ask("POST", "/explain", {"text": "warm " * 205}).json["explanation"]
    assert (len(explained["words"]), explained["more_words"]) == (200, 5)


def test_a_text_that_is_too_long_is_refused(server):
    answer = server.ask("POST", "/explain", {"text": "x" * 10_001})
    assert (answer.status, answer.json) == (422, {"error": "text: String should have at most 10000 characters"})
