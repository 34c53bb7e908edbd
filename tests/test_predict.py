import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from project import Predictor, load
from project.decision import Prediction
from project.errors import UserError
from project.predict import without_each_word, word_effects
from project.text import SPECIALS, Tokenizer

TEXTS = ["A dull film.", "!", "The music is lovely, and I would see it again.", "unseen words only"]


@pytest.fixture
def predictor(fitted) -> Predictor:
    return load(fitted / "checkpoints" / "best.ckpt")


def test_answers_come_in_order_whatever_the_batch(predictor):
    alone = [predictor([text])[0].probability for text in TEXTS]
    assert [p.probability for p in predictor(TEXTS, batch_size=3)] == pytest.approx(alone, abs=1e-6)


def test_probabilities_of_all_classes_add_up(predictor):
    assert [sum(p.probabilities.values()) for p in predictor(TEXTS)] == pytest.approx([1.0] * 4)


def test_no_text_no_answer(predictor):
    assert predictor([]) == []


def test_temperature_softens(predictor):
    before = predictor(TEXTS[0])
    softer = replace(predictor, decision=replace(predictor.decision, temperature=10.0))
    assert softer(TEXTS[0]).probability < before.probability


def test_one_text_has_one_answer(predictor):
    assert predictor(TEXTS[0]) == predictor([TEXTS[0]])[0]


def test_threads_may_call_it_at_once(predictor):
    texts = [f"{'dull ' * n}film" for n in range(40)]
    alone = [predictor(text).probability for text in texts]
    with ThreadPoolExecutor(8) as pool:
        for answers in pool.map(lambda _: predictor(texts), range(20)):
            assert [answer.probability for answer in answers] == pytest.approx(alone, abs=1e-6)


def test_prediction_imports_neither_lightning_nor_torchtext():
    heavy = ["lightning", "torchtext", "wandb"]
    code = f"import sys, project.predict; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (None, "text 1 of 1: the text is missing"),
        ("", "text 1 of 1: the text is empty"),
        (["Warm.", None], "text 2 of 2: the text is missing"),
        (["Warm.", " "], "text 2 of 2: the text is empty"),
        ([7], "text 1 of 1: the text is not text but 7"),
        (["\ud800"], "text 1 of 1: the text is not valid UTF-8"),
    ],
)
def test_what_is_no_text_is_refused(predictor, texts, message):
    with pytest.raises(UserError, match=message):
        predictor(texts)


def test_texts_of_a_generator_are_classified(predictor):
    assert predictor(text for text in TEXTS) == predictor(TEXTS)


def test_words_are_left_out_one_by_one():
    assert without_each_word(" A warm\nfilm. ", 9, Tokenizer(SPECIALS)) == [
        " A warm\nfilm. ",
        "warm\nfilm.",
        "A film.",
        "A warm",
    ]


def test_characters_of_a_script_without_spaces_are_left_out_one_by_one():
    assert without_each_word("不好。", 9, Tokenizer(SPECIALS)) == ["不好。", "好。", "不 。", "不好"]


@pytest.mark.parametrize(
    ("truncation", "variants"),
    [
        ("head", ["very warm,", "warm,", "very", "very warm,", "very warm,"]),
        ("tail", ["well-made film.", "well-made film.", "well-made film.", "film.", "well-made"]),
        ("head+tail", ["very", "", "very", "very", "very"]),
    ],
)
def test_no_word_beyond_the_longest_text_moves_into_the_place_of_another(truncation, variants):
    found = without_each_word("very warm, well-made film.", 9, Tokenizer(SPECIALS, 3, truncation))
    assert [" ".join(each.split()) for each in found] == variants


def prediction(label: str, bad: float) -> Prediction:
    return Prediction(label, max(bad, 1 - bad), {"bad": bad, "good": 1 - bad})


@pytest.mark.parametrize("label", ["bad", ""])
def test_an_effect_is_measured_on_the_label_or_the_most_probable_class(label):
    effects = word_effects(
        "Dull film.",
        prediction(label, 0.75),
        [prediction("bad", 0.75), prediction("good", 0.25), prediction("bad", 1.0)],
    )
    assert [(each.word, each.effect, each.supports) for each in effects] == [
        ("Dull", 0.5, "bad"),
        ("film.", -0.25, "good"),
    ]
