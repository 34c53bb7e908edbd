import gc
import multiprocessing
import threading
import weakref

import numpy as np
import pytest
import torch


def square_sum(x, w):
    return (x * x * w).sum(), x + w


def cube_sum(x):
    return ((x**3).sum(),)


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


@pytest.fixture
def run(module):
    """Run functions in parallel, each given with its tensors, and each with half of the threads."""
    parallel = module("parallel")

    def run(*calls):
        with module("threads").half_of_threads():
            return parallel.run_calls([parallel.Call(function, tensors) for function, tensors in calls], parallel=True)

    return run


@pytest.fixture
def both(module):
    """Call two functions without arguments at the same time."""
    return lambda first, second: module("parallel").run_all([first, second], parallel=True)


@pytest.fixture
def total(run):
    def add_up(x, w):
        first, second = run((square_sum, (x, w)), (cube_sum, (x,)))
        return first[0] + first[1].sum() + second[0]

    return add_up


def test_results_of_both(run):
    first, second = run((square_sum, (numbers(1, 2), numbers(3, 3))), (cube_sum, (numbers(2),)))
    assert [each.tolist() for each in (*first, *second)] == [15, [4, 5], 8]


def test_gradients_add_up_over_both_calls(total):
    x, w = numbers(1, 2), numbers(3, 3)
    gradients = torch.autograd.grad(total(x, w), (x, w))
    assert [each.tolist() for each in gradients] == [[6 + 1 + 3, 12 + 1 + 12], [1 + 1, 4 + 1]]


def test_gradients_of_gradients_raise(total):
    x = numbers(1, 2)
    (gradient,) = torch.autograd.grad(total(x, numbers(3, 3)), x, create_graph=True)
    with pytest.raises(RuntimeError, match="trying to differentiate twice"):
        gradient.sum().backward()


def test_backward_twice_with_retain_graph(total):
    x, w = numbers(1, 2), numbers(3, 3)
    loss = total(x, w)
    once = torch.autograd.grad(loss, x, retain_graph=True)[0]
    assert torch.equal(once, torch.autograd.grad(loss, x)[0])


def test_an_unused_output_needs_no_gradient(run):
    x = numbers(1)
    first, _ = run((square_sum, (x, numbers(2))), (cube_sum, (numbers(3),)))
    assert torch.autograd.grad(first[1].sum(), x)[0].tolist() == [1]


def test_without_gradients_there_is_no_graph(total):
    with torch.no_grad():
        assert not total(numbers(1), numbers(2)).requires_grad


@pytest.fixture
def loss_and_saved(run):
    """A loss, and a reference to memory that only its backward pass needs."""
    factor = np.full(3, 2.0)
    waiting = [torch.from_numpy(factor)]
    (loss,), _ = run((lambda x: ((x * waiting.pop()).sum(),), (numbers(1, 2, 3),)), (cube_sum, (numbers(1),)))
    return [loss], weakref.ref(factor)


def test_what_the_backward_needs_lives_as_long_as_the_graph(loss_and_saved):
    gc.collect()
    assert loss_and_saved[1]() is not None


def test_backward_frees_what_was_saved_even_while_the_loss_lives(loss_and_saved):
    (loss,), saved = loss_and_saved
    loss.backward()
    gc.collect()
    assert saved() is None


def test_a_graph_without_backward_is_freed_with_the_loss(loss_and_saved):
    losses, saved = loss_and_saved
    losses.clear()
    gc.collect()
    assert saved() is None


def test_an_error_in_the_second_thread_is_raised(both):
    def fail():
        raise ValueError("second")

    with pytest.raises(ValueError, match="second"):
        both(lambda: None, fail)


def test_the_second_runs_in_another_thread(both):
    mine, other = both(threading.get_ident, threading.get_ident)
    assert mine != other


def test_inside_the_second_thread_two_functions_run_in_turn(both):
    nested = both(lambda: None, lambda: both(threading.get_ident, threading.get_ident))[1]
    assert nested[0] == nested[1]


def settings_of_thread():
    return (
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_num_threads(),
        torch.is_autocast_enabled("cpu"),
        (torch.tensor([1e-39]) * 1).item(),
    )


def test_the_second_thread_has_the_settings_of_the_first(both):
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        mine, other = both(settings_of_thread, settings_of_thread)
    assert mine == other


@pytest.mark.parametrize("flush", [True, False])
def test_the_second_thread_flushes_denormals_if_the_first_does(both, flush):
    torch.set_flush_denormal(flush)
    try:
        assert (both(settings_of_thread, settings_of_thread)[1][-1] == 0.0) == flush
    finally:
        torch.set_flush_denormal(False)


def in_a_fork(queue, both):
    queue.put(both(lambda: 1, lambda: 2))


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="the system has no fork")
# Python 3.12 warns about any fork in a process with threads; that this one works is the point
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_process_gets_a_thread_of_its_own(both):
    both(lambda: 1, lambda: 2)
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    process = context.Process(target=in_a_fork, args=(queue, both))
    process.start()
    process.join(20)
    assert queue.get() == [1, 2]


@pytest.mark.slow
def test_a_backward_loads_no_symbolic_shapes(new_process):
    assert new_process[0] == "[4.0, 4.0] False"
