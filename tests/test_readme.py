"""README.md: its commands run in a fresh clone, one after the other, as a reader would type them."""

import os
import re
import subprocess

import pytest

from tests.markdown import ROOT, blocks, prose

README = ROOT / "README.md"


def test_it_is_read_in_a_few_minutes():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 180


def test_files_it_names_exist():
    names = re.findall(r"`((?:project|configs|tests|requirements|docs)/[\w./-]+)`", prose(README))
    assert [name for name in names if not (ROOT / name).exists()] == []


@pytest.mark.slow
def test_every_command_runs_in_a_fresh_clone(tmp_path):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    ours = ("WANDB", "PYTEST", "SENTIMENT", "MAKE", "MFLAGS", "ARGS")  # of the run that this test is part of
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    env |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": f"{clone}/.venv/bin:{os.environ['PATH']}"}
    env["PYTEST_ADDOPTS"] = "-k front_door -n 0"  # all others run around this one
    for language, block, _ in blocks(README, "sh", "python"):
        shell = ["bash", "-e", "-c"] if language == "sh" else [".venv/bin/python", "-c"]
        done = subprocess.run([*shell, block], cwd=clone, env=env, capture_output=True, text=True)
        assert done.returncode == 0, f"{block}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
