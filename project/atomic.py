"""Files and folders that appear complete or not at all and survive a power cut; digests of code."""

import ast
import errno
import hashlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from project.errors import UserError

if sys.platform != "win32":
    import fcntl

DIGESTS = "digests.json"


@contextmanager
def scratch_beside(path: Path, folder: bool = False) -> Iterator[Path]:
    """Yield an empty scratch file (or folder) next to `path`; remove those that killed processes have left there."""
    remove_left_overs(path.parent)
    scratch = path.with_name(f".{path.name}.{os.getpid()}-{secrets.randbelow(10**12)}.unfinished")
    scratch.mkdir() if folder else scratch.touch()
    with ExitStack() as stack:
        with suppress(OSError):
            stack.enter_context(locked(scratch))
        stack.callback(_delete, scratch)
        yield scratch


def remove_left_overs(folder: Path) -> None:
    """Remove the scratch files of killed processes.

    A lock marks those of running processes, even in other containers; if there are no locks, all stay.
    """
    for old in folder.glob(".*.[0-9]*-[0-9]*.unfinished"):
        with suppress(OSError), locked(old):
            _delete(old)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file or folder.

    Raises:
        BlockingIOError: Another process holds it.
        OSError: Locks are not supported here.
    """
    if sys.platform == "win32":
        raise OSError("no locks")
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[name-defined, unused-ignore] # on Windows
        yield
    finally:
        os.close(handle)


def _delete(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a scratch file; it replaces `path`, or what that links to, if the block raises no error."""
    path = path.resolve()
    with scratch_beside(path) as scratch:
        yield scratch
        _sync(scratch)
        scratch.replace(path)
        _sync(path.parent)


def write_json(path: Path, content: Any) -> None:
    """Write `content` to `path` as readable JSON."""
    with atomic_write(path) as scratch:
        scratch.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def cached_folder(folder: Path, build: Callable[[Path], None]) -> None:
    """Let `build` fill a folder that is missing or damaged; if another process was faster, its folder stays.

    Raises:
        UserError: The folder cannot be written.
    """
    if is_intact(folder):
        return
    try:
        if folder.is_dir():
            print(f"{folder} is damaged: it is rebuilt", file=sys.stderr)
            shutil.rmtree(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with scratch_beside(folder, folder=True) as scratch:
            build(scratch)
            digests = {path.name: sha256_of(path) for path in scratch.iterdir()}
            (scratch / DIGESTS).write_text(json.dumps(digests), encoding="utf-8")
            for path in scratch.rglob("*"):
                _sync(path)
            scratch.rename(folder)
            _sync(folder.parent)
    except OSError as error:
        if not is_intact(folder):  # no other process was faster
            raise UserError(f"cannot write {folder}: {error.strerror or error}; make room or choose another") from error


def is_intact(folder: Path) -> bool:
    """Return whether a folder of `cached_folder` holds what was written there, bit for bit."""
    try:
        expected = json.loads((folder / DIGESTS).read_text(encoding="utf-8"))
        return bool(expected == {name: sha256_of(folder / name) for name in expected})
    except (OSError, ValueError, TypeError):
        return False


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits, reading it in chunks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if path.is_dir() and os.name == "nt":  # Windows cannot open folders
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:  # some file systems cannot; the rename is still atomic
        if error.errno in (errno.EIO, errno.ENOSPC, errno.EDQUOT):  # what was written is lost
            raise
    finally:
        os.close(handle)


def code_digest(paths: Iterable[Path]) -> str:
    """Return a digest of what Python files do: comments, docstrings and layout do not count."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(repr(_plain(ast.parse(path.read_bytes()))).encode())
    return digest.hexdigest()[:32]


def _plain(node: Any) -> Any:
    """Return a syntax tree as nested lists; fields that only newer Pythons have are empty, and left out."""
    if not isinstance(node, ast.AST):
        return [_plain(each) for each in node] if isinstance(node, list) else node
    fields = dict(ast.iter_fields(node))
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
        fields["body"] = node.body[1:]
    return [type(node).__name__, *((name, _plain(value)) for name, value in fields.items() if value not in (None, []))]
