"""Other columns of train from which the label can be told."""

import re
from collections.abc import Iterator
from itertools import islice

import numpy as np
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
    columns, names = read_columns(corpus, options) if "train" in corpus.splits else ({}, [])
    if len(names) < LEAST_ROWS or len(corpus.label_names) < 2:
        return
    labels = np.unique(names, return_inverse=True)[1]
    for column, values in sorted(columns.items()):
        right = max(share_right(codes, labels) for codes in codings(values))
        if right >= RIGHT and labels.any():
            shown = visible(column)
            what = f"column {shown!r} tells the label of {right:.1%} of the rows of a class, on rows not used to fit"
            advice = f"keep it out of the texts; if it says what belongs together, --data.group_column={shown}"
            yield Finding("telling column", False, what, 1, advice, [])


def read_columns(corpus: Corpus, options: ReadOptions) -> tuple[dict[str, list[str]], list[str]]:
    """Return the values of the first rows of train by column, those of text and labels left out, and the labels."""
    own = {options.text_column, options.label_column, *added_columns(corpus.label_names, None, [])}
    rows: list[dict[str, str]] = []
    names: list[str] = []
    source = islice(corpus.source_rows("train"), MOST_ROWS)
    for columns, place in tqdm(source, "columns", unit=" rows", unit_scale=True, disable=None):
        name = label_name(columns.get(options.label_column))
        if place is not None and name is not None:
            names.append(name)
            rows.append(
                {column: "" if value is None else str(value) for column, value in columns.items() if column not in own}
            )
    return {column: [row.get(column, "") for row in rows] for column in set().union(*rows)}, names


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
