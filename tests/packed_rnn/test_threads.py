import pytest
import torch

from project.packed_rnn import threads
from project.process import usable_cores


@pytest.fixture
def divided(monkeypatch) -> None:
    """Four threads, divided."""
    monkeypatch.setattr(threads, "_whole", 0)
    torch.set_num_threads(4)
    threads.divide_threads()


def test_omp_num_threads_limits_the_cores(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert usable_cores() == 1


def test_no_spare_thread_where_this_one_uses_all_cores(monkeypatch):
    monkeypatch.setattr(threads, "_whole", 0)
    monkeypatch.setattr(threads, "CORES", 2)
    assert threads.spare_threads()
    torch.set_num_threads(2)
    assert not threads.spare_threads()


def test_a_process_that_asked_for_nothing_keeps_its_threads(monkeypatch):
    monkeypatch.setattr(threads, "_whole", 0)
    torch.set_num_threads(3)
    threads.use_half()
    threads.use_all()
    assert torch.get_num_threads() == 3


def test_half_and_all(divided):
    assert torch.get_num_threads() == 2
    threads.use_all()
    assert torch.get_num_threads() == 4
    threads.use_half()
    assert torch.get_num_threads() == 2


def test_dividing_twice_is_dividing_once(divided):
    threads.divide_threads()
    assert torch.get_num_threads() == 2


def test_divided_threads_are_spare_whichever_are_in_use(divided):
    threads.use_all()
    assert threads.spare_threads()
