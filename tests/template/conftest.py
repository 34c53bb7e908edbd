"""A tree as small as `make init` can work on: what it reads itself, and the first file of every room."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = (
    "template/*",
    "requirements/*",
    "project/__init__.py",
    "project/errors.py",
    "project/*/__init__.py",
    "project/addons/*/__init__.py",
    "tests/__init__.py",
    "tests/markdown.py",
    "docs/log.md",
    "docs/results.md",
    "docs/serving.md",
    ".gitignore",
    "LICENSE",
    "Makefile",
    "README.md",
    "pyproject.toml",
)


def git(tree: Path, *words: str) -> str:
    own = ["-c", "user.name=A. Nonymous", "-c", "user.email=a@localhost"]
    done = subprocess.run(["git", *own, *words], cwd=tree, capture_output=True, text=True, check=True)
    return done.stdout


def contents(tree: Path) -> dict[str, bytes]:
    """All files of a tree but git's own."""
    found = {path.relative_to(tree).as_posix(): path for path in tree.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith(".git/")}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The small tree, unpacked, without git."""
    tree = tmp_path / "tree"
    for path in {path for part in PARTS for path in ROOT.glob(part) if path.is_file()}:
        (tree / path.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, tree / path.relative_to(ROOT))
    return tree


@pytest.fixture
def tree(archive: Path) -> Path:
    """The small tree as a repository of one commit."""
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "A template"]):
        git(archive, *words)
    return archive


@pytest.fixture
def init() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python -m template` in a tree, as on a machine without a terminal and without a configured git."""

    def run(tree: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GIT_"))}
        env |= {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "PYTHONDONTWRITEBYTECODE": "1",
            "GIT_CEILING_DIRECTORIES": str(tree.parent),
        }
        command = [sys.executable, "-m", "template", *words]
        return subprocess.run(
            command, cwd=tree, env=env | variables, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )

    return run
