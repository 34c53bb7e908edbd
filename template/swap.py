"""All files of a tree are exchanged, or none: an interrupted exchange is finished by the next run.

First everything is written to `.init`: `old`, a copy of the tree, and `new`. Then `plan.json` appears there, and from
then on a run only puts each file of `new` into its place and removes what has none. The folder `template` and the
Makefile come last, so that `make init` is there until nothing is left to do. An error puts back what was changed.
"""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FOLDER, PLAN, UNDO = ".init", "plan.json", "undo.json"
OWN, ENTRY = "template", "Makefile"  # what `make init` runs, and where make finds it


def write(path: Path, content: bytes, mode: int | None = None) -> None:
    """Write a file, in a folder that is made for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if mode is not None:
        path.chmod(mode)


def prepare(root: Path, old: Iterable[str], new: Mapping[str, bytes], modes: Mapping[str, int]) -> Path:
    """Write copies of what is there, and all that is new, beside the tree; return the folder of what is new."""
    folder = root / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    for path in old:
        write(folder / "old" / path, (root / path).read_bytes(), (root / path).stat().st_mode)
    for path, content in new.items():
        write(folder / "new" / path, content, modes.get(path))
    return folder / "new"


def decide(root: Path, facts: Mapping[str, str]) -> None:
    """Write the plan: from here on a run goes on instead of beginning anew."""
    folder = root / FOLDER
    names = {
        part: sorted(
            path.relative_to(folder / part).as_posix() for path in (folder / part).rglob("*") if path.is_file()
        )
        for part in ("old", "new")
    }
    if hasattr(os, "sync"):  # not on Windows
        os.sync()  # a plan is on the disk only after all that it names
    write(folder / f"{PLAN}.part", json.dumps({**names, **facts}).encode())
    (folder / f"{PLAN}.part").replace(folder / PLAN)


def plan(root: Path) -> dict[str, Any] | None:
    """Return the plan of a run that had begun to exchange files, if there was one that did not fail."""
    if (root / FOLDER / UNDO).is_file():
        back(root)
    path = root / FOLDER / PLAN
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def is_own(path: str) -> bool:
    """Return whether a file is moved last."""
    return path == ENTRY or path.startswith(f"{OWN}/")


def without_empty_folders(root: Path, paths: Iterable[str]) -> None:
    """Remove the folders of `paths` that hold nothing, or nothing but what Python compiled."""
    for folder in sorted({root / parent for path in paths for parent in Path(path).parents[:-1]}, reverse=True):
        if folder.is_dir() and {path.name for path in folder.iterdir()} <= {"__pycache__"}:
            shutil.rmtree(folder)


def put(source: Path, target: Path) -> None:
    """Move a file into its place if it is not there yet."""
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)


def forward(root: Path, old: list[str], new: list[str]) -> None:
    """Put every new file into its place; what was done before is skipped."""
    folder = root / FOLDER
    for path in new:
        if not is_own(path):
            put(folder / "new" / path, root / path)
    others = [path for path in old if not is_own(path)]
    for path in set(others) - set(new):
        (root / path).unlink(missing_ok=True)
    without_empty_folders(root, others)
    if (root / OWN).is_dir():
        (root / OWN).replace(folder / OWN)
    put(folder / "new" / ENTRY, root / ENTRY)


def back(root: Path) -> None:
    """Put every old file back that was changed, and remove what is new; the next run does it if this one is killed."""
    folder = root / FOLDER
    if (folder / PLAN).is_file():
        (folder / PLAN).replace(folder / UNDO)
    found = json.loads((folder / UNDO).read_text(encoding="utf-8"))
    old, new = found["old"], found["new"]
    placed = {path for path in new if not (folder / "new" / path).is_file()}
    for path in old:
        if path in placed or not (root / path).is_file():
            put(folder / "old" / path, root / path)
    for path in placed - set(old):
        (root / path).unlink(missing_ok=True)
    without_empty_folders(root, new)
    forget(root)


def exchange(root: Path) -> None:
    """Go through with the plan, or put everything back and raise what stopped it."""
    found = plan(root)
    assert found is not None
    try:
        forward(root, found["old"], found["new"])
    except BaseException:
        back(root)
        raise


def forget(root: Path) -> None:
    """Remove what the exchange was made with; the plans first, since what is left is then nothing to go on with."""
    for name in (PLAN, UNDO):
        (root / FOLDER / name).unlink(missing_ok=True)
    shutil.rmtree(root / FOLDER, ignore_errors=True)
