"""On an NVIDIA GPU: the same results."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_sequence

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU here"),
]


def run(lstm: Any, packed: PackedSequence, state: tuple[Tensor, Tensor]) -> list[Tensor]:
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
def test_fused_equals_the_cpu(library, sequences, hidden, layers, bidirectional):
    torch.manual_seed(0)
    lstm = library.LSTM(5, hidden, layers, bidirectional=bidirectional)
    packed = pack_sequence([torch.randn(1 + n * 7 % 11, 5) for n in range(sequences)], enforce_sorted=False)
    rows = layers * (1 + bidirectional)
    state = torch.randn(rows, sequences, hidden), torch.randn(rows, sequences, hidden)
    expected = run(lstm, packed, state)
    lstm.cuda()
    assert lstm.path_for(packed.cuda()) == "fused"
    assert_close(run(lstm, packed.cuda(), (state[0].cuda(), state[1].cuda())), expected, 1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_fused_equals_cudnn_under_autocast(library, dtype):
    torch.manual_seed(0)
    lstm = library.LSTM(5, 64, bidirectional=True).cuda()
    packed = pack_sequence([torch.randn(length, 5) for length in (30, 9, 1)]).cuda()
    state = torch.randn(2, 3, 64, device="cuda"), torch.randn(2, 3, 64, device="cuda")
    found = []
    for path in ("fused", "packed"):
        lstm.path = path
        with torch.autocast("cuda", dtype):
            found.append(run(lstm, packed, state))
    assert_close(found[0], found[1], 0.02 if dtype == torch.float16 else 0.1)


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("kind", ["GRU", "RNN"])
def test_what_has_no_kernel_is_packed_and_equals_the_cpu(library, kind):
    torch.manual_seed(0)
    rnn = getattr(library, kind)(5, 8, 2, bidirectional=True)
    packed = pack_sequence([torch.randn(length, 5) for length in (9, 3, 1)])
    expected = rnn(packed)
    rnn.cuda()
    assert rnn.path_for(packed.cuda()) == "packed"
    found = rnn(packed.cuda())
    assert_close([found[0].data, found[1]], [expected[0].data, expected[1]], 1e-4)
