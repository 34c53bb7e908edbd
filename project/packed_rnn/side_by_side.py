"""Two functions of tensors at once, each in a thread of its own, forward and backward.

Autograd computes the backward of a graph on the CPU in one thread, whatever the forward did. `side_by_side` is one node
of that graph with a graph of its own for each function, and goes through these two in two threads.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge, saved_tensors_hooks

Tensors = Sequence[Tensor]
Function = Callable[..., tuple[Tensor, ...]]
Result = TypeVar("Result")

SMALLEST_NORMAL = 2.2250738585072014e-308  # float64; its half is denormal


class Call(NamedTuple):
    """A function, and the tensors to call it with."""

    function: Function
    tensors: Tensors


def side_by_side(first: Call, second: Call) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return what the two calls return, computed at the same time.

    The functions take and return tensors of a CPU, and may use no other tensor that needs a gradient. Gradients of
    gradients are right; they recompute both functions.
    """
    calls = (first, second)
    if torch.is_grad_enabled() and any(t.requires_grad for call in calls for t in call.tensors):
        counts: list[int] = []
        outputs = _SideBySide.apply(calls, counts, *first.tensors, *second.tensors)  # type: ignore[no-untyped-call]
        return outputs[: counts[0]], outputs[counts[0] :]
    return at_once(lambda: first.function(*first.tensors), lambda: second.function(*second.tensors))


class _SideBySide(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, calls: tuple[Call, Call], counts: list[int], *tensors: Tensor) -> tuple[Tensor, ...]:
        split = len(calls[0].tensors)
        tapes = at_once(
            lambda: Tape(calls[0].function, tensors[:split], ctx.needs_input_grad[2 : 2 + split]),
            lambda: Tape(calls[1].function, tensors[split:], ctx.needs_input_grad[2 + split :]),
        )
        # what the tapes need for their backward is handed to this node, which frees it when autograd says so
        (first, first_saved), (second, second_saved) = (tape.hand_over() for tape in tapes)
        ctx.save_for_backward(*tensors, *first_saved, *second_saved)
        ctx.set_materialize_grads(False)
        ctx.functions, ctx.tapes, ctx.split, ctx.count = [c.function for c in calls], tapes, split, len(first)
        ctx.autocast = present_autocast()
        ctx.ends = (len(tensors), len(tensors) + len(first_saved))
        counts.append(len(first))
        return (*first, *second)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        start, middle = ctx.ends
        tensors, count = ctx.saved_tensors[:start], ctx.count
        if torch.is_grad_enabled():
            # a tensor may stand in both calls: each place needs a gradient of its own
            tensors = [tensor.view_as(tensor) for tensor in tensors]
            with ctx.autocast():
                recomputed = ctx.functions[0](*tensors[: ctx.split]) + ctx.functions[1](*tensors[ctx.split :])
            return None, None, *gradients(recomputed, tensors, grads, create_graph=True)
        saved = (ctx.saved_tensors[start:middle], ctx.saved_tensors[middle:])
        first, second = at_once(
            lambda: ctx.tapes[0].backward(grads[:count], saved[0]),
            lambda: ctx.tapes[1].backward(grads[count:], saved[1]),
        )
        return None, None, *first, *second


class Tape:
    """One call of a function with a graph of its own, whose saved tensors are kept elsewhere."""

    def __init__(self, function: Function, tensors: Tensors, needed: Sequence[bool]) -> None:
        # The graph knows this list and not the tape, which knows the graph: a cycle would never be freed.
        box: list[Tensor] = []

        def keep(tensor: Tensor) -> int:
            box.append(tensor.detach())
            return len(box) - 1

        leaves = [t.detach().requires_grad_(need) for t, need in zip(tensors, needed, strict=True)]
        with torch.enable_grad(), saved_tensors_hooks(keep, lambda index: box[index]):
            outputs = function(*leaves)
        self._box = box
        self._inputs = [get_gradient_edge(leaf) if leaf.requires_grad else None for leaf in leaves]
        self._grads: list[Tensor | None] = []
        self._end = get_gradient_edge(end_of(outputs, self._grads)) if _any_needs(outputs) else None
        self._outputs = [output.detach() for output in outputs]

    def hand_over(self) -> tuple[list[Tensor], list[Tensor]]:
        """Return the outputs, and what the backward will need; forget both."""
        outputs, saved = self._outputs, self._box.copy()
        self._box.clear()
        self._outputs = []
        return outputs, saved

    def backward(self, grads: Sequence[Tensor | None], saved: Tensors) -> list[Tensor | None]:
        """Return the gradients of the tensors for those of the outputs, `grads`."""
        self._box.extend(saved)
        self._grads.extend(grads)
        try:
            return _gradients(self._end, self._inputs, grads)
        finally:
            self._box.clear()
            self._grads.clear()


