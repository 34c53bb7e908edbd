"""A fit, and the test after it -> a W&B run, which the fit continues if it is resumed in its own folder.

W&B's own variables name what holds the runs (WANDB_PROJECT), their group (WANDB_RUN_GROUP), tags (WANDB_TAGS)
and mode (WANDB_MODE).
"""

import os
from pathlib import Path
from typing import Any

import lightning as L
import wandb
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.exceptions import SIGTERMException

from project.addons.wandb.logger import WandbLogger
from project.callbacks import run_dir
from project.checkpoint import read_checkpoint

KEPT = ("results.json", "test.csv")  # the predictions hold the texts


class WandbRun(L.Callback):
    """Gives a fit that has loggers one for W&B.

    With WANDB_LOG_MODEL=end the best checkpoint and the predictions of the test are kept there as artifacts.
    """

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Add the logger."""
        if stage != "fit" or not trainer.loggers or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        wandb.finish()  # a run of the same process that has ended
        folder = str(trainer.loggers[0].save_dir or "runs")
        project = os.environ.get("WANDB_PROJECT", "sentiment")
        trainer.loggers = [*trainer.loggers, WandbLogger(folder, project, self._earlier_run(trainer))]

    def _earlier_run(self, trainer: L.Trainer) -> str | None:
        """Return the id of the run that is resumed; one that continues in another folder is a new run."""
        path = getattr(trainer, "resumed", None)
        if path is None or not trainer.is_global_zero:
            return None
        folder = run_dir(trainer)
        if folder is None or not Path(path).absolute().is_relative_to(folder.absolute()):
            return None
        run_id: str | None = read_checkpoint(path)["callbacks"].get(self.state_key, {}).get("run_id")
        return run_id

    def state_dict(self) -> dict[str, Any]:
        """Return the id of the W&B run, for the checkpoint."""
        return {"run_id": wandb.run.id if wandb.run is not None else None}

    @rank_zero_only
    def teardown(self, trainer: Any, pl_module: L.LightningModule, stage: str) -> None:
        """Keep artifacts, if that is wanted, at the end of a fit, or of the test after it."""
        last = stage == "test" or not getattr(trainer, "to_test", "")
        if wandb.run is None or os.environ.get("WANDB_LOG_MODEL") != "end" or not last:
            return
        best, folder = getattr(trainer.checkpoint_callback, "best_model_path", ""), run_dir(trainer)
        files = {"model": [Path(best)] if best else []}
        files["predictions"] = [folder / name for name in KEPT if folder and (folder / name).exists()]
        for kind, paths in files.items():
            artifact = wandb.Artifact(f"{kind}-{wandb.run.id}", type=kind)
            for path in paths:
                artifact.add_file(str(path))
            if paths:
                wandb.run.log_artifact(artifact)

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Let W&B show the run as failed."""
        wandb.finish(exit_code=143 if isinstance(exception, SIGTERMException) else 1)
