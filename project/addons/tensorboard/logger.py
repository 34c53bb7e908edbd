"""Figures of a run -> event files that TensorBoard shows."""

import tensorboard  # noqa: F401 # Lightning would look for it only when it writes
from lightning.pytorch.loggers import TensorBoardLogger


class TensorBoard(TensorBoardLogger):
    """Lightning's logger, in ``runs/tensorboard``; no option has to be set.

    Args:
        save_dir: Folder of the runs.
        name: Folder in it, for ``tensorboard --logdir``.
    """

    def __init__(self, save_dir: str = "runs", name: str = "tensorboard") -> None:
        super().__init__(save_dir, name)
