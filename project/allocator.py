"""glibc's allocator, told to keep the memory that a training step frees: the next step needs as much again."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8  # names of glibc's malloc.h


def keep_freed_memory() -> None:
    """Serve every thread from one arena that is never trimmed.

    By default glibc asks the kernel for every large tensor anew, whose pages it then has to clear, and gives threads
    arenas of their own. Those that exist stay: call it before any package starts a thread. Elsewhere than on glibc it
    does nothing.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none, and does not need it
        if mallopt is not None:
            mallopt(M_MMAP_MAX, 0)
            mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
            mallopt(M_ARENA_MAX, 1)
