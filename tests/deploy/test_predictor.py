import subprocess
import sys

import pytest

from project.deploy.predictor import Predictor, decide

TEXTS = ["A dull film.", "", "The music is lovely, and I would see it again.", "unseen words only"]


@pytest.fixture
def predictor(fitted) -> Predictor:
    return Predictor.load(fitted / "checkpoints" / "best.ckpt")


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
    before = predictor(TEXTS)[0]
    predictor.temperature = 10.0
    assert predictor(TEXTS)[0].probabilities[before.label] < before.probability


def test_command_prints_label_probability_and_text(fitted, sentiment, capsys):
    assert sentiment("classify", "--ckpt_path", fitted / "checkpoints" / "best.ckpt", "A dull film.", "Warm.") == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[2] for row in rows] == ["A dull film.", "Warm."]
    assert all(row[0] in ("negative", "positive") and 0.5 <= float(row[1]) <= 1 for row in rows)


def test_prediction_imports_neither_lightning_nor_torchtext():
    heavy = ["lightning", "torchtext", "wandb"]
    code = f"import sys, project.deploy.classify; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
