import gc
import multiprocessing
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest
import torch
from torch import Tensor

from project.packed_rnn.side_by_side import Call, at_once, side_by_side


def square_sum(x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    return (x * x * w).sum(), x + w


def cube_sum(x: Tensor) -> tuple[Tensor]:
    return ((x**3).sum(),)


def total(x: Tensor, w: Tensor) -> Tensor:
    first, second = side_by_side(Call(square_sum, (x, w)), Call(cube_sum, (x,)))
    return first[0] + first[1].sum() + second[0]


def numbers(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_results_of_both():
    first, second = side_by_side(Call(square_sum, (numbers(1, 2), numbers(3, 3))), Call(cube_sum, (numbers(2),)))
    assert first[0].item() == 15
    assert first[1].tolist() == [4, 5]
    assert second[0].item() == 8


def test_gradients_add_up_over_both_calls():
    x, w = numbers(1, 2), numbers(3, 3)
    total(x, w).backward()
    assert x.grad is not None
    assert w.grad is not None
    assert x.grad.tolist() == [6 + 1 + 3, 12 + 1 + 12]  # 2xw + 1 + 3x^2
    assert w.grad.tolist() == [1 + 1, 4 + 1]


def test_gradients_with_create_graph_are_the_same():
    x, w = numbers(1, 2), numbers(3, 3)
    (gradient,) = torch.autograd.grad(total(x, w), x, create_graph=True)
    assert gradient.tolist() == [10, 25]


def test_gradients_of_gradients():
    assert torch.autograd.gradgradcheck(total, (numbers(0.5, -1), numbers(2, 3)))


def test_backward_twice_needs_retain_graph():
    x, w = numbers(1, 2), numbers(3, 3)
    loss = total(x, w)
    once = torch.autograd.grad(loss, x, retain_graph=True)[0]
    assert torch.equal(once, torch.autograd.grad(loss, x)[0])
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        torch.autograd.grad(loss, x)


def test_an_output_that_is_not_used_costs_nothing():
    first, _ = side_by_side(Call(square_sum, (numbers(1), numbers(2))), Call(cube_sum, (numbers(3),)))
    first[1].sum().backward()


def test_no_gradient_wanted_means_no_graph():
    with torch.no_grad():
        assert not total(numbers(1), numbers(2)).requires_grad


def loss_and_what_it_saved() -> tuple[Tensor, "weakref.ref[np.ndarray]"]:
    """A loss, and a reference to memory that only its backward needs."""
    factor = np.full(3, 2.0)

    def function(x: Tensor) -> tuple[Tensor]:
        return ((x * seen.pop()).sum(),)

    seen = [torch.from_numpy(factor)]
    calls = Call(function, (numbers(1, 2, 3),)), Call(cube_sum, (numbers(1),))
    return side_by_side(*calls)[0][0], weakref.ref(factor)


def test_what_the_backward_needs_lives_as_long_as_the_graph():
    _loss, saved = loss_and_what_it_saved()
    gc.collect()
    assert saved() is not None


def test_backward_frees_what_was_saved_even_while_the_loss_lives():
    loss, saved = loss_and_what_it_saved()
    loss.backward()
    gc.collect()
    assert saved() is None


def test_a_graph_without_backward_is_freed_with_the_loss():
    loss, saved = loss_and_what_it_saved()
    del loss
    gc.collect()
    assert saved() is None


def test_an_error_in_the_second_thread_is_raised():
    def fail() -> None:
        raise ValueError("second")

    with pytest.raises(ValueError, match="second"):
        at_once(lambda: None, fail)


def test_the_second_runs_in_another_thread():
    mine, other = at_once(threading.get_ident, threading.get_ident)
    assert mine != other


def settings_of_thread() -> tuple[bool, bool, int, bool, float]:
    return (
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_num_threads(),
        torch.is_autocast_enabled("cpu"),
        (torch.tensor([1e-39]) * 1).item(),
    )


def test_settings_of_torch_are_those_of_the_first_thread():
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        mine, other = at_once(settings_of_thread, settings_of_thread)
    assert mine == other


def test_flushing_of_denormals_is_that_of_the_first_thread():
    torch.set_flush_denormal(True)
    try:
        assert at_once(settings_of_thread, settings_of_thread)[1][-1] == 0.0
    finally:
        torch.set_flush_denormal(False)
    assert at_once(settings_of_thread, settings_of_thread)[1][-1] != 0.0


def in_a_fork(queue):
    queue.put(at_once(lambda: 1, lambda: 2))


# Python 3.12 warns about any fork beside threads; that this one works is the point
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_process_gets_a_thread_of_its_own():
    at_once(lambda: 1, lambda: 2)
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    process = context.Process(target=in_a_fork, args=(queue,))
    process.start()
    process.join(20)
    assert process.exitcode == 0
    assert queue.get() == (1, 2)


def test_a_backward_loads_no_symbolic_shapes():
    code = """
import sys, torch
from project.packed_rnn.side_by_side import Call, side_by_side
x = torch.ones(2, requires_grad=True)
first, second = side_by_side(Call(lambda x: (x * x,), (x,)), Call(lambda x: (x + x,), (x,)))
(first[0] + second[0]).sum().backward()
print(x.grad.tolist(), "sympy" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[4.0, 4.0] False\n"
