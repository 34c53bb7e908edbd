from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch

from project.checkpoint import read_checkpoint
from tests.conftest import SMALL

SHORT = ("--trainer.max_epochs=3", "--test_after_fit=false", *SMALL)
LAST = Path("runs/version_0/checkpoints/last.ckpt")


class SpoilLoss(L.Callback):
    """Makes the loss NaN in the third batch of the second epoch, and the weights with it."""

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: object, batch_idx: int
    ) -> None:
        if (trainer.current_epoch, batch_idx) == (1, 2):
            weight = next(pl_module.network.embedding.parameters())  # type: ignore[union-attr]
            weight.data.fill_(torch.nan)


class SpoilOneLoss(L.Callback):
    """Makes one loss infinite, and no weight."""

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, *_: object) -> None:
        if trainer.global_step == 3:
            outputs["loss"] = torch.tensor(torch.inf)


def test_a_loss_that_is_nan_ends_the_run_and_says_since_when(sentiment, toy, capsys):
    assert sentiment("fit", f"--data.corpus={toy}", *SHORT, f"--trainer.callbacks+={__name__}.SpoilLoss") == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: loss or weights have been NaN or infinite since step 8; earlier checkpoints")
    assert read_checkpoint(LAST)["global_step"] == 5


@pytest.mark.usefixtures("one_callback")
def test_weights_that_are_not_finite_are_found_without_a_loss(sentiment, toy, capsys):
    late = f"--trainer.callbacks+={__name__}.SpoilAtTheEnd"
    assert sentiment("fit", f"--data.corpus={toy}", *SHORT, late) == 2
    assert "NaN or infinite since a step before 5" in capsys.readouterr().err


class SpoilAtTheEnd(L.Callback):
    """Makes weights NaN after the last batch of the first epoch."""

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: object) -> None:
        if trainer.global_step == 5:
            next(pl_module.parameters()).data.fill_(torch.nan)


@pytest.mark.usefixtures("one_callback")
def test_a_single_loss_that_is_not_finite_is_no_fault(sentiment, toy):
    assert sentiment("fit", f"--data.corpus={toy}", *SHORT, f"--trainer.callbacks+={__name__}.SpoilOneLoss") == 0


@pytest.mark.usefixtures("one_callback")
@pytest.mark.parametrize("value", ["-1", ".nan", ".inf"])
def test_a_limit_of_gradients_that_makes_no_sense_is_refused(sentiment, toy, capsys, value):
    assert sentiment("fit", f"--data.corpus={toy}", f"--trainer.gradient_clip_val={value}", *SHORT) == 2
    assert "set --trainer.gradient_clip_val=0 or more" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["val_check_interval=0"], "val_check_interval is 0: set --trainer.val_check_interval=1.0"),
        (["val_check_interval=1000"], "batches: set --trainer.val_check_interval="),
        (["check_val_every_n_epoch=0"], "set --trainer.check_val_every_n_epoch=1 or more"),
        (["accumulate_grad_batches=0"], "set --trainer.accumulate_grad_batches=1 or more"),
        (["limit_train_batches=0.0001"], "trainer settings: You requested to check 0.0001"),
        (["max_epochs=-1", "max_time=00:00:00:09"], "set --trainer.max_epochs or max_steps"),
    ],
)
@pytest.mark.usefixtures("one_callback")
def test_settings_that_make_no_sense_are_one_line(sentiment, toy, capsys, words, error):
    assert sentiment("fit", f"--data.corpus={toy}", *SHORT, *(f"--trainer.{word}" for word in words)) == 2
    assert error in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.slow
def test_a_test_is_not_guarded(sentiment, fitted, toy):
    words = ("--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu")
    path = fitted / "checkpoints" / "best.ckpt"
    assert sentiment("test", f"--ckpt_path={path}", f"--data.corpus={toy}", *words) == 0
