import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from project.atomic import atomic_write, cached_folder, code_digest, is_intact, scratch_beside, write_json


def test_json_is_written(tmp_path):
    write_json(tmp_path / "results.json", {"test/accuracy": 0.5})
    assert json.loads((tmp_path / "results.json").read_text()) == {"test/accuracy": 0.5}


def test_failed_write_keeps_the_old_file_and_leaves_no_scratch(tmp_path):
    path = tmp_path / "results.json"
    path.write_text("old")
    with pytest.raises(TypeError), atomic_write(path) as scratch:
        scratch.write_text(None)  # type: ignore[arg-type] # opens the scratch file, then fails
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("results.json", "old")]


def test_what_the_disk_could_not_keep_does_not_replace_the_old_file(tmp_path, monkeypatch):
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "results.json"
    path.write_text("old")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_json(path, {})
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("results.json", "old")]


def test_a_link_is_followed_and_stays(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    with atomic_write(tmp_path / "link.txt") as scratch:
        scratch.write_text("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_a_file_has_the_rights_that_any_new_file_has(tmp_path):
    (tmp_path / "plain").write_text("")
    write_json(tmp_path / "written.json", {})
    assert (tmp_path / "written.json").stat().st_mode == (tmp_path / "plain").stat().st_mode


# writes part of a file and of a folder, then waits to be killed
HALF = """
import sys, time
from pathlib import Path
from project.atomic import atomic_write, cached_folder

def build(scratch):
    (scratch / "half").write_text("half")
    with atomic_write(Path("file")) as path:
        path.write_text("half")
        print("ready", flush=True)
        time.sleep(60)

cached_folder(Path("folder"), build)
"""


@pytest.fixture
def half(tmp_path):
    """A process in the middle of writing a file and a folder in `tmp_path`."""
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen([sys.executable, "-c", HALF], cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    with process:
        yield process
        process.kill()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_a_killed_process_left_goes_with_the_next_write(half, tmp_path):
    half.kill()
    half.wait()
    assert len(names(tmp_path)) == 2
    write_json(tmp_path / "other.json", {})
    assert names(tmp_path) == ["other.json"]


def test_what_a_living_process_writes_stays(half, tmp_path):
    before = names(tmp_path)
    write_json(tmp_path / "other.json", {})
    assert names(tmp_path) == [*before, "other.json"]


def test_where_there_are_no_locks_leftovers_stay(tmp_path, monkeypatch):
    def no_locks(*_: object) -> None:
        raise OSError("no locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    (tmp_path / ".old.json.1-0.unfinished").write_text("half")
    write_json(tmp_path / "new.json", {})
    assert names(tmp_path) == [".old.json.1-0.unfinished", "new.json"]


def test_a_scratch_folder_goes_also_after_an_error(tmp_path):
    with pytest.raises(TypeError), scratch_beside(tmp_path / "made", folder=True) as scratch:
        (scratch / "half").write_text(None)  # type: ignore[arg-type]
    assert names(tmp_path) == []


def built(folder: Path, content: bytes = b"content") -> Path:
    """A cached folder `folder`/cached of two files."""

    def build(scratch: Path) -> None:
        (scratch / "one").write_bytes(content)
        (scratch / "two").write_bytes(b"2" * 9)

    cached_folder(folder / "cached", build)
    return folder / "cached"


def test_a_cached_folder_is_built_once(tmp_path):
    built(tmp_path, b"first")
    assert (built(tmp_path, b"second") / "one").read_bytes() == b"first"


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["one", "two", "digests.json"]), st.integers(0, 10**6), st.integers(0, 7))
def test_a_flipped_bit_is_found_and_the_folder_built_again(tmp_path, capfd, name, place, bit):
    folder = built(tmp_path)
    damaged = bytearray((folder / name).read_bytes())
    damaged[place % len(damaged)] ^= 1 << bit
    (folder / name).write_bytes(damaged)
    assert (built(tmp_path) / "one").read_bytes() == b"content"
    assert is_intact(folder)


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
def test_a_missing_or_emptied_file_is_found(tmp_path, capsys, damage):
    damage(built(tmp_path) / "two")
    assert (built(tmp_path) / "two").read_bytes() == b"2" * 9
    assert "cached is damaged: it is rebuilt" in capsys.readouterr().err


def digest_of(folder: Path, code: str) -> str:
    (folder / "module.py").write_text(code)
    return code_digest([folder / "module.py"])


CODE = 'def f(x):\n    """Double."""\n    return 2 * x\n'


@pytest.mark.parametrize("same", [CODE.replace("Double", "Twice"), CODE.replace('    """Double."""\n', "# none\n\n")])
def test_digest_ignores_docstrings_comments_and_layout(tmp_path, same):
    assert digest_of(tmp_path, same) == digest_of(tmp_path, CODE)


@pytest.mark.parametrize("other", [CODE.replace("2", "3"), CODE.replace("*", "+"), CODE.replace("x", "y")])
def test_digest_follows_what_the_code_does(tmp_path, other):
    assert digest_of(tmp_path, other) != digest_of(tmp_path, CODE)
