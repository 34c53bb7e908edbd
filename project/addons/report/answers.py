"""The test split and what the model says of it -> which answers are right, how sure they are, and their figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from typing import NamedTuple

import numpy as np

from project.addons.report.figures import ClassFigures, Flags, Floats, Ints, class_figures, pairs


class Matrix(NamedTuple):
    """How many texts have each of some classes (rows) and got each (columns).

    Attributes:
        names: The classes.
        counts: Of texts, (C, C).
        shares: Of those that have the class of the row, (C, C).
    """

    names: list[str]
    counts: Ints
    shares: Floats


@dataclass(frozen=True)
class Answers:
    """The test split and what the model says of it.

    Attributes:
        names: The classes.
        places: FILE:LINE of each text.
        texts: The texts.
        has: Which classes they have, (texts, C).
        got: Which classes are in the answers, (texts, C).
        probabilities: Of each class, (texts, C).
        several: Whether a text may have any number of classes, so that none is an answer too.
    """

    names: list[str]
    places: list[str]
    texts: list[str]
    has: Flags
    got: Flags
    probabilities: Floats
    several: bool = False

    @property
    def score(self) -> str:
        """What the share of right answers is called."""
        return "Exact match" if self.several else "Accuracy"

    @cached_property
    def answered(self) -> Flags:
        """Which texts have an answer, (texts,)."""
        return np.asarray(self.got.any(1) | self.several)

    @cached_property
    def right(self) -> Flags:
        """Which answers are right, (texts,)."""
        return np.asarray((self.has == self.got).all(1))

    @cached_property
    def sure(self) -> Floats:
        """Probability of what the answer says of each class, that it is there or that it is not, (texts, C)."""
        return np.where(self.got, self.probabilities, 1 - self.probabilities)

    @cached_property
    def confidence(self) -> Floats:
        """Probability of the answer, or of the most probable class, (texts,); of several that of the least sure one."""
        if self.several:
            return np.asarray(self.sure.min(1))
        shares = np.where(self.answered[:, None] & ~self.got, 0, self.probabilities)
        return np.asarray(shares.max(1))

    @cached_property
    def mistakes(self) -> Floats:
        """Probability of each class that is wrongly in the answer, (texts, C); below 0 if it is missing, else -2."""
        missing = np.where(self.has & ~self.got & self.several, -self.probabilities, -2)
        return np.where(self.got & ~self.has, self.probabilities, missing)

    def most_confident(self, right: bool, most: int) -> dict[int, float]:
        """Return the rows of at most so many right, or wrong, answers and how sure they are, the surest first.

        Of several labels the wrong ones count; an answer that only lacks some comes after those.
        """
        order = self.confidence if right else self.mistakes.max(1)
        rows = np.flatnonzero(self.answered & (self.right == right))
        rows = rows[np.argsort(-order[rows], kind="stable")][:most]
        sure = self.confidence[rows] if right else self.sure[rows, self.mistakes[rows].argmax(1)]
        return dict(zip(rows.tolist(), sure.tolist(), strict=True))

    @cached_property
    def classes(self) -> list[ClassFigures]:
        """The figures of each class; texts without an answer are left out."""
        return class_figures(self.has[self.answered], self.got[self.answered], self.names)

    def most_frequent(self, most: int) -> list[int]:
        """Return the classes in their order, of several labels at most so many, those that most texts have."""
        shown = most if self.several else len(self.names)
        return sorted(np.argsort(-self.has.sum(0), kind="stable")[:shown].tolist())

    def matrix(self, most: int) -> Matrix:
        """Return the matrix of the `most_frequent` classes; texts without an answer are left out."""
        shown = self.most_frequent(most)
        has, got = (flags[self.answered][:, shown] for flags in (self.has, self.got))
        counts = pairs(has, got)
        return Matrix([self.names[c] for c in shown], counts, counts / has.sum(0)[:, None].clip(min=1))


def named(names: Sequence[str], flags: Flags) -> str:
    """Return those `names` that have a flag, (C,), with commas."""
    return ", ".join(compress(names, flags)) or "(none)"
