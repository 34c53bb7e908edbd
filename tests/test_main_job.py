"""The main job on the real corpus, as its user runs it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def sentiment(*words: str, folder: Path) -> str:
    command = [sys.executable, "-m", "project", *words, "--trainer.enable_progress_bar=false"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path: Path = tmp_path_factory.mktemp("main_job")
    sentiment("fit", folder=path)
    return path


def results(folder: Path, version: int) -> dict[str, Any]:
    return json.loads((folder / f"runs/version_{version}/results.json").read_text())


def test_accuracy_on_movies(folder):
    assert results(folder, 0)["metrics"]["test/accuracy"] >= 0.74


def test_test_repeats_the_figures_in_a_new_process(folder):
    sentiment("test", "--ckpt_path=runs/version_0/checkpoints/best.ckpt", folder=folder)
    assert results(folder, 1)["metrics"] == pytest.approx(results(folder, 0)["metrics"], abs=1e-6)


@pytest.mark.parametrize(("corpus", "texts"), [("products", 357), ("tweets", 420)])
def test_movies_checkpoint_on_other_corpora(folder, corpus, texts):
    sentiment("test", "--ckpt_path=runs/version_0/checkpoints/best.ckpt", f"--data.corpus={corpus}", folder=folder)
    latest = max(folder.glob("runs/version_*"), key=lambda path: int(path.name.split("_")[1]))
    found = json.loads((latest / "results.json").read_text())
    assert found["corpus"] == corpus
    assert sum(map(sum, found["confusion_matrix"]["counts"])) == texts
    assert found["metrics"]["test/auroc"] > 0.6  # well above chance, far below its own corpus
