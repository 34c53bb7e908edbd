"""Files and folders that appear complete or not at all and survive a power cut; digests of code."""

import ast
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from project.errors import UserError


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a scratch path next to `path`; the file written there replaces `path` if the block raises no error."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield scratch
        _sync(scratch)
        scratch.replace(path)
        _sync(path.parent)
    finally:
        scratch.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write `content` to `path` as readable JSON."""
    with atomic_write(path) as scratch:
        scratch.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def atomic_folder(folder: Path, build: Callable[[Path], None]) -> None:
    """Let `build` fill a scratch folder, then rename it to `folder`; if another process was faster, its folder stays.

    Raises:
        UserError: The folder cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".building-", dir=folder.parent) as scratch:
            built = Path(scratch) / folder.name
            built.mkdir()
            build(built)
            for path in built.rglob("*"):
                _sync(path)
            try:
                built.rename(folder)
            except OSError:
                if not folder.is_dir():
                    raise
                shutil.rmtree(built)
            _sync(folder.parent)
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror or error}; make room or choose another") from error


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if path.is_dir() and os.name == "nt":  # Windows opens no folders
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # some file systems cannot; the rename is still atomic
        pass
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
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, ast.AST):
        return node
    fields = dict(ast.iter_fields(node))
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
        fields["body"] = node.body[1:]
    return [type(node).__name__, *((name, _plain(value)) for name, value in fields.items() if value not in (None, []))]
