import json
from pathlib import Path

import numpy as np
import pytest

from project import load
from project.addons.calibrate.command import measured
from project.addons.calibrate.fitting import fitted_temperature
from project.checkpoint import KEY, read_checkpoint, restore
from project.corpora import options_of
from project.registry import registered
from tests.conftest import SMALL, toy_rows

TEXTS = [text for text, _ in toy_rows()]


def temperature(run: Path | str) -> float:
    return read_checkpoint(Path(run) / "checkpoints" / "best.ckpt")[KEY]["decision"]["temperature"]


def test_a_fit_leaves_the_temperature_of_its_val(fitted):
    checkpoint = read_checkpoint(fitted / "checkpoints" / "best.ckpt")
    plain = read_checkpoint(fitted / "checkpoints" / "best.ckpt")
    plain[KEY]["decision"]["temperature"] = 1.0
    assert temperature(fitted) != 1.0
    logits, labels = measured(restore(plain), options_of(plain))
    assert checkpoint[KEY]["decision"]["temperature"] == pytest.approx(fitted_temperature(logits, labels), rel=1e-3)


@pytest.mark.slow
def test_it_can_be_left_out(sentiment, toy, capsys):
    assert sentiment("fit", f"--data.corpus={toy}", "--calibrate=false", "--trainer.max_epochs=1", *SMALL) == 0
    assert temperature("runs/version_0") == 1.0
    assert "temperature" not in capsys.readouterr().out


def test_the_fit_says_what_it_gains(fitted_once):
    assert "fitted on val: log-likelihood" in (fitted_once / "printed.txt").read_text()


@pytest.mark.skipif("results" not in registered("CALLBACKS"), reason="project/addons/results writes results.json")
def test_a_test_uses_it(fitted):
    best = fitted / "checkpoints" / "best.ckpt"
    written = json.loads((fitted / "results.json").read_text())["decision"]["temperature"]
    assert written == temperature(fitted) == load(best).decision.temperature


def test_labels_stay(fitted):
    predictor = load(fitted / "checkpoints" / "best.ckpt")
    answers = predictor(TEXTS)
    assert all(answer.label == max(answer.probabilities, key=answer.probabilities.__getitem__) for answer in answers)
    assert np.ptp([answer.probability for answer in answers]) > 0
