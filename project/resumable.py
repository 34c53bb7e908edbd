"""A loader that goes on within an epoch: a run that was stopped there trains on the batches that were still to come."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from torch.utils.data import DataLoader

from project.batch import Batch


class ResumableLoader(DataLoader[Batch]):
    """A `DataLoader` that knows its place in the epoch.

    Lightning would save and restore it, but does not restore it where a schedule has asked for the number of steps
    before: the data module does.

    Attributes:
        epoch_batches: Returns how many batches are an epoch, which a Trainer may limit.
    """

    epoch_batches: Callable[[], int]
    _given = 0  # batches of the epoch so far
    _start = 0  # batches that the next epoch leaves out

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override] # what the loop makes of it is an iterator
        """Yield the batches of the epoch, or what is left of it."""
        self._given, self._start = self._start, 0
        for batch in islice(super().__iter__(), self._given, None):
            self._given += 1
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """Return the place in the epoch."""
        return {"batches": self._given % self.epoch_batches()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on there."""
        self._start = state["batches"]
