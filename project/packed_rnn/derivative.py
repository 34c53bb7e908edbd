"""What the backward passes of all our autograd functions have in common."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .threads import half_of_threads

Grads = tuple[Tensor | None, ...]
Backward = Callable[..., Grads]


def backward_pass(backward: Backward) -> Backward:
    """Compute `backward` with half of torch's threads, and let a second derivative through it raise torch's error.

    torch's `once_differentiable` raises only if an incoming gradient needs a gradient itself. If none does, as for a
    loss that is the sum of outputs, it would silently leave this term out of the second derivative.
    """

    def with_marker(ctx: Any, marker: Tensor, *grads: Tensor | None) -> Grads:
        with half_of_threads():
            return backward(ctx, *grads)

    guarded: Backward = once_differentiable(with_marker)

    @wraps(backward)
    def wrapper(ctx: Any, *grads: Tensor | None) -> Grads:
        return guarded(ctx, torch.empty(0, requires_grad=True), *grads)

    return wrapper


def apply(function: type[torch.autograd.Function], *arguments: Any) -> tuple[Tensor, ...]:
    """Call an autograd function that returns a tuple; torch's own method has no types."""
    return function.apply(*arguments)  # type: ignore[no-any-return, no-untyped-call]
