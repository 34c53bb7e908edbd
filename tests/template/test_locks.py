"""Lock files without what only rooms that go need."""

import re

import pytest

from template.locks import locks, needs
from template.rooms import gone, pyproject
from tests.template.conftest import ROOT

PATHS = [*ROOT.glob("requirements/*.txt"), ROOT / "pyproject.toml", *ROOT.glob("project/**/__init__.py")]
BEFORE = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in PATHS}


def without(*rooms: str) -> dict[str, str]:
    text = pyproject(BEFORE["pyproject.toml"], gone(set(rooms), BEFORE))
    return locks({"pyproject.toml": text}, BEFORE)


def test_nothing_changes_if_all_stay():
    found = without()
    assert [path for path in found if found[path] != BEFORE[path]] == []


@pytest.mark.parametrize(
    ("rooms", "file", "package"),
    [
        (["teach"], "dev", "transformers"),
        (["report"], "main", "matplotlib"),
        (["export", "serve"], "main", "onnx"),
        (["serve"], "main", "starlette"),
        (["tensorboard"], "dev", "tensorboard"),
    ],
)
def test_a_package_that_one_room_needs_goes_with_it(rooms, file, package):
    path = f"requirements/{file}.txt"
    assert f"\n{package}==" in BEFORE[path]
    assert f"\n{package}==" not in without(*rooms)[path]


def test_a_package_that_others_need_stays():
    assert "\njinja2==" in without("report")["requirements/main.txt"]  # torch needs it


def test_a_package_of_the_main_file_moves_to_the_files_that_still_need_it():
    assert "\npillow==" in BEFORE["requirements/main.txt"]
    assert "\npillow==" in without("report")["requirements/tensorboard.txt"]


def test_each_locked_package_is_in_the_file_of_needs():
    """Fails after `make lock` until `.venv/bin/python -m template.locks` has run."""
    names = {name for text in BEFORE.values() for name in re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)}
    assert names - needs().keys() - {"setuptools", "uv"} == set()
