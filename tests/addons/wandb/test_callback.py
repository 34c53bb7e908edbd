import os
import subprocess
import sys
from pathlib import Path

import pytest

from project.checkpoint import read_checkpoint
from tests.conftest import SMALL

QUIET = ("--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu")
SHORT = ("--trainer.max_epochs=1", "--test_after_fit=false", *SMALL)


def offline(folder: Path, *words: str) -> None:
    """Run a command in a process of its own: W&B keeps its settings as long as a process lives."""
    env = os.environ | {"WANDB_MODE": "offline", "WANDB_SILENT": "true"}
    subprocess.run([sys.executable, "-m", "project", *words], cwd=folder, env=env, check=True, capture_output=True)


def ids(run: Path) -> list[str]:
    """The W&B runs that the last checkpoint of a run names."""
    callbacks = read_checkpoint(run / "checkpoints" / "last.ckpt")["callbacks"]
    return [state["run_id"] for state in callbacks.values() if state.get("run_id")]


@pytest.mark.slow
def test_a_fit_is_a_run_of_its_own_which_its_checkpoint_names(tmp_path, toy):
    for number in (0, 1):
        offline(tmp_path, "fit", f"--data.corpus={toy}", *SHORT)
        (run_id,) = ids(tmp_path / f"runs/version_{number}")
        assert len(list(tmp_path.glob(f"runs/wandb/offline-run-*-{run_id}"))) == 1


@pytest.mark.slow
def test_a_test_makes_no_run(tmp_path, fitted, toy):
    offline(tmp_path, "test", f"--ckpt_path={fitted / 'checkpoints' / 'best.ckpt'}", f"--data.corpus={toy}", *QUIET)
    assert not (tmp_path / "runs" / "wandb").exists()


def test_it_can_be_left_out(sentiment, toy, monkeypatch):
    monkeypatch.setattr("project.addons.wandb.callback.WandbLogger", None)  # to call it would be an error
    assert sentiment("fit", f"--data.corpus={toy}", "--without=wandb", *SHORT) == 0
