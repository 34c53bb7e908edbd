"""No forward or backward pass leaves torch's number of threads other than it found it."""

import pytest
import torch

from .twins import KINDS, H, I, assert_twins_agree, make, pack, states, twins


@pytest.fixture
def four_threads() -> None:
    torch.set_num_threads(4)  # `one_thread` puts the number back


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize("path", ["packed", "padded", "parallel"])
def test_a_forward_restores_the_threads(library, path):
    make(library, "lstm", path=path, bidirectional=True)(pack([3, 5]))
    assert torch.get_num_threads() == 4


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize("path", ["packed", "padded", "parallel"])
def test_a_backward_restores_the_threads(library, path):
    h_n = make(library, "lstm", path=path, bidirectional=True).last_hidden(pack([3, 5]))
    h_n.sum().backward()
    assert torch.get_num_threads() == 4


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize("path", ["padded", "parallel"])
def test_a_failing_forward_restores_the_threads(library, module, monkeypatch, path):
    def fail(*arguments):
        raise ValueError("no kernel")

    monkeypatch.setitem(module("modules").KERNELS, "LSTM", fail)
    with pytest.raises(ValueError, match="no kernel"):
        make(library, "lstm", path=path, bidirectional=True)(pack([3, 5]))
    assert torch.get_num_threads() == 4


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize("path", ["padded", "parallel"])
def test_a_failing_backward_restores_the_threads(library, module, monkeypatch, path):
    h_n = make(library, "lstm", path=path, bidirectional=True).last_hidden(pack([3, 5]))

    def fail(*arguments):
        raise ValueError("no gradient")

    monkeypatch.setattr(module("parallel").Tape, "backward", fail)
    with pytest.raises(ValueError, match="no gradient"):
        h_n.sum().backward()
    assert torch.get_num_threads() == 4


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize("path", ["padded", "parallel"])
def test_each_direction_gets_half_of_the_threads(library, module, threads_at, path):
    seen = threads_at(module("direction"), "run_kernel")
    make(library, "lstm", path=path, bidirectional=True)(pack([3, 5]))
    assert set(seen) == {2}


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize("path", ["padded", "parallel"])
def test_each_direction_gets_half_of_the_threads_backward(library, module, threads_at, path):
    seen = threads_at(module("parallel").Tape, "backward")
    make(library, "lstm", path=path, bidirectional=True).last_hidden(pack([3, 5])).sum().backward()
    assert set(seen) == {2}


@pytest.mark.parametrize("path", ["padded", "parallel"])
def test_one_thread_stays_one(library, module, threads_at, path):
    seen = threads_at(module("direction"), "run_kernel")
    make(library, "lstm", path=path, bidirectional=True)(pack([3, 5]))
    assert set(seen) == {1}


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize("path", ["padded", "parallel"])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_results_and_gradients_with_four_threads(library, kind, path):
    both = twins(library, kind, I, H, 2, path=path, bidirectional=True, dtype=torch.float64)
    assert_twins_agree(both, pack([3, 12, 5], torch.float64), states(both[0], 3, dtype=torch.float64))


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize("path", ["padded", "parallel"])
def test_gradients_of_gradients_raise_with_four_threads(library, path):
    rnn, packed = make(library, "lstm", path=path, bidirectional=True), pack([3, 5])
    data = packed.data.requires_grad_()
    (slope,) = torch.autograd.grad(rnn.last_hidden(packed._replace(data=data)).sum(), data, create_graph=True)
    with pytest.raises(RuntimeError, match="trying to differentiate twice"):
        slope.square().sum().backward()


@pytest.mark.parametrize(
    ("threads", "cores", "allowed"), [(1, 1, False), (1, 2, True), (2, 2, True), (2, 1, True), (4, 4, True)]
)
def test_directions_run_in_parallel_with_two_threads_or_two_cores(module, monkeypatch, threads, cores, allowed):
    torch.set_num_threads(threads)
    monkeypatch.setattr(module("threads"), "usable_cores", lambda: cores)
    assert module("threads").can_run_parallel() == allowed


def test_omp_num_threads_limits_the_cores(module, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert module("threads").usable_cores.__wrapped__() == 1
