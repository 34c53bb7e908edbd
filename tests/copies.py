"""Copies of this tree in which a test deletes or edits what an owner would."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def tree_without(folder: Path, rooms: list[str]) -> Path:
    """Copy this tree into a repository of its own, without `rooms` and their tests."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    for name in filter(lambda name: (ROOT / name).is_file(), listed.stdout.splitlines()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    for path in (folder / "pyproject.toml", *(folder / "requirements").glob("*.txt")):
        os.utime(path, (0, 0))  # older than the environment, or make would install this copy into it
    for room in rooms:
        shutil.rmtree(folder / "project" / room)
        shutil.rmtree(folder / "tests" / room, ignore_errors=True)
    own = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for words in (["init", "-q"], ["add", "-A"], [*own, "commit", "-qm", "A copy"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def reader_environment(tree: Path) -> dict[str, str]:
    """Return what a reader's shell has: no settings of the run of tests around it, and this tree's code first."""
    ours = ("WANDB", "PYTEST", "SENTIMENT", "MAKE", "MFLAGS", "ARGS")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    scripts = Path(sys.prefix) / "bin"
    return env | {"PYTHONPATH": str(tree), "PATH": f"{scripts}{os.pathsep}{env['PATH']}", "WANDB_MODE": "disabled"}


# an editable installation of this tree would lend the copy what it lacks
ALONE_SITE = """
import sys

sys.meta_path[:] = [finder for finder in sys.meta_path if "Editable" not in getattr(finder, "__name__", "")]
"""


def run(tree: Path, *command: str) -> str:
    """Run a command in a copy that sees nothing of this tree; return what it printed."""
    site = tree.parent / f"{tree.name}-site"
    site.mkdir(exist_ok=True)
    (site / "sitecustomize.py").write_text(ALONE_SITE)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))}
    environment |= {"PYTHONPATH": f"{site}{os.pathsep}{tree}", "WANDB_MODE": "disabled"}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}"
    return done.stdout
