"""torch's number of threads for a while, and denormal floats."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch

_this_thread = threading.local()


def set_threads(threads: int) -> None:
    """Set torch's number of threads for this thread; and for those that it starts from now on."""
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


@contextmanager
def half_of_threads() -> Iterator[None]:
    """Compute with half of the threads, as one of two directions; then with as many as before, even after an exception.

    Without a second direction it is half as well: threads that share one direction wait for each other at every step.
    Nested uses change nothing.
    """
    before, halved = torch.get_num_threads(), getattr(_this_thread, "halved", False)
    set_threads(before if halved else max(1, before // 2))
    _this_thread.halved = True
    try:
        yield
    finally:
        _this_thread.halved = halved
        set_threads(before)


def can_run_parallel() -> bool:
    """Whether two directions can have a core each: there are two threads in use, or two cores for one thread."""
    return torch.get_num_threads() >= 2 or usable_cores() >= 2


@cache
def usable_cores() -> int:
    """Return how many cores this process may use; OMP_NUM_THREADS sets an upper limit, as it does for torch."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(limit)) if limit.isdigit() and int(limit) else cores


@cache
def flush_denormals() -> None:
    """Once per process, let this thread and those that it starts flush denormal floats to zero.

    Gradients that vanish over 150 steps or more become denormal, and a CPU computes with those ten times slower.
    """
    torch.set_flush_denormal(True)
