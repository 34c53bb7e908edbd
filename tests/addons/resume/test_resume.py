"""``--resume=auto``: a run that is stopped goes on in its folder and ends as if it had never been stopped."""

import csv
import os
import random
import signal
from pathlib import Path

import lightning as L
import numpy as np
import pytest
import torch

from project.addons.resume.callback import random_state, restore_random_state
from project.addons.resume.newest import settings
from project.atomic import locked
from project.checkpoint import read_checkpoint
from tests.conftest import PLAIN

LAST = Path("runs/version_0/checkpoints/last.ckpt")


class StopWhereTold(L.Callback):
    """Sends this process SIGTERM at the epoch and batch in the first line of the file ``stops``, which it removes."""

    def on_train_batch_start(self, trainer: L.Trainer, *_: object) -> None:
        stops = Path("stops").read_text().splitlines() if Path("stops").exists() else []
        if stops and stops[0] == f"{trainer.current_epoch} {trainer.fit_loop.batch_idx}":
            Path("stops").write_text("\n".join(stops[1:]))
            os.kill(os.getpid(), signal.SIGTERM)


def fit(sentiment, toy: Path, *words: str) -> int:
    own = ("--resume=auto", "--trainer.max_epochs=3", "--test_after_fit=false", "--data.min_freq=1")
    callback = f"--trainer.callbacks+={__name__}.StopWhereTold"
    return sentiment("fit", f"--data.corpus={toy}", *own, *PLAIN, callback, *words)


@pytest.fixture
def whole(sentiment, toy, tmp_path, monkeypatch):
    """The weights of a run that is never stopped."""

    def weights(*words: str) -> dict[str, torch.Tensor]:
        (tmp_path / "whole").mkdir()
        monkeypatch.chdir(tmp_path / "whole")
        assert fit(sentiment, toy, *words) == 0
        state: dict[str, torch.Tensor] = read_checkpoint(LAST)["state_dict"]
        (tmp_path / "cut").mkdir()
        monkeypatch.chdir(tmp_path / "cut")
        return state

    return weights


@pytest.mark.slow
@pytest.mark.parametrize("stops", [["0 2"], ["1 0"], ["1 4"], ["0 1", "1 3"], ["2 1", "2 3"]], ids=" ".join)
@pytest.mark.parametrize("workers", ["--data.num_workers=0", "--data.num_workers=2"])
def test_a_resumed_run_equals_the_uninterrupted_one_bit_for_bit(sentiment, toy, whole, stops, workers):
    expected = whole(workers)
    Path("stops").write_text("\n".join(stops))
    for _ in stops:
        with pytest.raises(SystemExit, match="143"):
            fit(sentiment, toy, workers)
    assert fit(sentiment, toy, workers) == 0
    assert [path.name for path in Path("runs").iterdir()] == ["version_0"]
    found = read_checkpoint(LAST)["state_dict"]
    assert [name for name, weight in expected.items() if not torch.equal(found[name], weight)] == []


@pytest.mark.slow
@pytest.mark.parametrize("stop", ["0 1", "1 2"])
def test_gradients_that_wait_for_the_next_batch_are_not_lost(sentiment, toy, whole, stop):
    accumulate = "--trainer.accumulate_grad_batches=2"
    expected = whole(accumulate)
    Path("stops").write_text(stop)
    with pytest.raises(SystemExit, match="143"):
        fit(sentiment, toy, accumulate)
    assert fit(sentiment, toy, accumulate) == 0
    found = read_checkpoint(LAST)["state_dict"]
    assert [name for name, weight in expected.items() if not torch.equal(found[name], weight)] == []


def test_a_run_that_is_still_running_is_left_alone(sentiment, fitted, toy, capsys):
    words = ("--resume=auto", "--trainer.max_epochs=2", *PLAIN)
    with locked(fitted):
        assert sentiment("fit", f"--data.corpus={toy}", *words) == 0
    assert "runs/version_0 is still running, so it is not resumed" in capsys.readouterr().out
    assert Path("runs/version_1").is_dir()


@pytest.mark.slow
def test_workers_do_not_change_the_weights(sentiment, toy, whole):
    expected = whole("--data.num_workers=0")
    assert fit(sentiment, toy, "--data.num_workers=2") == 0
    found = read_checkpoint(LAST)["state_dict"]
    assert [name for name, weight in expected.items() if not torch.equal(found[name], weight)] == []


