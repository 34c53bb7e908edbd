import os
import subprocess
import sys

import pytest

from project.process import peak_mb, usable_cores

FREED = """
import resource, sys
from project.process import prepare
prepare()
import torch

def resident_mb():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 2**20

tensors = [torch.ones(int(sys.argv[1]) * 2**18) for _ in range(int(sys.argv[2]))]
before = resident_mb()
del tensors
print(before - resident_mb())
"""


def freed_mb(size_mb: int, tensors: int) -> float:
    """How much of the memory of so many tensors goes back to the kernel once they are freed."""
    command = [sys.executable, "-c", FREED, str(size_mb), str(tensors)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


linux = pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")


@linux
def test_memory_of_large_tensors_goes_back():
    assert freed_mb(32, tensors=2) == pytest.approx(64, abs=4)


@linux
def test_memory_of_small_tensors_is_kept():
    assert freed_mb(4, tensors=16) == pytest.approx(0, abs=4)


@pytest.mark.skipif(sys.platform != "linux", reason="torch brings GNU's OpenMP on Linux")
def test_idle_threads_wait_briefly():
    command = [sys.executable, "-c", "from project.process import prepare; prepare(); import torch"]
    done = subprocess.run(command, env=os.environ | {"OMP_DISPLAY_ENV": "verbose"}, capture_output=True, text=True)
    assert "GOMP_SPINCOUNT = '10000'" in done.stderr


def test_processes_without_a_count_of_memory_do_without(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)  # as on Windows
    assert peak_mb() is None


def test_omp_num_threads_limits_the_cores(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert usable_cores() == 1
