"""Rooms can be deleted: a copy of this tree without some of them passes what is left, nothing else edited."""

import sys
from pathlib import Path

import pytest

from tests.conftest import PLAIN
from tests.copies import run, tree_without

ROOT = Path(__file__).parents[1]
ADDONS = sorted(f"addons/{path.parent.name}" for path in (ROOT / "project" / "addons").glob("*/__init__.py"))
APPLICATIONS = [room for room in ("export", "serve") if (ROOT / "project" / room).is_dir()]
ALONE = [[room] for room in [*ADDONS, *APPLICATIONS[1:]]] + ([APPLICATIONS] if APPLICATIONS else [])

pytestmark = pytest.mark.slow


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
    run(tree, sys.executable, "-W", "ignore", "-c", EVERYTHING, str(tree), f"--data.corpus={toy}", *PLAIN)
    run(tree, str(Path(sys.executable).with_name("lint-imports")))
    run(tree, str(Path(sys.executable).with_name("ruff")), "check", ".")


def test_with_torchs_modules_instead_of_packed_rnn(tmp_path):
    tree = tree_without(tmp_path, ["packed_rnn"])
    encoder = tree / "project" / "encoder.py"
    line = "from project.packed_rnn import GRU, LSTM, RNN"
    assert line in encoder.read_text()
    encoder.write_text(encoder.read_text().replace(line, "from torch.nn import GRU, LSTM, RNN"))
    nearest = [*map(str, sorted((tree / "tests").glob("test_*.py"))), *(["tests/export"] if APPLICATIONS else [])]
    run(tree, sys.executable, "-m", "pytest", "-q", "-n0", *nearest)
