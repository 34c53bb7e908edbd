"""Figures of a run -> Weights & Biases, online if possible."""

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import requests
import wandb
from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import WandbLogger as LightningWandbLogger
from wandb.errors import CommError, UsageError

PROBE_SECONDS, INIT_SECONDS = 4, 8  # together with what wandb adds they stay under 15 s


class WandbLogger(LightningWandbLogger):
    """Logs online if a key is set, offline if none is.

    A key is what ``wandb login`` stores or WANDB_API_KEY holds. A server that does not answer costs one line and at
    most 15 s, and the run continues offline. WANDB_MODE (online, offline, disabled) overrides all of this.

    Args:
        save_dir: Folder in which W&B keeps its local files.
        project: What holds the runs in W&B.
        run_id: Id of a run to continue; W&B generates one if none is given.
    """

    def __init__(self, save_dir: str = "runs", project: str = "sentiment", run_id: str | None = None) -> None:
        Path(save_dir).mkdir(parents=True, exist_ok=True)  # without it wandb falls back to a temporary folder
        settings = wandb.Settings(init_timeout=INIT_SECONDS)
        own: Any = {"project": project, "id": run_id, "resume": "allow" if run_id else None}
        self.start = partial(wandb.init, dir=save_dir, settings=settings, **own)
        self.adopt = partial(super().__init__, project=project, save_dir=save_dir)
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
