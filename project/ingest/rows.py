"""The good rows of one split in an Arrow file, written and read a few thousand at a time."""

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from project.ingest.records import BATCH_ROWS

NO_LABEL = -1


class Example(NamedTuple):
    """A text and the index of its label in the corpus's `answers`, or NO_LABEL."""

    text: str
    label: int


class GoodRow(NamedTuple):
    """A row that can be used.

    Attributes:
        text: Its text.
        label: Index of its label in order of appearance, or NO_LABEL.
        target: Probability of each label, in the same order; empty without soft targets.
        has_label: Whether the label is the row's own; False for the most probable one in its place.
        group: Identifies its group; the text if it has none.
    """

    text: str
    label: int
    target: list[float]
    has_label: bool
    group: str


def store_rows(path: Path, rows: Iterator[tuple[int, int, GoodRow]]) -> "StoredRows":
    """Write rows to an Arrow IPC file, each with the index of its part and its line there."""
    import pyarrow as pa

    numbers = {"part": pa.int32(), "line": pa.int64(), "digest": pa.uint64()}
    values = {"text": pa.large_string(), "label": pa.int32(), "target": pa.list_(pa.float32()), "has_label": pa.bool_()}
    schema = pa.schema(numbers | values | {"group": pa.uint64()})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        while batch := list(itertools.islice(rows, BATCH_ROWS)):
            stored = ((part, line, _digest(row.text), *row[:-1], _digest(row.group)) for part, line, row in batch)
            columns = zip(*stored, strict=True)
            writer.write_batch(pa.record_batch([list(column) for column in columns], schema=schema))
    return StoredRows(path)


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


class StoredRows:
    """What is known of the rows in a file of `store_rows`, apart from their texts.

    Attributes:
        parts: Index of each row's part, (rows,).
        lines: Its line there, (rows,).
        digests: 64 bits of each text, (rows,): equal texts, equal digests.
        groups: Likewise of their groups, (rows,).
        labels: See `GoodRow`, (rows,).
        has_label: See `GoodRow`, (rows,).
        targets: See `GoodRow`, (rows, C); None without soft targets.
    """

    def __init__(self, path: Path) -> None:
        import pyarrow as pa

        self.path = path
        with pa.memory_map(str(path)) as file:
            table = pa.ipc.open_file(file).read_all()
        self.parts: NDArray[np.int32] = table["part"].to_numpy()
        self.lines: NDArray[np.int64] = table["line"].to_numpy()
        self.digests: NDArray[np.uint64] = table["digest"].to_numpy()
        self.groups: NDArray[np.uint64] = table["group"].to_numpy()
        self.labels: NDArray[np.int32] = table["label"].to_numpy()
        self.has_label: NDArray[np.bool_] = table["has_label"].to_numpy()
        targets: NDArray[np.float32] = table["target"].combine_chunks().flatten().to_numpy()
        self.targets = targets.reshape(len(self), -1) if len(targets) else None

    def __len__(self) -> int:
        return len(self.lines)


class Rows(Sequence[Example]):
    """Examples in an Arrow file, in order; iterating reads a few thousand at a time.

    Args:
        path: A file of `store_rows`.
        chosen: Positions of the rows that count, in ascending order.
        order: The final index of each label, by its index in the file.
    """

    def __init__(self, path: Path, chosen: NDArray[np.int64], order: Sequence[int]) -> None:
        self.path, self.chosen = path, chosen
        self.order = [*order, NO_LABEL]  # a label of -1 picks the last

    def __len__(self) -> int:
        return len(self.chosen)

    def __iter__(self) -> Iterator[Example]:
        import pyarrow as pa

        with pa.OSFile(str(self.path)) as file:
            reader = pa.ipc.open_file(file)
            starts = np.arange(reader.num_record_batches + 1) * BATCH_ROWS
            for number, (first, last) in enumerate(itertools.pairwise(np.searchsorted(self.chosen, starts))):
                if first < last:
                    batch = reader.get_batch(number).take(pa.array(self.chosen[first:last] - starts[number]))
                    labels = [self.order[label] for label in batch["label"].to_pylist()]
                    yield from map(Example, batch["text"].to_pylist(), labels)

    def __getitem__(self, index: Any) -> Any:
        picked = Rows(self.path, np.atleast_1d(self.chosen[index]), self.order[:-1])
        return picked if isinstance(index, slice) else next(iter(picked))
