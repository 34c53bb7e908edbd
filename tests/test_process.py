import subprocess
import sys

import pytest


def test_denormal_numbers_become_zero():
    code = "import torch, project.runtime as r; r.prepare_process(); print((torch.tensor([1e-39]) * 1).item())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0.0\n"


FREED = """
import resource, sys
from project.process import prepare_memory
prepare_memory()
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
