"""The memory of a training step on a CPU: what one step frees, the next one needs again."""

import ctypes
import os
import sys
from pathlib import Path

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # names of glibc's malloc.h
LARGE = 16 * 2**20  # bytes; with 8 MB a step takes a quarter longer, with 32 MB a third more memory
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def prepare_memory() -> None:
    """Keep small tensors' memory for the next ones, and take huge pages for large tensors.

    - glibc serves every thread from one arena that is never trimmed, instead of clearing new pages for every step.
    - Tensors of 16 MB or more come from the kernel and go back to it: half of what oneDNN reserves for the backward of
      an LSTM is never touched, and costs nothing as long as no other tensor has stood there. In pages of 2 MB
      instead of 4 kB that is as fast as kept memory.

    Arenas and tensors that exist stay as they are: call it before any package starts a thread or makes a tensor.
    Elsewhere than on Linux with glibc it does nothing.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none, and does not need it
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(M_ARENA_MAX, 1)
    if HUGE_PAGES.exists() and "[never]" not in HUGE_PAGES.read_text():
        os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch looks at its first tensor
