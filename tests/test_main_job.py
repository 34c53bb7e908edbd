"""The main job on the real corpus, as its user runs it."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

pytestmark = pytest.mark.slow

TF_IDF = 0.781  # test accuracy of logistic regression over TF-IDF, its strength chosen on val: `sentiment baselines`


def sentiment(*words: str | Path, folder: Path) -> dict[str, Any]:
    """Run a command that tests, in a new process; return its results."""
    command = [sys.executable, "-m", "project", *words, "--trainer.enable_progress_bar=false"]
    subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return results(max(folder.glob("runs/version_*"), key=lambda path: int(path.name.split("_")[1])))


def results(run: Path) -> dict[str, Any]:
    return json.loads((run / "results.json").read_text())


def test_accuracy_is_above_that_of_tf_idf(movies_run, tmp_path):
    others = [sentiment("fit", f"--seed_everything={seed}", folder=tmp_path) for seed in (1, 2)]
    assert mean(run["metrics"]["test/accuracy"] for run in (results(movies_run), *others)) > TF_IDF


def test_test_repeats_the_figures_in_a_new_process(movies_run, tmp_path):
    again = sentiment("test", f"--ckpt_path={movies_run / 'checkpoints' / 'best.ckpt'}", folder=tmp_path)
    assert again["metrics"] == pytest.approx(results(movies_run)["metrics"], abs=1e-6)


@pytest.mark.parametrize(("corpus", "texts", "auroc"), [("products", 357, 0.7), ("tweets", 420, 0.7)])
def test_what_movies_taught_holds_for_other_corpora(movies_run, tmp_path, corpus, texts, auroc):
    checkpoint = movies_run / "checkpoints" / "best.ckpt"
    found = sentiment("test", f"--ckpt_path={checkpoint}", f"--data.corpus={corpus}", folder=tmp_path)
    assert sum(map(sum, found["confusion_matrix"]["counts"])) == texts
    assert found["metrics"]["test/auroc"] > auroc  # chance is 0.5, movies' own test split has 0.88
