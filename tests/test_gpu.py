"""On an NVIDIA GPU: the same results, without a detour over the CPU."""

import csv

import lightning as L
import pytest
import torch

from project.batch import pack
from project.network import SentimentNetwork
from project.registry import DEFAULT_CONFIG
from tests.conftest import SMALL

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU here"),
]


@pytest.mark.filterwarnings("ignore:Synchronization debug mode")  # torch says that it does not see every wait yet
def test_forward_never_waits_for_the_cpu():
    network = SentimentNetwork(vocab_size=20, num_classes=2, num_frozen=4).cuda()
    batch = pack([torch.tensor([3, 18, 5]), torch.tensor([4])]).cuda()
    network(batch)  # cuDNN's first call sets itself up
    torch.cuda.set_sync_debug_mode("error")
    try:
        network(batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")


class NoWaiting(L.Callback):
    """Lets torch raise at whatever waits for the card, from the third batch of an epoch until the fifth has ended."""

    watched = 0

    def on_train_batch_start(self, trainer, module, batch, number):
        if number == 2:
            torch.cuda.set_sync_debug_mode("error")

    def on_train_batch_end(self, trainer, module, outputs, batch, number):
        if number == 4:
            torch.cuda.set_sync_debug_mode("default")
            NoWaiting.watched += 1


@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
def test_a_training_step_never_waits_for_the_card(sentiment, toy):
    options = ("--trainer.callbacks+=tests.test_gpu.NoWaiting", "--trainer.max_epochs=2", "--trainer.accelerator=gpu")
    small = [word for word in SMALL if "accelerator" not in word]
    assert sentiment("fit", f"--data.corpus={toy}", *options, *small, "--model.encoder.hidden_size=16") == 0
    assert NoWaiting.watched == 2


def test_fit_and_test_in_mixed_precision(sentiment, toy):
    small = [word for word in SMALL if "accelerator" not in word]
    gpu = DEFAULT_CONFIG.parent / "trainer" / "gpu.yaml"
    options = ("--config", gpu, "--trainer.precision=bf16-mixed", "--trainer.max_epochs=2")
    assert sentiment("fit", f"--data.corpus={toy}", *options, *small) == 0


def test_predictions_are_those_of_a_cpu(sentiment, fitted, toy, tmp_path):
    found = []
    for accelerator in ("gpu", "cpu"):
        path = tmp_path / f"{accelerator}.csv"
        options = (f"--data.corpus={toy}", f"--output={path}", f"--trainer.accelerator={accelerator}")
        assert sentiment("predict", f"--ckpt_path={fitted / 'checkpoints' / 'best.ckpt'}", *options) == 0
        with path.open(encoding="utf-8", newline="") as file:
            found.append([float(row["p_positive"]) for row in csv.DictReader(file)])
    assert found[0] == pytest.approx(found[1], abs=1e-3)  # TF32
