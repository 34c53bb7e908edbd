"""The logits of val -> the temperature of the checkpoint, whenever a fit has measured val."""

from typing import Any

import lightning as L
import numpy as np
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_only
from numpy.typing import NDArray
from torch import Tensor

from project.addons.calibrate.fitting import fitted_temperature, negative_log_likelihood
from project.callbacks import of_all_processes


class Calibrate(L.Callback):
    """Gives every checkpoint of a fit the temperature that suits val best, see `fitted_temperature`.

    The figures of val are those of temperature 1 during a fit.
    """

    def __init__(self) -> None:
        self._outputs: list[dict[str, Tensor]] = []
        self._fitted = self._best = ""
        self._score: Any = None

    def on_validation_start(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Measure without a temperature."""
        self._outputs = []
        if fitting(trainer):
            pl_module.state["decision"]["temperature"] = 1.0

    def on_validation_batch_end(self, trainer: L.Trainer, pl_module: Any, outputs: Any, *_: Any, **__: Any) -> None:
        """Keep the logits where they are."""
        if fitting(trainer):
            self._outputs.append(outputs)

    def on_validation_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Fit the temperature, before the checkpoints are written."""
        if not fitting(trainer):
            return
        rows, labels, logits = self._of_all_processes(trainer)
        _, first = np.unique(rows, return_index=True)  # if there are only a few texts, every process measures all
        logits, labels = logits[first], labels[first]
        members = trainer.datamodule.corpus.members  # type: ignore[attr-defined] # ours has a corpus
        labels = labels if members is None else members[labels]
        temperature = fitted_temperature(logits, labels)
        pl_module.state["decision"]["temperature"] = temperature
        before, after = (negative_log_likelihood(logits, labels, each) for each in (1.0, temperature))
        self._fitted = f"temperature {temperature:.3f}, fitted on val: log-likelihood {-before:.4f} -> {-after:.4f}"

    def _of_all_processes(self, trainer: L.Trainer) -> list[NDArray[Any]]:
        """Return rows (texts,), labels (texts,) and logits (texts, C)."""
        names = ("rows", "labels", "logits")
        own = [np.concatenate([each[name].cpu().numpy() for each in self._outputs]) for name in names]
        return [np.concatenate(each) for each in zip(*of_all_processes(trainer, own), strict=True)]

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Remember what was fitted for the best checkpoint, which has been written by now."""
        score = getattr(trainer.checkpoint_callback, "best_model_score", None)
        if score is not None and (self._score is None or score != self._score):
            self._score, self._best = score, self._fitted

    @rank_zero_only
    def on_fit_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Say what was fitted for the best checkpoint."""
        self.on_train_epoch_start(trainer, pl_module)
        if self._best:
            print(f"{self._best} (per text)")


def fitting(trainer: L.Trainer) -> bool:
    """Return whether a fit measures val, apart from the check before its first epoch."""
    return trainer.state.fn == TrainerFn.FITTING and not trainer.sanity_checking
