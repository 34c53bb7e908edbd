import gc
import weakref

import pytest
import torch
from torch import Tensor

from project.packed_rnn.recompute import recomputed


def product_and_sum(x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    return x * x * w, x + w


def numbers(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_results_and_gradients():
    x, w = numbers(1, 2), numbers(3, 3)
    product, total = recomputed(product_and_sum, x, w)
    (product.sum() + total.sum()).backward()
    assert (product.tolist(), total.tolist()) == ([3, 12], [4, 5])
    assert x.grad is not None
    assert w.grad is not None
    assert (x.grad.tolist(), w.grad.tolist()) == ([7, 13], [2, 5])


def test_an_output_that_nobody_used_and_an_input_that_needs_no_gradient():
    x, w = numbers(1, 2), torch.tensor([3.0, 3.0], dtype=torch.float64)
    recomputed(product_and_sum, x, w)[0].sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [6, 12]


def test_gradients_of_gradients():
    assert torch.autograd.gradgradcheck(lambda *t: recomputed(product_and_sum, *t), (numbers(0.5, -1), numbers(2, 3)))


def test_intermediate_results_are_not_kept():
    inner: list[weakref.ref[Tensor]] = []

    def square_twice(x: Tensor) -> tuple[Tensor]:
        square = x * x
        inner.append(weakref.ref(square))
        return (square * square,)

    (result,) = recomputed(square_twice, numbers(2))
    gc.collect()
    assert inner[0]() is None
    result.backward()
    assert len(inner) == 2


@pytest.mark.parametrize("grad", [True, False])
def test_without_gradients_it_is_a_plain_call(grad):
    with torch.set_grad_enabled(grad):
        assert recomputed(product_and_sum, torch.ones(1), torch.ones(1))[0].grad_fn is None
