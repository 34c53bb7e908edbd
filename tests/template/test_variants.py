"""Repositories that `make init` makes: each passes its tests, its lint and a fit, and has no word of this one left.

They share this environment, which has the packages of all rooms.
"""

import ast
import datetime
import io
import os
import random
import shutil
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from template.rooms import left_out, rooms_of
from tests.copies import run, tree_without
from tests.template.words import of_the_template

ROOT = Path(__file__).parents[2]
ROOMS = rooms_of(path.relative_to(ROOT).as_posix() for path in ROOT.glob("project/**/__init__.py"))


def drawn(seed: int) -> str:
    """Some rooms, by a seed."""
    dice = random.Random(seed)
    rooms = {room for room in ROOMS if dice.random() < 0.5}
    return " ".join(sorted(rooms | {"export"} if "serve" in rooms else rooms)) or "none"


year, week, _ = datetime.date.today().isocalendar()
SEED = int(os.environ.get("VARIANTS_SEED", 100 * year + week))
KEEP = [
    pytest.param("none", marks=pytest.mark.slow, id="core"),
    pytest.param("export serve", marks=pytest.mark.slow, id="core, export, serve"),
    pytest.param(" ".join(ROOMS), marks=pytest.mark.weekly, id="all"),
    pytest.param(drawn(SEED), marks=pytest.mark.weekly, id=f"seed {SEED}"),
    pytest.param(drawn(SEED + 1), marks=pytest.mark.weekly, id=f"seed {SEED + 1}"),
]


@pytest.fixture(scope="module", params=KEEP)
def keep(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def variant(keep: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What `make init` makes of a copy of this tree, and what an installation would add for importlib.metadata."""
    tree = tree_without(tmp_path_factory.mktemp("variant") / "tree", [])
    run(tree, "make", f"PYTHON={sys.executable}", "init", "NAME=acme_reviews", "COMMAND=acme", f"KEEP={keep}")
    run(tree, sys.executable, "setup.py", "-q", "egg_info")
    if (ROOT / ".mypy_cache").is_dir():  # what others' packages are is known from it
        shutil.copytree(ROOT / ".mypy_cache", tree / ".mypy_cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACME_REVIEWS_CACHE", os.environ["SENTIMENT_CACHE"])
        yield tree


def make(tree: Path, *words: str) -> None:
    """Run make with the packages that are installed already."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    markers = [f"--assume-old=.venv/.{name}-{version}" for name in ("main", "dev")]
    run(tree, "make", *markers, *words)


def test_its_tests_pass(variant):
    run(variant, sys.executable, "-m", "pytest", "-q", "-n0")


def test_its_lint_passes(variant):
    make(variant, "lint")


def test_it_trains(variant):
    make(variant, "train", "CONFIG=configs/debug.yaml", "ARGS=--trainer.enable_progress_bar=false")


def test_it_has_no_word_of_the_template(variant):
    names = run(variant, "git", "ls-files").splitlines()
    paths = [variant / name for name in names if (variant / name).is_file()]
    assert [found for path in paths for found in of_the_template(path.name, path.read_text(errors="replace"))] == []


def test_it_has_the_rooms_that_were_kept(variant, keep):
    paths = (path.relative_to(variant).as_posix() for path in variant.glob("acme_reviews/**/__init__.py"))
    found = rooms_of(path.replace("acme_reviews", "project", 1) for path in paths)
    assert ROOMS.keys() - found.keys() == left_out(keep, None, ROOMS)


def code_lines(path: Path) -> int:
    """Lines that hold code: no blanks, comments or docstrings."""
    source = path.read_text(encoding="utf-8")
    layout = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in layout:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            lines -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(lines)


def test_core_and_libraries_are_small(variant, keep):
    """Whoever changes a repository has to understand this much of it before deleting any more."""
    folder = variant / "acme_reviews"
    parts = [*folder.glob("*.py"), *folder.glob("ingest/**/*.py"), *folder.glob("packed_rnn/*.py")]
    assert sum(map(code_lines, parts)) <= 3_700
