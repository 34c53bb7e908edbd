from pathlib import Path

import lightning as L
import pytest
import torch

from project.callbacks import Checkpoint
from project.classifier import SentimentClassifier
from project.errors import UserError
from project.model.averaging import WeightAverage, warming_up
from tests.test_classifier import data, small, trainer


def kept(folder: Path, name: str = "kept") -> Checkpoint:
    return Checkpoint(folder / name, filename="model")


@pytest.mark.parametrize(("decay", "steps", "share"), [(0.999, 0, 0.1), (0.999, 8, 0.5), (0.5, 1000, 0.5)])
def test_decay_warms_up(decay, steps, share):
    average = warming_up(decay)(torch.tensor([1.0]), torch.tensor([0.0]), torch.tensor(steps))
    assert average.item() == pytest.approx(share)


def test_average_leaves_the_initial_weights_at_once(toy, tmp_path):
    fit = trainer(tmp_path, 6, WeightAverage(0.999), enable_checkpointing=False)
    fit.fit(small(dropout=0.0, embedding_dropout=0.0), data(toy))
    assert fit.callback_metrics["val/accuracy"] == 1.0  # 30 steps: a plain 0.999 holds 97 % of the initial weights


def test_checkpoint_holds_the_average_and_the_current_weights(toy, tmp_path):
    fit = trainer(tmp_path, 1, WeightAverage(0.9), kept(tmp_path))
    fit.fit(small(), data(toy))
    checkpoint = torch.load(tmp_path / "kept" / "model.ckpt", weights_only=True)
    name = "network.classifier.weight"
    assert not torch.equal(checkpoint["state_dict"][name], checkpoint["current_model_state"][name])


def test_what_is_tested_after_fit_is_what_a_new_process_tests(toy, tmp_path):
    model, module = small(), data(toy)
    fit = trainer(tmp_path, 2, WeightAverage(0.9), kept(tmp_path))
    fit.fit(model, module)
    path = tmp_path / "kept" / "model.ckpt"
    (here,) = fit.test(model, module, ckpt_path=path, verbose=False, weights_only=True)
    other = trainer(tmp_path, 1, WeightAverage(0.9), kept(tmp_path, "other"))
    (there,) = other.test(small(), data(toy), ckpt_path=path, verbose=False, weights_only=True)
    assert here == there


class StopAfterTwoEpochs(L.Callback):
    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        trainer.should_stop = trainer.current_epoch == 1


def test_resumed_run_equals_one_that_was_never_interrupted(toy, tmp_path):
    def fresh() -> SentimentClassifier:
        return small(dropout=0.0, embedding_dropout=0.0)

    whole = fresh()  # whose seed counts for the network that `fit` makes
    trainer(tmp_path, 4, WeightAverage(0.9), enable_checkpointing=False).fit(whole, data(toy))
    stopped = fresh()
    trainer(tmp_path, 4, WeightAverage(0.9), kept(tmp_path), StopAfterTwoEpochs()).fit(stopped, data(toy))
    resumed = fresh()
    last = trainer(tmp_path, 4, WeightAverage(0.9), kept(tmp_path, "resumed"))
    last.fit(resumed, data(toy), ckpt_path=tmp_path / "kept" / "model.ckpt", weights_only=True)
    for name, weight in whole.network.state_dict().items():
        torch.testing.assert_close(resumed.network.state_dict()[name], weight, msg=name)
    before, after = (run.network.get_parameter("classifier.weight") for run in (stopped, whole))
    assert not torch.allclose(before, after)


def test_senseless_decay_is_refused():
    with pytest.raises(UserError, match="decay of WeightAverage is 1"):
        WeightAverage(1.0)
