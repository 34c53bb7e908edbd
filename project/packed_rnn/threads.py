"""How many threads torch computes with: all of them, or half for each of two directions that are computed at once."""

import torch

from project.process import CORES

_whole = 0  # threads before `divide_threads`; 0 where the process did not ask for it


def divide_threads() -> None:
    """Give torch half of its threads, as each of two directions needs; calling it again changes nothing."""
    global _whole
    _whole = _whole or torch.get_num_threads()
    use_half()


def use_half() -> None:
    """Compute with half of the threads from now on, if they were divided."""
    _use(_whole // 2)


def use_all() -> None:
    """Compute with all threads from now on, if they were divided."""
    _use(_whole)


def _use(threads: int) -> None:
    if _whole and torch.get_num_threads() != max(1, threads):
        torch.set_num_threads(max(1, threads))


def spare_threads() -> bool:
    """Whether there are threads for both directions at once."""
    return _whole >= 2 or 2 * torch.get_num_threads() <= CORES
