"""Two functions of tensors at the same time, each in a thread of its own, forward and backward.

Autograd runs the backward pass of a graph on the CPU in one thread, whatever the forward pass did. `run_calls` is one
node of that graph, has a graph of its own for each function, and runs the backward passes of both in two threads.
"""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, islice
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.autograd.graph import get_gradient_edge, saved_tensors_hooks

from .derivative import apply, backward_pass
from .threads import set_threads

Tensors = Sequence[Tensor]
Grads = Sequence[Tensor | None]
Function = Callable[..., tuple[Tensor, ...]]
Result = TypeVar("Result")

SMALLEST_NORMAL = 2.2250738585072014e-308  # float64; half of it is denormal
THREAD_NAME = "packed_rnn_parallel"


class Call(NamedTuple):
    """A function, and the tensors to call it with."""

    function: Function
    tensors: Tensors
    recompute: bool = False  # in the backward pass, instead of keeping what it needs; for deterministic functions


def run_calls(calls: Sequence[Call], parallel: bool) -> list[tuple[Tensor, ...]]:
    """Return the results of one or two calls, `parallel` or in turn; their backward passes run in the same way.

    Forward, each has as many threads as torch has now; backward, half of torch's threads by then. In parallel the
    second runs in another thread, with this thread's settings of torch. The functions take and return tensors on a
    CPU, and may use no other tensor that needs a gradient. The backward pass cannot be differentiated.
    """
    if not torch.is_grad_enabled() or not any(t.requires_grad for call in calls for t in call.tensors):
        return run_all([partial(call.function, *call.tensors) for call in calls], parallel)
    counts: list[int] = []
    tensors = [tensor for call in calls for tensor in call.tensors]
    return _cut(apply(_Calls, calls, parallel, counts, *tensors), counts)  # the first argument fills `counts`


def _cut(items: tuple[Any, ...], counts: Sequence[int]) -> list[tuple[Any, ...]]:
    """Cut `items` into consecutive parts of `counts` items each."""
    iterator = iter(items)
    return [tuple(islice(iterator, count)) for count in counts]


