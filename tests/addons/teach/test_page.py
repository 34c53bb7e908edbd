"""docs/teaching.md: its commands run one after the other and print what the page says."""

import os
import re
import subprocess
import sys

import pytest

from tests.markdown import ROOT, blocks

NUMBER = re.compile(r"\d+\.\d+")


@pytest.mark.slow
def test_the_commands_of_the_page_print_what_it_says(tmp_path):
    (tmp_path / ".venv").symlink_to(sys.prefix)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for _, block, expected in blocks(ROOT / "docs" / "teaching.md", "sh"):
        shell = ["bash", "-e", "-o", "pipefail", "-c", block]
        done = subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{block}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        assert NUMBER.sub("", done.stdout).split() == NUMBER.sub("", expected).split()
        assert [*map(float, NUMBER.findall(done.stdout))] == pytest.approx(
            [*map(float, NUMBER.findall(expected))], abs=0.1
        )
