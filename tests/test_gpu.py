"""On an NVIDIA GPU: the same results, without a detour over the CPU."""

import lightning as L
import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from project.batch import pack
from project.cli import DEFAULT_CONFIG
from project.network import SentimentNetwork
from project.packed_rnn import GRU, LSTM, RNN
from tests.conftest import SMALL

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU here"),
]


def run(lstm: LSTM, packed: PackedSequence, state: tuple[Tensor, Tensor]) -> list[Tensor]:
    """Outputs, last states, and the gradients of inputs, initial states and weights."""
    data, *wanted = (tensor.detach().requires_grad_() for tensor in (packed.data, *state))
    output, last = lstm(packed._replace(data=data), tuple(wanted))
    loss = sum((each * torch.linspace(0, 1, each.numel(), device=each.device).view_as(each)).sum() for each in last)
    assert isinstance(loss, Tensor)
    found = torch.autograd.grad(loss + output.data.square().sum(), [data, *wanted, *lstm.parameters()])
    return [output.data.detach(), *last, *found]


def assert_close(ours: list[Tensor], theirs: list[Tensor], tolerance: float) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        scale = other.abs().max().item()
        torch.testing.assert_close(mine.float().cpu(), other.float().cpu(), rtol=tolerance, atol=tolerance * scale)


@pytest.fixture
def exact(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)  # by default cuDNN rounds factors to 10 bits


# in a slice a program, several slices, more programs than the card takes at once, and a size that is no power of two
SIZES = [(4, 16, 1), (9, 64, 2), (600, 128, 1), (20, 48, 1)]


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize(("sequences", "hidden", "layers"), SIZES)
def test_fused_equals_the_cpu(sequences, hidden, layers, bidirectional):
    torch.manual_seed(0)
    lstm = LSTM(5, hidden, layers, bidirectional=bidirectional)
    packed = pack_sequence([torch.randn(1 + n * 7 % 11, 5) for n in range(sequences)], enforce_sorted=False)
    rows = layers * (1 + bidirectional)
    state = torch.randn(rows, sequences, hidden), torch.randn(rows, sequences, hidden)
    expected = run(lstm, packed, state)
    lstm.cuda()
    assert lstm.path_for(packed.cuda()) == "fused"
    assert_close(run(lstm, packed.cuda(), (state[0].cuda(), state[1].cuda())), expected, 1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_fused_equals_cudnn_under_autocast(dtype):
    torch.manual_seed(0)
    lstm = LSTM(5, 64, bidirectional=True).cuda()
    packed = pack_sequence([torch.randn(length, 5) for length in (30, 9, 1)]).cuda()
    state = torch.randn(2, 3, 64, device="cuda"), torch.randn(2, 3, 64, device="cuda")
    found = []
    for path in ("fused", "packed"):
        lstm.path = path
        with torch.autocast("cuda", dtype):
            found.append(run(lstm, packed, state))
    assert_close(found[0], found[1], 0.02 if dtype == torch.float16 else 0.1)


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("kind", [GRU, RNN])
def test_what_has_no_kernel_is_packed_and_equals_the_cpu(kind):
    torch.manual_seed(0)
    rnn = kind(5, 8, 2, bidirectional=True)
    packed = pack_sequence([torch.randn(length, 5) for length in (9, 3, 1)])
    expected = rnn(packed)
    rnn.cuda()
    assert rnn.path_for(packed.cuda()) == "packed"
    found = rnn(packed.cuda())
    assert_close([found[0].data, found[1]], [expected[0].data, expected[1]], 1e-4)


@pytest.mark.filterwarnings("ignore:Synchronization debug mode")  # torch says that it does not see every wait yet
def test_forward_never_waits_for_the_cpu():
    network = SentimentNetwork(vocab_size=20, num_classes=2, num_frozen=4, hidden_size=16).cuda()
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
    assert sentiment("fit", f"--data.corpus={toy}", *options, *small, "--model.hidden_size=16") == 0
    assert NoWaiting.watched == 2


def test_fit_and_test_in_mixed_precision(sentiment, toy):
    small = [word for word in SMALL if "accelerator" not in word]
    gpu = DEFAULT_CONFIG.parent / "trainer" / "gpu.yaml"
    options = ("--config", gpu, "--trainer.precision=bf16-mixed", "--trainer.max_epochs=2")
    assert sentiment("fit", f"--data.corpus={toy}", *options, *small) == 0
