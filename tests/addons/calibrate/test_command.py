from pathlib import Path

import pytest

from project import load
from project.checkpoint import KEY, read_checkpoint
from tests.conftest import toy_rows

TEXTS = [text for text, _ in toy_rows()]


@pytest.fixture
def best(fitted) -> str:
    return str(fitted / "checkpoints" / "best.ckpt")


def test_texts_below_the_limit_get_no_label(sentiment, best, capsys):
    assert sentiment("calibrate", "--ckpt_path", best, "--output", "new.ckpt", "--abstain_below", "0.505") == 0
    assert "written: new.ckpt" in capsys.readouterr().out
    answers = load("new.ckpt")(TEXTS)
    assert all((answer.label == "") == (answer.probability < 0.505) for answer in answers)


def test_thresholds_for_macro_f1_are_kept(sentiment, best):
    assert sentiment("calibrate", "--ckpt_path", best, "--output", "new.ckpt", "--aim=macro_f1") == 0
    thresholds = read_checkpoint("new.ckpt")[KEY]["decision"]["thresholds"]
    assert len(thresholds) == 2
    assert sum(thresholds) == pytest.approx(1)


def test_the_precision_of_a_label_can_be_the_aim(sentiment, best):
    words = ("--aim=precision", "--label=positive", "--recall=0.5")
    assert sentiment("calibrate", "--ckpt_path", best, "--output", "new.ckpt", *words) == 0
    assert len(load("new.ckpt").decision.thresholds) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--output=new.txt"], "--output new.txt is not the name of a checkpoint: choose a file that ends in .ckpt"),
        (["--output=new.ckpt", "--recall=2"], "recall is 2.0: set --recall from 0 to 1"),
        (["--output=new.ckpt", "--abstain_below=-1"], "abstain_below is -1.0: set --abstain_below from 0 to 1"),
        (
            ["--output=new.ckpt", "--aim=precision"],
            "--aim=precision and --label=NAME go together; the labels are negative, positive",
        ),
        (
            ["--output=new.ckpt", "--abstain_below=1"],
            "no text of val has a class as probable as 1.0: choose a lower --abstain_below",
        ),
    ],
)
def test_what_makes_no_sense_is_one_line(sentiment, best, capsys, words, message):
    assert sentiment("calibrate", "--ckpt_path", best, *words) == 2
    assert capsys.readouterr().err == f"error: {message}\n"
    assert not Path("new.ckpt").exists()
