"""Which rows make each split: duplicates are counted, and what a source lacks is carved out of train."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from project.errors import UserError
from project.ingest.rows import NO_LABEL, Rows, StoredRows
from project.ingest.source import ReadOptions, Source, Split

Stored = dict[Split, StoredRows]
# a split: which rows, (texts,) rising, of the rows that were stored together
Chosen = tuple[StoredRows, NDArray[np.int64]]
Carve = Callable[[NDArray[np.int64], NDArray[np.int64], float], NDArray[np.bool_]]
SEED = 0  # of the choice; not the run's seed, so that runs with several seeds share their splits


def choose_rows(
    source: Source, options: ReadOptions, stored: Stored, order: Sequence[int], notes: list[str], carve: Carve
) -> dict[Split, Chosen]:
    """Return the rows of each split, telling in `notes` what was left out or carved.

    Args:
        source: Where the rows come from.
        options: How they become a corpus.
        stored: The rows that it has, by its own splits.
        order: The final index of each label, by its index in `stored`.
        notes: Lines for the user are appended to it.
        carve: Chooses the rows of a split, see `carve_rows`, unless the source does.

    Raises:
        UserError: No row of train has a label that a split carved out of it could be measured on.
    """
    chosen: dict[Split, Chosen] = {split: (rows, np.arange(len(rows))) for split, rows in stored.items()}
    if "train" not in stored:
        return chosen
    train = stored["train"]
    if train.targets is not None and not train.has_label.all():
        notes.append(f"{(~train.has_label).sum():,} texts of train have no label: the most probable one is used")
    rows = _kept_rows(source, options.drop_duplicates, stored, notes)
    remaining = 1.0  # share of train
    shares: dict[Split, float] = {"test": options.test_share, "val": options.val_share}
    for split, share in shares.items():
        if split in stored or share == 0:
            continue
        if not train.has_label[rows].any():
            raise UserError(
                f"corpus {source.name}: {split} is measured on labels, and no text of train has one in column "
                f"{options.label_column!r}: give a folder with a file {split}.csv too"
            )
        if source.carve_phrases:
            carved = source.carve_phrases(
                [example.text for example in Rows(train.path, rows, order)], share / remaining
            )
        else:
            # final indices of labels, so that a checkpoint's order of them carves the same rows
            labels = np.where(train.has_label, np.array(order)[train.labels], NO_LABEL)
            carved = carve(_units(train, rows, options.group_column), labels[rows], share / remaining)
        own = rows[carved & train.has_label[rows]]
        chosen[split] = train, own
        notes.append(f"carved a {split} split of {len(own):,} texts out of train")
        rows, remaining = rows[~carved], remaining - share
    return chosen | {"train": (train, rows)}


def _kept_rows(source: Source, drop: bool, stored: Stored, notes: list[str]) -> NDArray[np.int64]:
    """Count texts that occur more than once; return the rows of train that stay."""
    digests = {split: rows.digests for split, rows in stored.items()}
    _, first = np.unique(digests["train"], return_index=True)
    repeated = ~np.isin(np.arange(len(digests["train"])), first)
    found: list[tuple[Split, str, NDArray[np.bool_]]] = [("train", "repeat an earlier one", repeated)]
    for split, other in ("train", "val"), ("train", "test"), ("val", "test"):
        if split in digests and other in digests:
            found.append((split, f"are also in {other}", np.isin(digests[split], digests[other])))
    for split, what, rows in found:
        if rows.any():
            row = int(rows.argmax())
            place = f"{source.parts[split][stored[split].parts[row]].name}:{stored[split].lines[row]}"
            verb = "left out" if drop and split == "train" else "kept"
            notes.append(f"{verb} {rows.sum():,} texts of {split} that {what}, the first at {place}")
    gone = np.any([rows for split, _, rows in found if split == "train"], axis=0)
    return np.flatnonzero(~(gone & drop))


def _units(train: StoredRows, rows: NDArray[np.int64], group_column: str | None) -> NDArray[np.int64]:
    if group_column and (train.groups == train.digests).all():
        raise UserError(f"no row of train has a group in column {group_column!r}: name it with --data.group_column")
    return together(train.digests[rows], train.groups[rows])


def together(*keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return a number for each row, (rows,), that is the same for rows that share a key, directly or through others.

    Args:
        keys: Digests of texts and of groups, (rows,) each.
    """
    places = [np.unique(key, return_inverse=True)[1] for key in keys]
    unit = np.arange(len(keys[0]))
    before = ~unit
    while (unit != before).any():
        before = unit
        for place in places:
            least = np.full(len(unit), len(unit))
            np.minimum.at(least, place, unit)
            unit = least[place]
        unit = unit[unit]  # each is the place of a row, whose own may be further to the front
    return unit


def carve_rows(units: NDArray[np.int64], labels: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
    """Choose about `share` of each class, the same rows every time.

    Args:
        units: Of each row, (rows,): rows of one unit stay together, such as those of equal text.
        labels: Of each row, (rows,); NO_LABEL for one that is only chosen together with others of its unit.
        share: Of the units of a class; at least one if it has two. A unit counts for the class of its first label
            alone, so that shares of rows are approximate.

    Returns:
        Which rows are chosen, (rows,).
    """
    generator = np.random.default_rng(SEED)
    first = first_rows(units, labels)
    chosen = [_pick(first[labels[first] == label], share, generator) for label in np.unique(labels[first])]
    return np.isin(units, units[np.concatenate(chosen)])


def first_rows(units: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first row with a label of each unit that has one, rising; see `carve_rows`."""
    labelled = np.flatnonzero(labels != NO_LABEL)
    return labelled[np.sort(np.unique(units[labelled], return_index=True)[1])]


def _pick(rows: NDArray[np.int64], share: float, generator: np.random.Generator) -> NDArray[np.int64]:
    count = max(round(share * len(rows)), int(len(rows) > 1))
    return generator.permutation(rows)[:count]
