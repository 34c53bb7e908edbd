"""Texts that are repeated: exactly, nearly, with another label, in another split or another corpus."""

import re
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from project.addons.doctor.near import near_pairs
from project.addons.doctor.texts import NO_SPACES, SHOWN, Finding, Numbers, Texts

DIGITS = re.compile(r"\d+")
ALONE = re.compile(f"[{NO_SPACES}]")  # letters that count as words
NEVER = np.iinfo(np.int64).max
# how a text comes again, and the shares of a split above which this spoils training or its figures: within a split, and
# in an earlier split or another corpus; what is nearly the same may well be another text, which only people can tell
LEVELS = (
    ("", 0.2, 0.01),
    (" except for case, punctuation or spaces", 0.2, 0.05),
    (" except for numbers or a word or two", 1, 1),
)
CONTRADICTED = 0.01  # share of texts with two labels, likewise
DROP = "--data.drop_duplicates=true removes them from train"
ADVICE = {
    "duplicates": "remove all but one of them, if they say the same",
    "overlap": "delete one row of each pair (--data.drop_duplicates=true removes exact copies only), or keep them in"
    " one split with --data.group_column=COLUMN",
}
OTHER = "do not test a model of one corpus on the other without removing them; commands that read both have --held_out"
JOIN = "decide which labels are right; if the file has a row for each label of a text, join these rows into one"
JUDGE = "decide which label is right, or remove them: --data.drop_duplicates=true keeps the first alone"


@dataclass(frozen=True)
class Copies:
    """Which texts are alike.

    Attributes:
        exact: Number of each row's text, (rows,): equal texts, equal numbers.
        written: Likewise, of the text without case, punctuation and white space.
        plain: Likewise, also without digits.
        pairs: Numbers in `plain` of texts that differ by a few words, (pairs, 2).
    """

    exact: Numbers
    written: Numbers
    plain: Numbers
    pairs: Numbers

    def spread(self, values: Numbers, combine: Callable[..., None]) -> Numbers:
        """Return `values` of the numbers in `plain`, (numbers, ...), combined with those of their near ones."""
        result = values.copy()
        for one, other in (0, 1), (1, 0):
            combine(result, self.pairs[:, one], values[self.pairs[:, other]])
        return result


class Letters(dict[int, int]):
    """Maps letters with their marks, digits and emoji to themselves, all other characters to a space."""

    def __missing__(self, code: int) -> int:
        category = unicodedata.category(chr(code))
        self[code] = code if category[0] in "LMN" or category == "So" else ord(" ")
        return self[code]


def find_copies(texts: Iterable[str]) -> Copies:
    """Compare all texts."""
    exact, written, plain = array("q"), array("q"), array("q")
    words, starts = array("Q"), array("q")
    known: dict[int, int] = {}
    numbers: dict[str, int] = {}
    letters = Letters()
    for text in texts:
        folded = text.casefold().translate(letters)
        found = DIGITS.sub("", folded if text.isascii() else ALONE.sub(r" \g<0> ", folded)).split()
        together = "".join(folded.split()) or text.strip()
        number = known.setdefault(hash("".join(found) or together), len(known))
        if number == len(starts):
            starts.append(len(words))
            words.append(0)
            words.extend(numbers.setdefault(word, len(numbers) + 1) for word in found)
        exact.append(hash(text))
        written.append(hash(together))
        plain.append(number)
    starts.append(len(words))
    words.append(0)
    pairs = near_pairs(np.array(words), np.array(starts))
    exact_numbers, written_numbers = (np.unique(each, return_inverse=True)[1] for each in (exact, written))
    return Copies(exact_numbers, written_numbers, np.array(plain), pairs)


def copy_findings(texts: Texts, copies: Copies) -> Iterator[Finding]:
    """Yield what comes again within a split, then between splits and corpora, then with another label."""
    names = [*texts.names, "the other corpus"]
    splits = texts.split, len(names)
    near = copies.spread(first_rows(copies.plain, *splits), np.minimum.at)
    levels = (  # (rows, splits) each: the first row that is alike
        first_rows(copies.exact, *splits)[copies.exact],
        first_rows(copies.written, *splits)[copies.written],
        near[copies.plain],
    )
    for late, name in enumerate(texts.names):
        inside = np.flatnonzero(texts.split == late)
        for early in [late, *range(late), len(texts.names)]:
            within, left = early == late, np.full(len(inside), True)
            kind = "duplicates" if within else "overlap"
            what = "that repeat an earlier one" if within else f"that are also in {names[early]}"
            for level, (how, *shares) in zip(levels, LEVELS, strict=True):
                hit = left & (level[inside, early] < (inside if within else NEVER))
                rows, left = inside[hit], left & ~hit
                remarks = {row: f"as {texts.place(level[row, early])}" for row in rows[:SHOWN].tolist()}
                spoils = len(rows) > shares[not within] * len(inside)
                dropped = names[early] == "train" and not how
                advice = OTHER if early > late else DROP if dropped else ADVICE[kind]
                yield from texts.finding(kind, rows, f"texts of {name} {what}{how}", advice, spoils, remarks)
    yield from contradictions(texts, copies)


def first_rows(numbers: Numbers, split: Numbers, splits: int) -> Numbers:
    """Return the first row that has each number in each split, (numbers, splits); NEVER if there is none."""
    first = np.full((numbers.max() + 1, splits), NEVER)
    np.minimum.at(first, (numbers, split), np.arange(len(numbers)))
    return first


def contradictions(texts: Texts, copies: Copies) -> Iterator[Finding]:
    """Yield texts that come with another label too, and those of which a near copy does."""
    labels, names = texts.labels, [name or "no label" for name in texts.corpus.answers]
    other_label, advice = ("another label", JUDGE) if texts.members is None else ("other labels", JOIN)
    exact, plain = copies.exact[: len(labels)], copies.plain[: len(labels)]
    least, most = label_range(exact, labels, copies.exact.max() + 1)
    clear = (least < most)[exact]
    least, most = label_range(plain, labels, copies.plain.max() + 1)
    close = (copies.spread(least, np.minimum.at) < copies.spread(most, np.maximum.at))[plain] & ~clear

    def near(row: int) -> NDArray[np.bool_]:
        return np.isin(plain, [plain[row], *copies.pairs[(copies.pairs == plain[row]).any(axis=1)].flat])

    def same(row: int) -> NDArray[np.bool_]:
        return np.isin(exact, exact[row])

    for kind, mask, alike, what, share in (
        ("contradictions", clear, same, f"texts that have {other_label} elsewhere", CONTRADICTED),
        ("near contradictions", close, near, f"texts of which a near copy has {other_label}", 1),
    ):
        rows, remarks = np.flatnonzero(mask), {}
        for row in rows[:SHOWN].tolist():
            other = np.flatnonzero(alike(row) & (labels != labels[row]))[0]
            remarks[row] = f"{names[labels[row]]}; {names[labels[other]]} at {texts.place(other)}"
        yield from texts.finding(kind, rows, what, advice, len(rows) > share * len(labels), remarks)


def label_range(numbers: Numbers, labels: Numbers, size: int) -> tuple[Numbers, Numbers]:
    """Return the least and the greatest label of the rows that have each number, (size,) both."""
    least, most = np.full(size, NEVER), np.full(size, -1)
    np.minimum.at(least, numbers, labels)
    np.maximum.at(most, numbers, labels)
    return least, most
