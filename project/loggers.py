"""Figures of a run -> a CSV file in a folder of its own, and W&B, online if possible."""

import os
import subprocess
import sys
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import requests
import wandb
from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import CSVLogger as LightningCSVLogger
from lightning.pytorch.loggers import WandbLogger as LightningWandbLogger
from lightning.pytorch.utilities import rank_zero_only
from wandb.errors import CommError, UsageError

PROBE_SECONDS, INIT_SECONDS = 4, 8  # together with what wandb adds they stay under 15 s


class CSVLogger(LightningCSVLogger):
    """Logs into a folder of its own, even if several runs start at the same moment.

    Lightning looks for the next free number, and would give the same one to all of them.
    """

    number: int | None = None

    @property
    def version(self) -> int | str:
        """Number of the folder, which is created when it is first asked for."""
        if rank_zero_only.rank != 0:  # type: ignore[attr-defined] # Lightning sets it
            return super().version
        for number in count() if self.number is None else ():
            with suppress(FileExistsError):
                Path(self.root_dir, f"version_{number}").mkdir(parents=True)
                self.number = number
                break
        return self.number  # type: ignore[return-value]


class WandbLogger(LightningWandbLogger):
    """Logs online if a key is set, offline if none is.

    A key is what ``wandb login`` stores or WANDB_API_KEY holds. A server that does not answer costs one line and at
    most 15 s, and the run continues offline. WANDB_MODE (online, offline, disabled) overrides all of this.

    Args:
        project: W&B project.
        name: Name of the run; W&B makes one up if none is given.
        save_dir: Folder in which W&B keeps its local files.
    """

    def __init__(self, project: str = "sentiment", name: str | None = None, save_dir: str = "runs") -> None:
        Path(save_dir).mkdir(parents=True, exist_ok=True)  # without it wandb falls back to a temporary folder
        settings = wandb.Settings(init_timeout=INIT_SECONDS)
        self.start = partial(wandb.init, project=project, name=name, dir=save_dir, settings=settings)
        self.adopt = partial(super().__init__, project=project, name=name, save_dir=save_dir)
        self.adopt()

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The W&B run, started at first use."""
        if wandb.run is None:
            self.adopt(experiment=self._start())
        return super().experiment

    def _start(self) -> Any:
        """Start a run as Lightning does, but for an argument that it always passes and that wandb warns about."""
        why = "" if "WANDB_MODE" in os.environ else _why_offline()
        try:
            run = None if why else self.start()
        except (CommError, UsageError) as error:
            run, why = None, str(error).splitlines()[0]
        if run is None:
            print(f"W&B logs offline into {self.save_dir}/wandb: {why}", file=sys.stderr)
            wandb.setup(wandb.Settings(mode="offline"))  # else it looks for its server again when the process ends
            run = self.start(mode="offline")
        run.define_metric("trainer/global_step")
        run.define_metric("*", step_metric="trainer/global_step", step_sync=True)
        return run


def _why_offline() -> str:
    """Return why W&B cannot be used online; an empty string if it seems that it can.

    `wandb.login` would verify the key over the network, with retries, for half a minute.
    """
    host = wandb.setup().settings.base_url
    keys = ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE")
    if not any(os.environ.get(key) for key in keys) and not requests.utils.get_netrc_auth(host):
        return "no key is set (`wandb login` sets one)"
    try:
        requests.post(f"{host}/graphql", json={"query": "{ __typename }"}, timeout=PROBE_SECONDS)
    except requests.RequestException:
        return f"a key is set, but {host} does not answer"
    return ""


def git_commit() -> str | None:
    """Return the commit of the working tree, with ``-dirty`` if files differ from it; None outside git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--match="]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
