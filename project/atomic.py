"""Files that appear whole or not at all."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from project.errors import UserError


def check_new(path: Path, kind: str) -> None:
    """Check that a file or folder can be made, before hours are spent.

    Args:
        path: Its place.
        kind: What it is, in a word.

    Raises:
        UserError: It is there already, or the folder it is to stand in is not.
    """
    if path.exists():
        raise UserError(f"--output {path} is there already: choose another {kind}, or remove it")
    if not path.absolute().parent.is_dir():
        raise UserError(f"folder {path.parent} does not exist: make it, or choose another --output")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a scratch path beside `path`, which takes its place only where the block ends without an error."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield scratch
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write `content` to `path` in one piece."""
    with written_whole(path) as scratch:
        scratch.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
