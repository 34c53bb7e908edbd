"""How many cores this process may compute with."""

import os


def usable_cores() -> int:
    """Return how many cores this process may use; OMP_NUM_THREADS sets an upper limit, as it does for torch."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(limit)) if limit.isdigit() and int(limit) else cores


CORES = usable_cores()


def wait_briefly() -> None:
    """Let OpenMP's threads spin for some microseconds instead of a millisecond where they wait for each other.

    For what computes with all threads at once: beside another busy process a step of a transformer takes twice as long
    instead of four to twenty times, alone as long as before. To be called before torch is imported.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
