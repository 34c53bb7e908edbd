"""The texts of a corpus under one number each, and what is said about them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from project.ingest import SPLITS, Corpus, Part, Split

SHOWN = 5  # examples of a finding
LONGEST = 80  # characters of a text that are shown
NOTHING: dict[int, str] = {}

# letters of Thai, Lao, Burmese, Khmer, Japanese and Chinese, for a class of a regular expression
NO_SPACES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"

Numbers = NDArray[np.int64]


class Example(NamedTuple):
    """Where something was found: ``file:line``, a piece of the text, and a remark."""

    place: str
    text: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Finding:
    """What was found.

    Attributes:
        kind: One word or two for it.
        spoils: Whether it would spoil training or its figures; otherwise it is worth a look.
        what: What it is, in words.
        count: How many rows, labels or columns have it.
        advice: The option or the step that helps.
        examples: The first few.
    """

    kind: str
    spoils: bool
    what: str
    count: int
    advice: str
    examples: list[Example]


class Texts:
    """The texts of a corpus, train before val before test, and after them those of another corpus.

    Args:
        corpus: Its rows are numbered from 0.
        other: Places of the texts of the other corpus, as file and line.

    Attributes:
        names: The splits that have a text; then ``other``.
        split: Index into `names` for each row, (rows,).
        labels: Label of each row of the corpus, (own rows,): an index into its `answers`.
        members: Which of the classes each of these has, (answers, C); None if each is a class.
    """

    def __init__(self, corpus: Corpus, other: list[tuple[str, int]]) -> None:
        self.corpus = corpus
        self.names: list[Split] = [split for split in SPLITS if len(corpus.splits.get(split, ()))]
        sizes = [len(corpus.splits[split]) for split in self.names]
        self.starts = np.cumsum([0, *sizes])
        self.split: Numbers = np.repeat(np.arange(len(sizes) + 1), [*sizes, len(other)])
        self.labels: Numbers = np.array([label for name in self.names for _, label in corpus.splits[name]])
        self.members = None if corpus.members is None else corpus.members > 0
        self._places = [place for name in self.names for place in corpus.places(name)] + other

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __iter__(self) -> Iterator[str]:
        for name in self.names:
            bar = tqdm(self.corpus.splits[name], f"looking at {name}", unit=" texts", unit_scale=True, disable=None)
            yield from (text for text, _ in bar)

    def counts(self, split: int | None = None) -> Numbers:
        """Return how many rows of the corpus, or of one of the splits in `names`, have each class, (C,)."""
        labels = self.labels if split is None else self.labels[self.split[: len(self)] == split]
        counts = np.bincount(labels, minlength=len(self.corpus.answers))
        return counts if self.members is None else counts @ self.members

    def rows_with(self, label: int) -> Numbers:
        """Return the rows of the corpus that have a class."""
        return np.flatnonzero(self.labels == label if self.members is None else self.members[self.labels, label])

    def place(self, row: int) -> str:
        """Return file and line of a row."""
        return "{}:{}".format(*self._places[row])

    def excerpt(self, row: int) -> str:
        """Return the beginning of a row's text."""
        split = self.split[row]
        return visible(self.corpus.splits[self.names[split]][int(row - self.starts[split])].text[:LONGEST])

    def finding(
        self, kind: str, rows: Numbers, what: str, advice: str, spoils: bool, remarks: Mapping[int, str] = NOTHING
    ) -> list[Finding]:
        """Return what `rows` have in common, their count added to `what`; nothing if there are none."""
        picked = rows[:SHOWN].tolist()
        shown = [Example(self.place(row), self.excerpt(row), visible(remarks.get(row, ""))) for row in picked]
        return [Finding(kind, spoils, f"{visible(what)}: {len(rows):,}", len(rows), advice, shown)] if shown else []


def visible(text: str) -> str:
    """Return a line in which white space is plain and characters without a shape are written as escapes."""
    plain = (" " if each in "\t\r\n" or (each > "\x9f" and each.isspace()) else each for each in text)
    return " ".join("".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in plain).split())


def rows_of(parts: list[Part], columns: list[str]) -> Iterator[tuple[str, str, int]]:
    """Yield the text in the first of `columns` that a row has, with file and line, for all rows that have one."""
    for part in parts:
        for record in part.records():
            text = next((record.columns[column] for column in columns if column in record.columns), None)
            if isinstance(text, str) and text.strip():
                yield text, part.name, record.line
