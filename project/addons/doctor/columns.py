"""Other columns of train that reveal the label."""

import re
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from project.addons.doctor.texts import Finding, Numbers, visible
from project.ingest import Corpus, ReadOptions, added_columns, label_name

MOST_ROWS = 50_000  # that are read
LEAST_ROWS = 40  # half of them are guessed: fewer may be right by chance
RIGHT = 0.95  # mean over classes of the share that is guessed right
BINS = 64  # of numbers
SEED = 0  # of the choice of rows that are guessed


def column_findings(corpus: Corpus, options: ReadOptions) -> Iterator[Finding]:
    """Yield the columns of train that give the label away.

    Half of the rows are guessed by what the other half shows: values by their commonest label, numbers by 64 bins. Row
    numbers tell nothing, even of a file that is sorted by label, and columns that `predict` writes are no surprise.
    """
    if "train" not in corpus.splits:
        return
    columns, labels = read_columns(corpus, options)
    if len(labels) < LEAST_ROWS or len(corpus.label_names) < 2 or not labels.any():
        return
    for column, values in sorted(columns.items()):
        told = told_label(values, labels) if labels.ndim == 1 else told_labels(values, labels, corpus.label_names)
        if told is not None:
            shown = visible(column)
            what = visible(f"column {column!r} tells {told}, on rows not used to fit")
            advice = f"keep it out of the texts; if it says what belongs together, --data.group_column={shown}"
            yield Finding("telling column", False, what, 1, advice, [])


def told_label(values: list[str], labels: Numbers) -> str | None:
    """Return how well the `labels` (rows,) can be told from a column; None if they cannot."""
    right = max(share_right(codes, labels) for codes in codings(values))
    return f"the label of {right:.1%} of the rows of a class" if right >= RIGHT else None


def told_labels(values: list[str], has: NDArray[np.bool_], names: Sequence[str]) -> str | None:
    """Return which labels can be told from a column and how well; None if there is none.

    Args:
        values: Those of the column, (rows,).
        has: Which rows have which label, (rows, C).
        names: Those of the labels.
    """
    enough = np.flatnonzero(np.minimum(has.sum(0), (~has).sum(0)) >= LEAST_ROWS)
    right = np.max([shares_right(codes, has[:, enough]) for codes in codings(values)], axis=0)
    if not (right >= RIGHT).any():
        return None
    best = int(right.argmax())
    told = f"{(right >= RIGHT).sum():,} of {len(names):,} labels"
    return f"{told}, best {names[enough[best]]!r}: that of {right[best]:.1%} or more of its rows, and of the others"


def read_columns(corpus: Corpus, options: ReadOptions) -> tuple[dict[str, list[str]], NDArray[Any]]:
    """Return the values of the first rows of train by column, those of text and labels left out, and the labels.

    The labels are numbers, (rows,), or of any number of labels which of them each row has, (rows, C).
    """
    members, train = corpus.members, corpus.splits["train"][:MOST_ROWS]
    answers = {} if members is None else dict(zip(train.chosen.tolist(), (label for _, label in train), strict=True))
    is_own = own_columns(corpus, options)
    rows: list[dict[str, str]] = []
    labels: list[Any] = []
    source = islice(corpus.source_rows("train"), MOST_ROWS)
    for columns, place in tqdm(source, "columns", unit=" rows", unit_scale=True, disable=None):
        label = label_name(columns.get(options.label_column)) if members is None else answers.get(place)
        if place is not None and label is not None:
            labels.append(label)
            rows.append({name: written(value) for name, value in columns.items() if not is_own(name)})
    found = np.unique(labels, return_inverse=True)[1] if members is None else members[labels] > 0
    return {column: [row.get(column, "") for row in rows] for column in set().union(*rows)}, found


def own_columns(corpus: Corpus, options: ReadOptions) -> Callable[[str], bool]:
    """Return a function that tells columns of texts, labels and predictions from others."""
    own = {options.text_column, options.label_column, *added_columns(corpus.label_names, None, [])}
    patterns = [] if corpus.members is None else [each.strip() for each in options.label_column.split(",")]
    return cache(lambda column: column in own or any(fnmatchcase(column, pattern) for pattern in patterns))


def written(value: object) -> str:
    """Return a value as text; nothing for none."""
    return "" if value is None else str(value)


def codings(values: list[str]) -> Iterator[Numbers]:
    """Yield the values as small numbers, (rows,), in each way in which they might tell something."""
    for each in (values, [re.sub(r"\d+", "", value) for value in values]):  # pos/12.txt and pos/7.txt are one
        yield np.unique([hash(value) for value in each], return_inverse=True)[1]
    numbers = np.array([number(value) for value in values])
    known = numbers[np.isfinite(numbers)]
    is_id = len(np.unique(known)) == len(known) and ((known == known.round()).all() or (np.diff(known) > 0).all())
    if len(known) and not is_id:
        edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)))
        yield np.searchsorted(edges, numbers)  # what is no number has a bin of its own, the last


def number(value: str) -> float:
    """Return a value as a number; nan if it is none."""
    try:
        return float(value)
    except ValueError:
        return float("nan")


def share_right(codes: Numbers, labels: Numbers) -> float:
    """Return the mean over classes of the share of rows whose label is guessed from the rows of the other half."""
    order = np.random.default_rng(SEED).permutation(len(codes))
    fitted, held_out = order[::2], order[1::2]
    classes = int(labels.max()) + 1
    guess = np.full(codes.max() + 1, np.bincount(labels[fitted]).argmax())
    both, counts = np.unique(codes[fitted] * classes + labels[fitted], return_counts=True)
    rising = both[np.argsort(counts, kind="stable")]
    guess[rising // classes] = rising % classes  # the last one, which is the commonest, stays
    every = np.bincount(labels[held_out], minlength=classes)
    right = np.bincount(labels[held_out], guess[codes[held_out]] == labels[held_out], classes)
    return float((right / every.clip(1))[every > 0].mean())


def shares_right(codes: Numbers, has: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return of each label, (C,), the share of rows of which it is guessed whether they have it: see `share_right`.

    It is the lower of the shares among those with the label and those without.

    Args:
        codes: (rows,).
        has: Which rows have which label, (rows, C).
    """
    order = np.random.default_rng(SEED).permutation(len(codes))
    fitted, held_out = order[::2], order[1::2]
    size = int(codes.max()) + 1
    rows = np.bincount(codes[fitted], minlength=size)
    shares = []
    for each in has.T:
        guess = 2 * np.bincount(codes[fitted], each[fitted], size) > rows
        right = guess[codes[held_out]] == each[held_out]
        shares.append(min(right[each[held_out] == true].mean() for true in (True, False)))
    return np.array(shares)