def test_without_a_run_of_the_same_configuration_a_new_one_starts(sentiment, fitted, toy, capsys):
    words = ("--resume=auto", "--trainer.max_epochs=1", "--test_after_fit=false", *PLAIN)
    assert sentiment("fit", f"--data.corpus={toy}", *words) == 0
    assert "no run to resume: a new one starts" in capsys.readouterr().out
    assert sorted(path.name for path in Path("runs").iterdir()) == ["version_0", "version_1"]


@pytest.mark.slow
def test_a_damaged_checkpoint_is_told_and_another_taken(sentiment, fitted, toy, capsys):
    last = fitted / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:-100])
    words = ("--resume=auto", "--trainer.max_epochs=2", *PLAIN)
    assert sentiment("fit", f"--data.corpus={toy}", *words) == 0
    out = capsys.readouterr().out
    assert "last.ckpt is not a checkpoint that can be read" in out
    assert "resumed from runs/version_0/checkpoints/best.ckpt" in out


def metrics(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def steps_of(run: Path) -> list[int]:
    """The steps whose learning rate was logged."""
    return [int(row["step"]) for row in metrics(run) if row.get("lr-AdamW/pg1")]


@pytest.mark.slow
def test_figures_of_the_run_go_on_in_one_file(sentiment, toy):
    log = "--trainer.log_every_n_steps=1"
    Path("stops").write_text("1 2")
    with pytest.raises(SystemExit, match="143"):
        fit(sentiment, toy, log)
    assert fit(sentiment, toy, log) == 0
    assert steps_of(Path("runs/version_0")) == list(range(15))
    assert [int(row["epoch"]) for row in metrics(Path("runs/version_0")) if row.get("val/accuracy")] == [0, 1, 2]


@pytest.mark.slow
def test_a_checkpoint_within_an_epoch_is_as_good_as_one_at_its_end(sentiment, toy, whole):
    expected = whole()
    often = ("--without=resume", "--trainer.callbacks+=project.addons.resume.callback.Resume")
    log = "--trainer.log_every_n_steps=1"
    words = (*often, "--trainer.callbacks.minutes=0", f"--trainer.callbacks+={__name__}.KillWhereTold", log)
    Path("kill").write_text("1 3")
    pid = os.fork()
    if not pid:
        fit(sentiment, toy, *words)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL
    assert read_checkpoint(LAST)["global_step"] == 5 + 3
    assert fit(sentiment, toy, *words) == 0
    assert steps_of(Path("runs/version_0")) == list(range(15))
    found = read_checkpoint(LAST)["state_dict"]
    assert [name for name, weight in expected.items() if not torch.equal(found[name], weight)] == []


class KillWhereTold(L.Callback):
    """Kills this process at the epoch and batch in the file ``kill``, once."""

    def on_train_batch_start(self, trainer: L.Trainer, *_: object) -> None:
        if (
            Path("kill").exists()
            and Path("kill").read_text() == f"{trainer.current_epoch} {trainer.fit_loop.batch_idx}"
        ):
            Path("kill").unlink()
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.usefixtures("one_callback")
def test_what_killed_runs_left_goes_with_the_next_fit(sentiment, fitted, toy):
    left = fitted / "checkpoints" / ".last.ckpt.999999-0.unfinished"
    left.write_bytes(b"half")
    assert sentiment("fit", f"--data.corpus={toy}", "--trainer.max_epochs=1", "--test_after_fit=false", *PLAIN) == 0
    assert not left.exists()


@pytest.mark.usefixtures("one_callback")
def test_a_failed_run_leaves_no_folder(sentiment, toy):
    assert sentiment("fit", f"--data.corpus={toy}", *PLAIN, "--model.init_from=missing.pt") == 2
    assert list(Path("runs").glob("*")) == []


def test_random_numbers_repeat_after_their_state_is_restored():
    state = random_state()
    first = [torch.rand(1).item(), float(np.random.random()), random.random()]
    restore_random_state(state)
    assert [torch.rand(1).item(), float(np.random.random()), random.random()] == first


def test_where_a_run_goes_on_is_no_setting():
    assert settings("ckpt_path: a.ckpt\nmodel: 1\n") == settings("ckpt_path: null\nmodel: 1\n") == {"model": 1}
