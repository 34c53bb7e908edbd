"""On an NVIDIA GPU: the same results, without a detour over the CPU."""

import pytest
import torch
from torch.nn.utils.rnn import pack_sequence

from project.batch import pack
from project.cli import DEFAULT_CONFIG
from project.network import SentimentNetwork
from project.packed_rnn import LSTM
from tests.conftest import SMALL

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU here"),
]


@pytest.mark.parametrize("layers", [1, 2])
def test_cudnn_equals_the_cpu(layers, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)  # by default cuDNN rounds factors to 10 bits
    torch.manual_seed(0)
    lstm = LSTM(5, 8, layers, bidirectional=True)
    packed = pack_sequence([torch.randn(length, 5) for length in (3, 9, 1)], enforce_sorted=False)
    output, (h_n, _) = lstm(packed)
    gpu_output, (gpu_h_n, _) = lstm.cuda()(packed.cuda())
    torch.testing.assert_close(gpu_output.data.cpu(), output.data, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(gpu_h_n.cpu(), h_n, rtol=1e-3, atol=1e-4)


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


def test_fit_and_test_in_mixed_precision(sentiment, toy):
    small = [word for word in SMALL if "accelerator" not in word]
    options = ("--config", DEFAULT_CONFIG.parent / "trainer" / "gpu.yaml", "--trainer.max_epochs=2")
    assert sentiment("fit", f"--data.corpus={toy}", *options, *small) == 0
