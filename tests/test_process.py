import os
import subprocess
import sys

import pytest

from project.process import usable_cores

FREED = """
import resource
from project.process import prepare
prepare()
import torch

def resident_mb():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 2**20

def freed_mb(size_mb, count):
    tensors = [torch.ones(size_mb * 2**18) for _ in range(count)]
    before = resident_mb()
    del tensors
    return before - resident_mb()

print(freed_mb(32, 2), freed_mb(4, 16))
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator and GNU's OpenMP")


@pytest.fixture(scope="module")
def prepared() -> subprocess.CompletedProcess[str]:
    """A process that prints how much of two tensors of 32 MB, then of 16 of 4 MB, goes back to the kernel."""
    own = ("GOMP_SPINCOUNT", "THP_MEM_ALLOC_ENABLE")  # set in this process too
    environment = {name: value for name, value in os.environ.items() if name not in own}
    environment["OMP_DISPLAY_ENV"] = "verbose"
    return subprocess.run([sys.executable, "-c", FREED], env=environment, capture_output=True, text=True, check=True)


@linux
@pytest.mark.slow
def test_memory_of_large_tensors_goes_back(prepared):
    assert float(prepared.stdout.split()[0]) == pytest.approx(64, abs=4)


@linux
@pytest.mark.slow
def test_memory_of_small_tensors_is_kept(prepared):
    assert float(prepared.stdout.split()[1]) == pytest.approx(0, abs=4)


@linux
@pytest.mark.slow
def test_idle_threads_wait_briefly(prepared):
    assert "GOMP_SPINCOUNT = '10000'" in prepared.stderr


def test_omp_num_threads_limits_the_cores(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert usable_cores() == 1
