"""Scratch folders: unique, removed at the end, and by the next process if their own was killed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from project.export.scratch import scratch_folder

HOLD = """
import os, signal, sys
from pathlib import Path
from project.export.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1]), ".making-") as folder:
    print(folder.name, flush=True)
    signal.pause()
"""
ROOT = Path(__file__).parents[2]


def test_a_folder_is_removed_at_the_end(tmp_path):
    with scratch_folder(tmp_path, ".making-") as folder:
        (folder / "file").write_text("content")
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_removed_after_an_error(tmp_path):
    with pytest.raises(ValueError, match="broken"), scratch_folder(tmp_path, ".making-"):
        raise ValueError("broken")
    assert list(tmp_path.iterdir()) == []


def test_what_was_moved_out_stays(tmp_path):
    with scratch_folder(tmp_path, ".making-") as folder:
        (folder / "made").mkdir()
        (folder / "made").rename(tmp_path / "made")
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_folder_stays_while_its_process_lives_and_goes_when_that_was_killed(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        with scratch_folder(tmp_path, ".making-"):
            assert (tmp_path / name).is_dir()
        process.kill()
    assert (tmp_path / name).is_dir()
    with scratch_folder(tmp_path, ".making-") as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_what_only_looks_like_a_leftover_stays(tmp_path):
    (tmp_path / "papers").mkdir()
    (tmp_path / ".making-abcdefgh").symlink_to("papers")
    (tmp_path / ".making-filefile").write_text("mine")
    (tmp_path / ".making-of").mkdir()
    with scratch_folder(tmp_path, ".making-"):
        pass
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        ".making-abcdefgh",
        ".making-filefile",
        ".making-of",
        "papers",
    ]


def test_a_new_folder_that_another_process_takes_for_a_leftover_is_made_again(tmp_path, monkeypatch):
    first = tmp_path / ".making-firstone"
    made = iter([first, tmp_path / ".making-secondly"])

    def mkdtemp(**_: object) -> str:
        path = next(made)
        path.mkdir()
        return str(path)

    def slow_lock(folder: int, how: int) -> None:
        if first.is_dir():
            shutil.rmtree(first)

    monkeypatch.setattr("tempfile.mkdtemp", mkdtemp)
    monkeypatch.setattr("fcntl.flock", slow_lock)
    with scratch_folder(tmp_path, ".making-") as folder:
        assert folder.name == ".making-secondly"
        assert folder.is_dir()


def test_where_there_are_no_locks_leftovers_stay(tmp_path, monkeypatch):
    def no_locks(*_: object) -> None:
        raise OSError("no locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    (tmp_path / ".making-abcdefgh").mkdir()
    with scratch_folder(tmp_path, ".making-") as folder:
        assert folder.is_dir()
    assert [path.name for path in tmp_path.iterdir()] == [".making-abcdefgh"]


def test_no_file_descriptor_is_left_open(tmp_path):
    before = len(list(Path("/proc/self/fd").iterdir()))
    (tmp_path / ".making-abcdefgh").mkdir()
    with scratch_folder(tmp_path, ".making-"):
        pass
    assert len(list(Path("/proc/self/fd").iterdir())) == before