class _Calls(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, calls: Sequence[Call], parallel: bool, counts: list[int], *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        sizes = [len(call.tensors) for call in calls]
        each = zip(calls, _cut(tensors, sizes), _cut(ctx.needs_input_grad[3:], sizes), strict=True)
        ctx.tapes = run_all([partial(_tape, call, own, needed) for call, own, needed in each], parallel)
        # the tensors that the tapes need for their backward are this node's, so that autograd frees them in time
        outputs, saved = zip(*(tape.hand_over() for tape in ctx.tapes), strict=True)
        ctx.save_for_backward(*chain(*saved))
        ctx.set_materialize_grads(False)
        ctx.parallel, ctx.counts, ctx.saved_counts = parallel, counts, [len(own) for own in saved]
        counts += [len(own) for own in outputs]
        return tuple(chain(*outputs))

    @staticmethod
    @backward_pass
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        each = zip(ctx.tapes, _cut(grads, ctx.counts), _cut(ctx.saved_tensors, ctx.saved_counts), strict=True)
        found = run_all([partial(tape.backward, own, saved) for tape, own, saved in each], ctx.parallel)
        return None, None, None, *chain(*found)


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
        has_graph = any(output.requires_grad for output in outputs)
        self._end = get_gradient_edge(_end_of(outputs, self._grads)) if has_graph else None
        self._outputs = [output.detach() for output in outputs]

    def hand_over(self) -> tuple[list[Tensor], list[Tensor]]:
        """Return the outputs, and what the backward will need; forget both."""
        outputs, saved = self._outputs, self._box.copy()
        self._box.clear()
        self._outputs = []
        return outputs, saved

    def backward(self, grads: Grads, saved: Tensors) -> list[Tensor | None]:
        """Return the gradients of the inputs for those of the outputs, `grads`."""
        wanted = [edge for edge in self._inputs if edge is not None]
        if self._end is None or not wanted or all(grad is None for grad in grads):
            return [None] * len(self._inputs)
        self._box.extend(saved)
        self._grads.extend(grads)
        try:
            found = iter(torch.autograd.grad(self._end, wanted, retain_graph=True, allow_unused=True))
        finally:
            self._box.clear()
            self._grads.clear()
        return [None if edge is None else next(found) for edge in self._inputs]


class RecomputingTape:
    """Like a tape, but it keeps only the tensors of its call and repeats that call in the backward pass.

    This is gradient checkpointing (Chen et al. 2016). `torch.utils.checkpoint` does it as well, but imports torch's
    compiler for that: 100 MB and more than a second.
    """

    def __init__(self, function: Function, tensors: Tensors, needed: Sequence[bool]) -> None:
        self._function, self._needed, self._autocast = function, needed, _autocast_of_this_thread()
        self._tensors = list(tensors)
        with torch.no_grad():  # detached, since autocast would remember for later calls what it makes of a parameter
            self._outputs = list(function(*(tensor.detach() for tensor in tensors)))

    def hand_over(self) -> tuple[list[Tensor], list[Tensor]]:
        """Return the outputs, and what the backward will need; forget both."""
        handed = self._outputs, self._tensors
        self._outputs, self._tensors = [], []
        return handed

    def backward(self, grads: Grads, saved: Tensors) -> list[Tensor | None]:
        """Return the gradients of the inputs for those of the outputs, `grads`."""
        with self._autocast:
            tape = Tape(self._function, saved, self._needed)
        return tape.backward(grads, [])  # it has kept what it needs itself


def _tape(call: Call, tensors: Tensors, needed: Sequence[bool]) -> Tape | RecomputingTape:
    return (RecomputingTape if call.recompute else Tape)(call.function, tensors, needed)


class _End(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, grads: Grads, *outputs: Tensor) -> tuple[Tensor]:
        ctx.grads = grads
        return (outputs[0].new_zeros(()),)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return None, *ctx.grads


def _end_of(outputs: Tensors, grads: Grads) -> Tensor:
    """Return a number, (), whose backward gives `outputs` the gradients that `grads` holds by then.

    `torch.autograd.grad` would take them as they are, but compares shapes with a package for symbolic ones and imports
    that: 35 MB and half a second.
    """
    with torch.enable_grad():
        return apply(_End, grads, *outputs)[0]


def run_all(functions: Sequence[Callable[[], Result]], parallel: bool) -> list[Result]:
    """Return what the functions return: in turn, or of two the second in another thread at the same time."""
    if not parallel or len(functions) < 2 or threading.current_thread().name.startswith(THREAD_NAME):
        return [function() for function in functions]  # in the other thread already: it would wait for itself
    first, second = functions
    future = _pool().submit(_with_settings_of_this_thread(second))
    try:
        result = first()
    finally:
        future.exception()  # waits, so that nothing keeps running unnoticed
    return [result, future.result()]


def _with_settings_of_this_thread(function: Callable[[], Result]) -> Callable[[], Result]:
    threads = torch.get_num_threads()
    flushes = SMALLEST_NORMAL / 2 == 0.0
    gradient, inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    autocast = _autocast_of_this_thread()

    def run() -> Result:
        set_threads(threads)
        torch.set_flush_denormal(flushes)
        with torch.inference_mode(inference), torch.set_grad_enabled(gradient), autocast:
            return function()

    return run


def _autocast_of_this_thread() -> torch.autocast:
    """Return a context that restores the current autocast in another thread, or later."""
    return torch.autocast("cpu", torch.get_autocast_dtype("cpu"), torch.is_autocast_enabled("cpu"))


_pools: list[ThreadPoolExecutor] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)  # a forked process has none of its parent's threads


def _pool() -> ThreadPoolExecutor:
    if not _pools:
        _pools.append(ThreadPoolExecutor(1, thread_name_prefix=THREAD_NAME))
    return _pools[0]
