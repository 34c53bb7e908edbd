"""Disks that fill up, folders that may not be written: every command that writes, on an old state that must stay."""

import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.fuzz_child import Case, can_mount
from benchmarks.fuzz_inputs import SMALL
from benchmarks.victim import Models

NOBODY = 65534  # a user's id that owns nothing
QUIET = ("--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false")
WRITERS = [
    ("fit", "--data.corpus=own.csv", *SMALL),
    ("classify", "--ckpt_path=M", "--input=own.csv", "--output=out.csv", "--overwrite"),
    ("classify", "--ckpt_path=M", "--input=own.csv", "--output=out.parquet", "--overwrite"),
    ("classify", "--ckpt_path=M", "--input=own.csv", "--output=out.jsonl.gz", "--overwrite"),
    ("explain", "--ckpt_path=M", "--input=own.csv", "--output=out.jsonl", "--overwrite"),
    ("predict", "--ckpt_path=M", "--data.corpus=own.csv", "--output=out.csv", "--overwrite=true", *QUIET),
    ("export", "--ckpt_path=M", "--output=bundle", "--corpus=own.csv"),
    ("ensemble", "M", "M2", "--output=out.ckpt", "--overwrite"),
    ("calibrate", "--ckpt_path=M", "--output=out.ckpt", "--overwrite"),
    ("pretrain", "--data.corpus=own.csv", "--data.vectors=null", "--output=p.pt", "--epochs=1"),
    ("word2vec", "--data.corpus=own.csv", "--data.vectors=null", "--output=w.pt"),
    ("doctor", "--data.corpus=own.csv", "--data.vectors=null", "--json=out.json", "--overwrite=true"),
    ("behaviour", "--ckpt_path=M", "--json=out.json", "--overwrite"),
    ("compare", "M", "M", "--corpus=own.csv", "--json=out.json", "--overwrite"),
    ("results", "--output=out.md", "--overwrite"),
]


def old_state(models: Models, left: int | None, folder: Path) -> None:
    """Write a corpus, outputs of before, and what fills the disk but for some bytes."""
    shutil.copy(models.checkpoint.parent / "own.csv", folder)
    shutil.copy(models.checkpoint, folder / "second.ckpt")
    for suffix in ("csv", "parquet", "jsonl", "jsonl.gz", "ckpt", "json", "md"):
        (folder / f"out.{suffix}").write_text("old")
    if models.bundle is not None:
        shutil.copytree(models.bundle, folder / "bundle")
    if left is not None:
        disk = os.statvfs(folder)
        (folder / "filler").write_bytes(bytes(max(disk.f_bavail * disk.f_frsize - left, 0)))
    folder.chmod(0o755)


def disks(models: Models) -> Iterator[Case]:
    """Yield each command with each trouble that can be had here."""
    for line in WRITERS:
        if line[0] == "export" and models.bundle is None:
            continue
        words = tuple(word.replace("M2", "second.ckpt").replace("M", str(models.checkpoint)) for word in line)
        name = " ".join(word for word in line[:1] + line[-2:])
        for most in (0, 3000):
            prepare = partial(old_state, models, None)
            yield Case("files that cannot grow", f"{name} {most}", words, prepare, largest=most)
        if can_mount():
            for left in (0, 30_000):
                yield Case("a full disk", f"{name} {left}", words, partial(old_state, models, left), disk=2**20)
        if os.geteuid() == 0:
            yield Case("a folder of another user", name, words, partial(old_state, models, None), user=NOBODY)
