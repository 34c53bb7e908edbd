"""Makefile and pyproject.toml: what a fresh clone meets first."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


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


def test_every_dependency_has_its_reason():
    lines = (
        (ROOT / "pyproject.toml").read_text().split("dependencies = [")[1].split("[project.scripts]")[0].splitlines()
    )
    assert [line for line in lines if line.startswith('    "') and "# " not in line] == []
