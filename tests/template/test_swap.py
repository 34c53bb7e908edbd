"""Files are exchanged all or not at all, whatever interrupts it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from template import swap
from tests.template.conftest import contents

OLD = {
    "Makefile": b"old",
    "a/changed.txt": b"old",
    "a/gone.txt": b"old",
    "template/__init__.py": b"old",
    "tests/template/test.py": b"old",
}
NEW = {"Makefile": b"new", "a/changed.txt": b"new", "b/new.txt": b"new"}
USERS = {"a/mine.txt": b"mine"}
CALLS = ("put", "without_empty_folders")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for path, content in {**OLD, **USERS}.items():
        swap.write(tmp_path / path, content)
    swap.prepare(tmp_path, OLD, NEW, {})
    swap.decide(tmp_path, {})
    return tmp_path


def stop_at(monkeypatch: pytest.MonkeyPatch, count: int, error: type[BaseException]) -> None:
    """Raise an error instead of the step with this number, and at that one alone."""
    steps = iter(range(1000))

    def counted(step: Callable[..., None]) -> Callable[..., None]:
        def run(*words: object) -> None:
            if next(steps) == count:
                raise error
            step(*words)

        return run

    for name in CALLS:
        monkeypatch.setattr(swap, name, counted(getattr(swap, name)))


def test_all_files_are_exchanged(tree):
    swap.exchange(tree)
    swap.forget(tree)
    assert contents(tree) == NEW | USERS


def test_folders_that_hold_nothing_any_more_go(tree):
    swap.exchange(tree)
    assert not (tree / "tests").exists()


@pytest.mark.parametrize("count", range(4))
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_step_that_fails_leaves_everything_as_it_was(tree, monkeypatch, count, error):
    stop_at(monkeypatch, count, error)
    with pytest.raises(error):
        swap.exchange(tree)
    assert contents(tree) == OLD | USERS


@pytest.mark.parametrize("count", range(4))
def test_a_run_that_is_killed_is_finished_by_the_next(tree, monkeypatch, count):
    with monkeypatch.context() as patch:
        stop_at(patch, count, SystemExit)
        patch.setattr(swap, "back", lambda root: None)  # which a killed run does not reach
        with pytest.raises(SystemExit):
            swap.exchange(tree)
    assert swap.plan(tree)
    swap.exchange(tree)
    swap.forget(tree)
    assert contents(tree) == NEW | USERS


@pytest.mark.parametrize("count", range(4))
def test_a_rollback_that_is_killed_is_finished_by_the_next_run(tree, monkeypatch, count):
    with monkeypatch.context() as patch:
        stop_at(patch, 3, OSError)
        patch.setattr(swap, "back", lambda root: None)
        with pytest.raises(OSError, match=r"^$"):
            swap.exchange(tree)
    with monkeypatch.context() as patch:
        stop_at(patch, count, SystemExit)
        with pytest.raises(SystemExit):
            swap.back(tree)
    assert swap.plan(tree) is None
    assert contents(tree) == OLD | USERS


def test_the_folder_of_the_command_and_the_makefile_come_last(tree, monkeypatch):
    stop_at(monkeypatch, 3, SystemExit)
    monkeypatch.setattr(swap, "back", lambda root: None)
    with pytest.raises(SystemExit):
        swap.exchange(tree)
    assert (tree / "Makefile").read_bytes() == b"old"
    assert (tree / ".init" / "template" / "__init__.py").is_file()  # where the Makefile finds it too


def test_what_was_prepared_only_is_nothing_to_go_on_with(tmp_path):
    swap.write(tmp_path / "Makefile", b"old")
    swap.prepare(tmp_path, ["Makefile"], NEW, {})
    assert swap.plan(tmp_path) is None
