import subprocess
import sys


def test_denormal_numbers_become_zero():
    code = "import torch, project.runtime as r; r.prepare_process(); print((torch.tensor([1e-39]) * 1).item())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0.0\n"
