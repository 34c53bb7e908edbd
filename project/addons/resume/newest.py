"""A configuration -> the newest checkpoint of a run that had the same one."""

import re
import warnings
from pathlib import Path
from typing import Any

import yaml
from lightning.pytorch.utilities import rank_zero_only

from project.atomic import locked
from project.checkpoint import read_checkpoint, restore
from project.errors import UserError
from project.loggers import CSVLogger

LAST, METRICS, KEPT = "last.ckpt", "metrics.csv", "metrics-before.csv"
RUN = re.compile(r"version_\d+")
found: tuple[Path, int] | None = None  # the checkpoint that `newest_run` has chosen in this process, and its steps


def newest_run(config: str) -> Path | None:
    """Return the last intact checkpoint of the newest run with this configuration, a YAML text; None if there is none.

    A damaged checkpoint is reported, and the run's best one is taken, or else the run before.
    """
    global found
    found, CSVLogger.number = None, None
    wanted = settings(config)
    if "resume" in wanted.get("without", ()) and "resume.callback.Resume" not in config:
        raise UserError("--resume needs the callback resume: remove it from --without")
    for run in sorted(folder_of(wanted).glob("*/config.yaml"), key=lambda path: -path.stat().st_mtime_ns):
        checkpoints = [*run.parent.glob("checkpoints/*.ckpt")] if RUN.fullmatch(run.parent.name) else []
        if not checkpoints or settings(run.read_text(encoding="utf-8")) != wanted:
            continue
        if is_running(run.parent):
            print(f"{run.parent} is still running, so it is not resumed")
            continue
        for path in sorted(checkpoints, key=lambda path: -path.stat().st_mtime_ns):
            try:
                checkpoint = read_checkpoint(path)
                restore(checkpoint, path)  # raises if it cannot be used
            except UserError as error:
                print(f"cannot resume: {error}")
                continue
            print(f"resumed from {path}")
            found = path, checkpoint["global_step"]
            continue_in(run.parent)
            return path
    print("no run to resume: a new one starts")
    return None


def folder_of(settings: dict[str, Any]) -> Path:
    """Return where the first logger keeps the runs of a configuration."""
    loggers = settings.get("trainer", {}).get("logger")
    first = loggers[0] if isinstance(loggers, list) and loggers else loggers
    options = first.get("init_args") or {} if isinstance(first, dict) else {}
    return Path(options.get("save_dir") or "runs", options.get("name") or "")


def is_running(folder: Path) -> bool:
    """Return whether a process holds the lock of its run's folder."""
    try:
        with locked(folder):
            return False
    except BlockingIOError:
        return True
    except OSError:  # there are no locks here
        return False


def continue_in(folder: Path) -> None:
    """Let the next logger continue in a run's folder: Lightning asks it before any callback could tell it to."""
    CSVLogger.number = int(folder.name.removeprefix("version_"))
    if (folder / METRICS).exists() and rank_zero_only.rank == 0:  # type: ignore[attr-defined] # Lightning sets it
        (folder / METRICS).replace(folder / KEPT)  # Lightning deletes what it finds
    for message in ("Experiment logs directory .* not empty", "Checkpoint directory .* not empty"):
        warnings.filterwarnings("ignore", message=message)  # which is what resuming means


def settings(config: str) -> dict[str, Any]:
    """Return what a configuration sets, apart from where a run continues; nothing if it is not one."""
    try:
        values = yaml.safe_load(config)
    except yaml.YAMLError:
        return {}
    if not isinstance(values, dict):
        return {}
    return {name: value for name, value in values.items() if name != "ckpt_path" and value is not None}
