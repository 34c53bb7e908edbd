"""What happens around training: the best checkpoint, the file of predictions."""

from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import BasePredictionWriter, ModelCheckpoint
from lightning.pytorch.utilities.exceptions import SIGTERMException

from project.decision import Decision
from project.errors import UserError
from project.ingest import Row, added_columns, column_types, merged, write_rows


def run_dir(trainer: L.Trainer) -> Path | None:
    """Return the run's folder, or None if no logger makes one (``--trainer.logger=false``).

    `trainer.log_dir` would wait for all processes, and the caller is often only one of them.
    """
    log_dir = getattr(trainer.logger, "log_dir", None)
    if log_dir is None:
        return None
    folder = Path(log_dir)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def of_all_processes(trainer: L.Trainer, value: Any) -> list[Any]:
    """Gather `value` from all processes; each of them has to call this."""
    gathered = [value] * trainer.world_size
    if trainer.world_size > 1:
        torch.distributed.all_gather_object(gathered, value)
    return gathered


class Checkpoint(ModelCheckpoint):
    """A `ModelCheckpoint` that a resumed run restores as a whole, and that saves on SIGTERM but on no other exception.

    Lightning forgets the best score if a run continues in a new folder, so that its first epoch would count as the
    best whatever it scored. And `save_on_exception` would save whatever an error has left of the weights; SIGTERM ends
    a run between two batches.
    """

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Save if the run was told to stop and `save_on_exception` is set."""
        if self.save_on_exception and isinstance(exception, SIGTERMException):
            super().on_exception(trainer, pl_module, exception)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the best score and path so far."""
        super().load_state_dict(state_dict | {"dirpath": self.dirpath})


class PredictionWriter(BasePredictionWriter):
    """Writes the predictions of a corpus: one row per row of its source, in order, with all its columns.

    It adds ``predicted`` and a probability ``p_LABEL`` for each class; they are empty for bad rows. The file is the
    Trainer's `output`, or ``predictions.csv`` in the run's folder. Until the end only the logits are kept, (rows, C)
    float32.
    """

    def __init__(self) -> None:
        super().__init__(write_interval="batch")

    def on_predict_start(self, trainer: Any, pl_module: Any) -> None:
        """Make room for the logits."""
        data, labels = trainer.datamodule, pl_module.state["label_names"]
        self._logits = np.full((len(data.corpus.split("test")), len(labels)), np.nan, dtype=np.float32)

    def write_on_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, prediction: Any, *_: Any, **__: Any
    ) -> None:
        """Keep the logits of a batch."""
        rows, logits = prediction
        self._logits[rows.cpu().numpy()] = logits.cpu().numpy()

    def on_predict_end(self, trainer: Any, pl_module: Any) -> None:
        """Gather the logits of all processes and write the file in one of them."""
        each = of_all_processes(trainer, self._logits)
        if not trainer.is_global_zero:
            return
        for other in each:  # (rows, C), nan for texts that another process has predicted
            self._logits = np.where(np.isnan(self._logits), other, self._logits)
        folder = run_dir(trainer)
        chosen = getattr(trainer, "output", None)
        path = Path(chosen) if chosen else folder / "predictions.csv" if folder else None
        if path is None:
            raise UserError("there is no run folder to write predictions to: add --output=predictions.csv")
        corpus, decision = trainer.datamodule.corpus, pl_module.decision
        late = corpus.late_columns("test", path)
        rows = (merged(late | columns, self._columns(row, decision)) for columns, row in corpus.source_rows("test"))
        write_rows(path, rows, column_types(Path(corpus.source.parts["test"][0].name)))
        missing = int(np.isnan(self._logits[:, 0]).sum())
        print(f"{len(self._logits) - missing:,} predictions in {path}")
        if missing:
            print(f"{missing:,} texts were not read and have no prediction: limit_predict_batches")

    def _columns(self, row: int | None, decision: Decision) -> Row:
        """Return the added columns of one row."""
        if row is None or np.isnan(self._logits[row, 0]):
            return added_columns(decision.label_names, None, [])
        prediction = decision(self._logits[row].tolist())
        return added_columns(decision.label_names, prediction.label, list(prediction.probabilities.values()))
