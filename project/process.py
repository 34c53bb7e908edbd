"""What has to be set before torch is imported: the C library's memory, and how OpenMP's threads wait. No torch here."""

import ctypes
import os
import sys
from pathlib import Path

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # names of glibc's malloc.h
LARGE = 16 * 2**20  # bytes; with 8 MB a step takes a quarter longer, with 32 MB a third more memory
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def usable_cores() -> int:
    """Return how many cores this process may use; OMP_NUM_THREADS sets an upper limit, as it does for torch."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(limit)) if limit.isdigit() and int(limit) else cores


CORES = usable_cores()


def prepare() -> None:
    """Keep freed memory for the next training step, and let idle OpenMP threads spin for microseconds only.

    - glibc serves every thread from one arena that is never trimmed, instead of clearing new pages for every step.
    - Tensors of 16 MB or more come from the kernel and go back to it: half of what oneDNN reserves for the backward of
      an LSTM is never touched, and costs nothing as long as no other tensor has been there. In pages of 2 MB instead
      of 4 kB that is as fast as kept memory.
    - A thread that spins for a millisecond takes the core from the second direction of the recurrence, or from a
      busy neighbour, next to which a step of a transformer takes twice as long instead of four to twenty times.

    It has no effect on existing allocations and threads. Only glibc on Linux needs the first two.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none, and does not need it
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(M_ARENA_MAX, 1)
    if HUGE_PAGES.exists() and "[never]" not in HUGE_PAGES.read_text():
        os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch looks at its first tensor
