"""Figures of a run -> a CSV file in a folder of its own."""

from contextlib import suppress
from itertools import count
from pathlib import Path

from lightning.pytorch.loggers import CSVLogger as LightningCSVLogger
from lightning.pytorch.utilities import rank_zero_only


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
