"""Rooms can be deleted: a copy of this tree without some of them passes what is left, nothing else edited."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import SMALL

ROOT = Path(__file__).parents[1]
ADDONS = sorted(f"addons/{path.parent.name}" for path in (ROOT / "project" / "addons").glob("*/__init__.py"))
APPLICATIONS = [room for room in ("export", "serve") if (ROOT / "project" / room).is_dir()]
ALONE = [[room] for room in [*ADDONS, *APPLICATIONS[1:]]] + ([APPLICATIONS] if APPLICATIONS else [])

pytestmark = pytest.mark.slow


def tree_without(folder: Path, rooms: list[str]) -> Path:
    """Copy this tree into a repository of its own, without `rooms` and their tests."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    for name in filter(lambda name: (ROOT / name).is_file(), listed.stdout.splitlines()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    for room in rooms:
        shutil.rmtree(folder / "project" / room)
        shutil.rmtree(folder / "tests" / room, ignore_errors=True)
    own = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for words in (["init", "-q"], ["add", "-A"], [*own, "commit", "-qm", "A copy"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


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


def make(tree: Path, *words: str) -> None:
    """Run make with the packages that are installed already."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    markers = [f"--assume-old=.venv/.{name}-{version}" for name in ("main", "dev")]
    run(tree, "make", *markers, *words)


def test_without_export_serve_and_all_add_ons(tmp_path):
    tree = tree_without(tmp_path, [*APPLICATIONS, "addons"])
    run(tree, sys.executable, "-m", "pytest", "-q", "-n0")
    if (ROOT / ".mypy_cache").is_dir():  # what is gone, and what depends on it, is checked again
        shutil.copytree(ROOT / ".mypy_cache", tree / ".mypy_cache")
    make(tree, "lint")
    make(tree, "train", "CONFIG=configs/debug.yaml", "ARGS=--trainer.enable_progress_bar=false")


EVERYTHING = """
import pkgutil, sys
from importlib import import_module

import pytest

import project
from project.__main__ import main

for module in pkgutil.walk_packages(project.__path__, "project."):
    if not module.name.endswith("__main__"):
        try:
            import_module(module.name)
        except ModuleNotFoundError as error:
            if error.name != "triton":  # comes with torch's CUDA builds
                raise
assert project.__path__[0].startswith(sys.argv[1]), project.__path__
# What is imported already cannot be rewritten, which nothing here needs.
unwritten = "ignore::pytest.PytestAssertRewriteWarning"
assert pytest.main(["--collect-only", "-q", "-n0", "-p", "no:cacheprovider", "-W", unwritten]) == 0
sys.argv = ["sentiment", "fit", *sys.argv[2:]]
sys.exit(main())
"""


@pytest.mark.parametrize("rooms", ALONE, ids="+".join)
def test_without_a_room_everything_is_imported_collected_and_trained(tmp_path, toy, rooms):
    tree = tree_without(tmp_path, rooms)
    run(tree, sys.executable, "-W", "ignore", "-c", EVERYTHING, str(tree), f"--data.corpus={toy}", *SMALL)
    run(tree, str(Path(sys.executable).with_name("lint-imports")))
    run(tree, str(Path(sys.executable).with_name("ruff")), "check", ".")


def test_with_torchs_modules_instead_of_packed_rnn(tmp_path):
    tree = tree_without(tmp_path, ["packed_rnn"])
    encoder = tree / "project" / "encoder.py"
    line = "from project.packed_rnn import GRU, LSTM, RNN"
    assert line in encoder.read_text()
    encoder.write_text(encoder.read_text().replace(line, "from torch.nn import GRU, LSTM, RNN"))
    run(tree, sys.executable, "-m", "pytest", "-q", "-n0")
