"""A fitted run -> what can be done with it, as commands to copy."""

import sys
from pathlib import Path
from typing import Any

from project.registry import registered


def print_hints(trainer: Any) -> None:
    """Say where the best checkpoint is and what can be done with it."""
    best = getattr(trainer.checkpoint_callback, "best_model_path", "")
    if not best:
        print("no checkpoint was written: no epoch ended with a val metric to choose by")
        return
    best = relative(Path(best))
    program = relative(Path(sys.executable).parent / "sentiment")
    print(f"\nbest checkpoint: {best}\n\nnext steps:")
    for command, rest in {"classify": '"your text"', "export": "--output bundle"}.items():
        if command in registered("COMMANDS"):
            print(f"  {program} {command} --ckpt_path {best} {rest}")
    print(f"  {program} predict --ckpt_path {best} --data.corpus FILE --output predictions.csv")
    last, epochs = best.parent / "last.ckpt", 2 * max(trainer.max_epochs or 1, 1)
    print(f"  {program} fit --ckpt_path {last} --trainer.max_epochs {epochs}")


def relative(path: Path) -> Path:
    """Return `path` as it is shortest to type in the working folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
