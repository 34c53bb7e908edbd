"""SIGTERM and Ctrl-C: the run ends after its batch, and a resumed run goes on as if it had never been stopped."""

import os
import signal
from pathlib import Path

import lightning as L
import pytest
import torch

from project.checkpoint import read_checkpoint
from tests.conftest import SMALL

NEW = (*SMALL, "--model.dropout=0", "--model.embedding_dropout=0")
LAST = "runs/version_1/checkpoints/last.ckpt"


class StopAtBatch(L.Callback):
    """Sends this process SIGTERM in the third batch of the second epoch."""

    def on_train_batch_start(self, trainer: L.Trainer, *_: object) -> None:
        if (trainer.current_epoch, trainer.fit_loop.batch_idx) == (1, 2):
            os.kill(os.getpid(), signal.SIGTERM)


class StopInValidation(L.Callback):
    """Sends this process SIGTERM when the second epoch is validated."""

    def on_validation_batch_start(self, trainer: L.Trainer, *_: object) -> None:
        if trainer.current_epoch == 1:
            os.kill(os.getpid(), signal.SIGTERM)


def options(toy: Path) -> tuple[str, ...]:
    return (f"--data.corpus={toy}", "--trainer.max_epochs=3", "--test_after_fit=false")


@pytest.mark.slow
@pytest.mark.parametrize("callback", [StopAtBatch, StopInValidation])
def test_resumed_run_equals_one_that_was_never_stopped(sentiment, toy, callback):
    assert sentiment("fit", *options(toy), *NEW) == 0
    with pytest.raises(SystemExit, match="143"):
        sentiment("fit", *options(toy), *NEW, f"--trainer.callbacks+=tests.test_stop.{callback.__name__}")
    quiet = ("--data.batch_size=8", "--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu")
    assert sentiment("fit", f"--ckpt_path={LAST}", *options(toy), *quiet) == 0
    whole, resumed = (read_checkpoint(f"runs/version_{n}/checkpoints/last.ckpt") for n in (0, 2))
    assert resumed["global_step"] == whole["global_step"] == 15
    for name, weight in whole["state_dict"].items():
        torch.testing.assert_close(resumed["state_dict"][name], weight, rtol=0, atol=1e-6)


def test_last_checkpoint_is_of_the_batch_at_which_the_run_was_stopped(sentiment, toy):
    with pytest.raises(SystemExit, match="143"):
        sentiment("fit", *options(toy), *NEW, "--trainer.callbacks+=tests.test_stop.StopAtBatch")
    assert read_checkpoint("runs/version_0/checkpoints/last.ckpt")["global_step"] == 5 + 3


class InterruptAtBatch(L.Callback):
    """Sends this process what Ctrl-C sends, in the third batch of the second epoch."""

    def on_train_batch_start(self, trainer: L.Trainer, *_: object) -> None:
        if (trainer.current_epoch, trainer.fit_loop.batch_idx) == (1, 2):
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_saves_as_sigterm_does(sentiment, toy):
    with pytest.raises(SystemExit, match="130"):
        sentiment("fit", *options(toy), *NEW, "--trainer.callbacks+=tests.test_stop.InterruptAtBatch")
    assert read_checkpoint("runs/version_0/checkpoints/last.ckpt")["global_step"] == 5 + 3


class StopEarly(L.Callback):
    """Sends this process a signal before training."""

    def __init__(self, number: int) -> None:
        self.number = number

    def setup(self, *_: object, **__: object) -> None:
        os.kill(os.getpid(), self.number)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, "143"), (signal.SIGINT, "130")])
def test_a_signal_before_training_ends_the_process(sentiment, toy, number, code):
    early = ("--trainer.callbacks+=tests.test_stop.StopEarly", f"--trainer.callbacks.number={int(number)}")
    with pytest.raises(SystemExit, match=code):
        sentiment("fit", *options(toy), *NEW, *early)


def test_an_error_leaves_the_last_checkpoint_alone(sentiment, toy):
    with pytest.raises(RuntimeError, match="broken"):
        sentiment("fit", *options(toy), *NEW, "--trainer.callbacks+=tests.test_stop.Break")
    assert read_checkpoint("runs/version_0/checkpoints/last.ckpt")["global_step"] == 5


class Break(L.Callback):
    """Fails in the second epoch."""

    def on_train_batch_start(self, trainer: L.Trainer, *_: object) -> None:
        if trainer.current_epoch == 1:
            raise RuntimeError("broken")
