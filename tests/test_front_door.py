"""Makefile and pyproject.toml: what a fresh clone meets first."""

import os
import re
import subprocess
import sys
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


def installs(script: str) -> list[set[str]]:
    """Return the words of each line of a script that calls pip, with short names of options."""
    quiet = {"--quiet", "--disable-pip-version-check"}
    short = script.replace("--requirement", "-r").replace("--editable", "-e")
    return [set(line.split()) - quiet for line in short.splitlines() if " pip install " in line]


def test_without_make_the_same_is_installed():
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    written = page.partition("## Without make")[2].partition("### Windows")[0]
    planned = make("--dry-run", "--always-make", f"PYTHON={sys.executable}", "setup").stdout.replace("\\\n", "")
    without_cuda, found = re.subn(r"\$\(grep .* requirements/cuda\.txt\)", "", planned)
    only_wheels = {"--only-binary", ":all:"}  # for this repository itself there is nothing to choose
    assert found == 1
    assert [each | only_wheels for each in installs(written)] == installs(without_cuda)


@pytest.fixture
def ready(tmp_path) -> Path:
    """A repository with a version that nothing keeps from being released."""
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    (tmp_path / "pyproject.toml").write_text('version = "1.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text("## 1.2.0 - 2026-11-27\n")
    commit(tmp_path)
    return tmp_path


def commit(tree: Path) -> None:
    own = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for words in (["init", "-q"], ["add", "-A"], [*own, "commit", "-qm", "Ready"]):
        subprocess.run(["git", *words], cwd=tree, check=True)


def release(tree: Path) -> subprocess.CompletedProcess[str]:
    """Run `make release` where nothing is installed, so that `make lint` fails."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stamps = [f"--assume-old=.venv/.{name}-{version}" for name in ("main", "dev", "release")]
    command = ["make", "--no-print-directory", f"PYTHON={sys.executable}", *stamps, "release"]
    outer = ("MAKE", "MFLAGS", "ARGS")  # of the make that this test is part of
    env = {name: value for name, value in os.environ.items() if not name.startswith(outer)}
    return subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True)


def test_a_release_that_fails_its_checks_is_not_tagged(ready):
    done = release(ready)
    assert done.returncode == 2
    assert "needed by 'lint'" in done.stderr
    assert subprocess.check_output(["git", "tag"], cwd=ready) == b""


def test_a_release_needs_a_clean_tree(ready):
    (ready / "new.txt").touch()
    assert "error: files differ from the last commit: commit them, or remove them\n" in release(ready).stderr


def test_a_release_needs_its_section_of_the_changelog(ready):
    (ready / "pyproject.toml").write_text('version = "1.3.0"\n')
    commit(ready)
    assert "error: CHANGELOG.md says nothing of 1.3.0: give it a section 1.3.0 - DATE\n" in release(ready).stderr


def test_a_release_is_tagged_once(ready):
    subprocess.run(["git", "tag", "v1.2.0"], cwd=ready, check=True)
    assert "error: v1.2.0 is tagged already: raise the version in pyproject.toml\n" in release(ready).stderr


def test_every_dependency_has_its_reason():
    lines = (
        (ROOT / "pyproject.toml").read_text().split("dependencies = [")[1].split("[project.scripts]")[0].splitlines()
    )
    assert [line for line in lines if line.startswith('    "') and "# " not in line] == []
