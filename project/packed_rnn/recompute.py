"""A function of tensors that keeps its inputs alone, and computes what its backward needs when that begins."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from project.packed_rnn.side_by_side import gradients, present_autocast

Function = Callable[..., tuple[Tensor, ...]]


def recomputed(function: Function, *tensors: Tensor) -> tuple[Tensor, ...]:
    """Return `function(*tensors)`; its intermediate results are not kept, but computed again for the backward.

    The idea is gradient checkpointing (Chen et al. 2016). The function may use no other tensor that needs a gradient,
    and nothing random. Gradients of gradients are right.
    """
    if not torch.is_grad_enabled() or not any(t.requires_grad for t in tensors):
        return function(*tensors)
    outputs: tuple[Tensor, ...] = _Recomputed.apply(function, *tensors)  # type: ignore[no-untyped-call]
    return outputs


class _Recomputed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, function: Function, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.function, ctx.autocast = function, present_autocast()
        ctx.save_for_backward(*tensors)
        ctx.set_materialize_grads(False)
        return function(*tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        create_graph = torch.is_grad_enabled()
        if create_graph:
            tensors = [tensor.view_as(tensor) for tensor in ctx.saved_tensors]
        else:
            needed = ctx.needs_input_grad[1:]
            tensors = [t.detach().requires_grad_(n) for t, n in zip(ctx.saved_tensors, needed, strict=True)]
        with torch.enable_grad(), ctx.autocast():
            outputs = ctx.function(*tensors)
        return None, *gradients(outputs, tensors, grads, create_graph, retain_graph=create_graph)
