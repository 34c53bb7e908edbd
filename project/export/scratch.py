"""Scratch folders that do not stay for ever if their process is killed."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path


@contextmanager
def scratch_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Yield a new folder in `parent`, removed at the end; before that, remove those that killed processes have left.

    An advisory lock on a folder says that it is in use: the kernel drops it with the process, and every container
    that sees the folder sees the lock. Where there are no such locks, leftovers stay.
    """
    for left in parent.glob(prefix + "?" * 8):  # as mkdtemp names them
        with suppress(OSError, ImportError), locked(left, wait=False):
            shutil.rmtree(left)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        with ExitStack() as stack:
            with suppress(OSError, ImportError):
                stack.enter_context(locked(folder, wait=True))
            if folder.is_dir():  # another process may have taken it for a leftover before it was locked
                stack.callback(shutil.rmtree, folder, ignore_errors=True)
                yield folder
                return


@contextmanager
def locked(folder: Path, wait: bool) -> Iterator[None]:
    """Hold the lock of a folder.

    Raises:
        ImportError: This system has no such locks.
        OSError: This file system has none, it is no folder, or `wait` is not set and the lock is taken.
    """
    import fcntl  # Windows has none

    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(handle)