class _End(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, grads: Sequence[Tensor | None], *outputs: Tensor) -> Tensor:
        ctx.grads = grads
        return outputs[0].new_zeros(())

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return None, *ctx.grads


def end_of(outputs: Tensors, grads: Sequence[Tensor | None]) -> Tensor:
    """Return a number, (), whose backward gives `outputs` the gradients that `grads` holds by then.

    `torch.autograd.grad` would take them as they are, but compares shapes with a package for symbolic ones, which it
    loads for that: 35 MB and half a second.
    """
    with torch.enable_grad():
        end: Tensor = _End.apply(grads, *outputs)  # type: ignore[no-untyped-call]
    return end


def gradients(
    outputs: Tensors, inputs: Tensors, grads: Sequence[Tensor | None], create_graph: bool, retain_graph: bool = True
) -> list[Tensor | None]:
    """Return the gradients of `inputs` for those of `outputs`, `grads`; None where there is none."""
    end = end_of(outputs, grads) if _any_needs(outputs) else None
    return _gradients(end, inputs, grads, create_graph, retain_graph)


def _gradients(
    end: Tensor | GradientEdge | None,
    inputs: Sequence[Tensor | GradientEdge | None],
    grads: Sequence[Tensor | None],
    create_graph: bool = False,
    retain_graph: bool = True,
) -> list[Tensor | None]:
    wanted = [i for i in inputs if i is not None and not (isinstance(i, Tensor) and not i.requires_grad)]
    if end is None or not wanted or all(grad is None for grad in grads):
        return [None] * len(inputs)
    found = torch.autograd.grad(
        end,
        wanted,  # type: ignore[arg-type] # edges and tensors alike
        retain_graph=retain_graph,
        create_graph=create_graph,
        allow_unused=True,
    )
    by_position = iter(found)
    return [next(by_position) if any(i is w for w in wanted) else None for i in inputs]


def _any_needs(tensors: Tensors) -> bool:
    return any(tensor.requires_grad for tensor in tensors)


def at_once(first: Callable[[], Result], second: Callable[[], Result]) -> tuple[Result, Result]:
    """Call `first` in this thread and `second` in another, with the same settings of torch; return what they return."""
    future = _pool().submit(_with_settings_of_this_thread(second))
    try:
        result = first()
    finally:
        future.exception()  # waits: nothing may go on unseen
    return result, future.result()


def _with_settings_of_this_thread(function: Callable[[], Result]) -> Callable[[], Result]:
    threads = torch.get_num_threads()
    flushes = SMALLEST_NORMAL / 2 == 0.0
    gradient, inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    autocast = present_autocast()

    def run() -> Result:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        torch.set_flush_denormal(flushes)
        with torch.inference_mode(inference), torch.set_grad_enabled(gradient), autocast():
            return function()

    return run


def present_autocast() -> Callable[[], AbstractContextManager[Any]]:
    """Return what brings back, in another thread or at another time, the autocast of this moment on the CPU."""
    return partial(torch.autocast, "cpu", torch.get_autocast_dtype("cpu"), enabled=torch.is_autocast_enabled("cpu"))


_pools: list[ThreadPoolExecutor] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)  # a forked process has none of its parent's threads


def _pool() -> ThreadPoolExecutor:
    if not _pools:
        _pools.append(ThreadPoolExecutor(1, thread_name_prefix="side_by_side"))
    return _pools[0]
