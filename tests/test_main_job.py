"""The main job on the real corpus, as its user runs it."""

import subprocess
import sys
from pathlib import Path
from statistics import mean

import pytest

from tests.conftest import test_figures

pytestmark = pytest.mark.slow

TF_IDF = 0.781  # test accuracy of logistic regression over TF-IDF, its strength chosen on val: `sentiment baselines`


def sentiment(*words: str | Path, folder: Path) -> dict[str, float]:
    """Run a command that tests, in a new process; return its figures."""
    command = [sys.executable, "-m", "project", *words, "--trainer.enable_progress_bar=false"]
    subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return test_figures(max(folder.glob("runs/version_*"), key=lambda path: int(path.name.split("_")[1])))


def test_accuracy_is_above_that_of_tf_idf(movies_run, tmp_path):
    others = [sentiment("fit", f"--seed_everything={seed}", folder=tmp_path) for seed in (1, 2)]
    assert mean(run["test/accuracy"] for run in (test_figures(movies_run), *others)) > TF_IDF


def test_test_repeats_the_figures_in_a_new_process(movies_run, tmp_path):
    again = sentiment("test", f"--ckpt_path={movies_run / 'checkpoints' / 'best.ckpt'}", folder=tmp_path)
    assert again == pytest.approx(test_figures(movies_run), abs=1e-6)


@pytest.mark.parametrize(("corpus", "auroc"), [("products", 0.7), ("tweets", 0.7)])
def test_what_movies_taught_holds_for_other_corpora(movies_run, tmp_path, corpus, auroc):
    checkpoint = movies_run / "checkpoints" / "best.ckpt"
    found = sentiment("test", f"--ckpt_path={checkpoint}", f"--data.corpus={corpus}", folder=tmp_path)
    assert found["test/auroc"] > auroc  # chance is 0.5, movies' own test split has 0.88
