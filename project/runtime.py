"""What a process that trains or predicts does first: settings that make an LSTM on a CPU several times faster."""

import ctypes
import sys

import torch

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8  # names of glibc's malloc.h


def prepare_process() -> None:
    """Flush denormal floats to zero, keep freed memory for the next tensor, and halve torch's threads.

    - Gradients that vanish through 150 steps or more become denormal, which a CPU computes 10 times slower.
    - glibc asks the kernel for every large tensor anew, whose pages it then has to clear; and threads that share no
      arena each ask for themselves.
    - The recurrence computes its two directions side by side: each gets half of the threads. Two threads that share
      one direction wait for each other at every time step, spinning, and a busy neighbour makes both ten times slower.

    Call it once, before any tensor is computed: the first setting holds for the calling thread and those that it
    starts.
    """
    torch.set_flush_denormal(True)
    torch.set_num_threads(max(1, torch.get_num_threads() // 2))
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none, and does not need it
        if mallopt is not None:
            mallopt(M_MMAP_MAX, 0)
            mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
            mallopt(M_ARENA_MAX, 1)
