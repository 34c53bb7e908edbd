"""Makefile and lock files: what a fresh clone meets first."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def make(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "--no-print-directory", *words], cwd=ROOT, capture_output=True, text=True)


def test_make_alone_lists_every_target():
    listed = set(re.findall(r"^  make ([\w-]+)", make().stdout, re.MULTILINE))
    (phony,) = re.findall(r"^\.PHONY: ((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert listed == set(phony.replace("\\\n", " ").split()) - {"check-python"}


@pytest.mark.parametrize(
    ("version", "message"), [("3.10", "is Python 3.10"), ("3.14", "is Python 3.14"), ("", "does not run")]
)
def test_python_that_does_not_fit_is_named(tmp_path, version, message):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho {version}\n" if version else "#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    done = make("setup", f"PYTHON={python}")
    assert done.returncode == 2
    assert message in done.stderr
    assert "make PYTHON=" in done.stderr


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_lock_pins_exact_versions_without_sources_or_cuda(lock):
    lines = [line for line in lock.read_text().splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if not re.match(r"[a-z0-9-]+==[0-9][0-9a-z.]*( ; .+)?$", line)] == []
    assert [line for line in lines if re.match(r"nvidia|cuda|triton", line)] == []
    assert ("torch==2.13.0" in lines) == (lock.stem != "serve")


def test_lock_keeps_clear_of_the_bad_releases():
    (line,) = [line for line in LOCKS[1].read_text().splitlines() if line.startswith("lightning==")]
    assert tuple(map(int, line.split("==")[1].split("."))) >= (2, 6, 4)


def test_every_dependency_has_its_reason():
    lines = (
        (ROOT / "pyproject.toml").read_text().split("dependencies = [")[1].split("[project.scripts]")[0].splitlines()
    )
    assert [line for line in lines if line.startswith('    "') and "# " not in line] == []
