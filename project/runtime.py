"""What a process that trains or predicts does first: two settings that make an LSTM on a CPU several times faster."""

import ctypes
import sys

import torch

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # names of glibc's malloc.h


def prepare_process() -> None:
    """Flush denormal floats to zero, and keep freed memory for the next tensor.

    Gradients that vanish through 150 steps or more become denormal, which a CPU computes 10 times slower. And glibc
    asks the kernel for every large tensor anew, whose pages it then has to clear. Call it before any tensor is
    computed: the first setting holds for the calling thread and those that it starts.
    """
    torch.set_flush_denormal(True)
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none, and does not need it
        if mallopt is not None:
            mallopt(M_MMAP_MAX, 0)
            mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
