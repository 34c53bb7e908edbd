import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from project import Predictor, load
from project.export.parity import compare
from project.predict import decide, softmax

TEXTS = ["A dull film.", "", "The music is lovely, and I would see it again.", "unseen words only"]


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


@pytest.mark.parametrize(("threshold", "label"), [(0.5, "good"), (0.6, "good"), (0.61, "bad")])
def test_threshold_decides_between_two_classes(threshold, label):
    assert decide([0.4, 0.6], ["bad", "good"], threshold).label == label


def test_most_probable_of_three_classes():
    prediction = decide([0.3, 0.3, 0.4], ["a", "b", "c"], 0.5)
    assert (prediction.label, prediction.probability) == ("c", 0.4)


def test_temperature_softens(predictor):
    before = predictor(TEXTS[0])
    assert replace(predictor, temperature=10.0)(TEXTS[0]).probability < before.probability


def test_softmax_by_hand():
    assert softmax([0.0, math.log(3)], temperature=1.0) == pytest.approx([0.25, 0.75])
    assert softmax([0.0, 2 * math.log(3)], temperature=2.0) == pytest.approx([0.25, 0.75])
    assert softmax([5000.0, 0.0], temperature=1.0) == [1.0, 0.0]


def test_one_text_has_one_answer(predictor):
    assert predictor(TEXTS[0]) == predictor([TEXTS[0]])[0]


@pytest.mark.parametrize("kind", ["checkpoint", "bundle"])
def test_threads_may_call_it_at_once(fitted, exported_once, kind):
    classify = load(fitted / "checkpoints" / "best.ckpt" if kind == "checkpoint" else exported_once)
    texts = [f"{'dull ' * n}film" for n in range(40)]
    alone = [classify(text) for text in texts]

    def same_again(_: int) -> bool:
        return compare(alone, classify(texts)).holds

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(same_again, range(20)))


def test_command_prints_label_probability_and_text(fitted, sentiment, capsys):
    assert sentiment("classify", "--ckpt_path", fitted / "checkpoints" / "best.ckpt", "A dull film.", "Warm.") == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[2] for row in rows] == ["A dull film.", "Warm."]
    assert all(row[0] in ("negative", "positive") and 0.5 <= float(row[1]) <= 1 for row in rows)


def test_prediction_imports_neither_lightning_nor_torchtext():
    heavy = ["lightning", "torchtext", "wandb"]
    code = f"import sys, project.classify; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
