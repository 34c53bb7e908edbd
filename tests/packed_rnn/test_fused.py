import os
import subprocess
import sys
from pathlib import Path

import pytest

TRITON = "triton==3.9.0"  # also seen to agree: 3.6.0


@pytest.mark.slow
def test_kernels_agree_with_torch_where_triton_interprets_them(tmp_path, package):
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path), TRITON]
    subprocess.run([sys.executable, *install], check=True)
    environment = os.environ | {"TRITON_INTERPRET": "1", "PACKED_RNN_PACKAGE": package}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    tests = Path(__file__).with_name("interpreted_kernels.py")
    options = ["-q", "-n0", "-p", "no:cacheprovider", "-W", "ignore:TRITON_DEFAULT_FP_FUSION"]
    command = [sys.executable, "-m", "pytest", *options, str(tests)]
    done = subprocess.run(command, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
