"""A source's rows -> a folder: checked, split and kept on disk, so that memory stays flat."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from project.errors import UserError
from project.ingest.check import BadRows, RowChecker, label_notes, label_order
from project.ingest.rows import NO_LABEL, store_rows
from project.ingest.source import SPLITS, ReadOptions, Source, Split
from project.ingest.splits import Chosen, choose_rows

FACTS = "corpus.json"
TARGETS, MEMBERS = "train.targets.npy", "members.npy"
MOST_LABELS = 100  # a column with more labels, and one for every other row, was named by mistake


def build_corpus(source: Source, options: ReadOptions, folder: Path) -> None:
    """Fill an empty folder.

    Raises:
        UserError: Rows cannot be used.
    """
    with (folder / "bad_rows.csv").open("w", encoding="utf-8", newline="") as file:
        bad_rows = BadRows(file)
        checker = (source.checker or RowChecker)(source, options, bad_rows)
        given = [split for split in SPLITS if split in source.parts]
        stored = {split: store_rows(folder / f"{split}.arrow", checker.good_rows(split)) for split in given}
    notes = bad_rows.notes(options.bad_rows == "skip", "{folder}/bad_rows.csv")
    rows, labels, classes = sum(map(len, stored.values())), list(checker.labels), checker.classes
    if not rows:
        raise UserError(f"corpus {source.name} has no text{f': {bad_rows.first}' if bad_rows.count else ''}")
    if len(classes) > max(MOST_LABELS, rows / 2):
        found = f"column {options.label_column!r} has {len(classes):,} different values in {rows:,} rows"
        raise UserError(f"{found}: these can hardly be labels, name the column with --data.label_column")
    names = list(source.known_labels or sorted(classes, key=label_order))
    notes += [*checker.notes.values(), *label_notes(names)]
    answers, order, members, carve = checker.answers(names)
    if members is not None:
        np.save(folder / MEMBERS, members)
    chosen = choose_rows(source, options, stored, order, notes, carve)
    _save(folder, chosen, labels, {"label_names": names, "answers": answers, "order": order, "notes": notes})


def _save(folder: Path, chosen: dict[Split, Chosen], labels: Sequence[str], facts: dict[str, Any]) -> None:
    """Write which rows make each split, the targets of train, and `facts`."""
    for split, (stored, rows) in chosen.items():
        np.save(folder / f"{split}.npy", rows)
        if split == "train" and stored.targets is not None:
            np.save(folder / TARGETS, stored.targets[rows])
    facts["splits"] = {split: stored.path.name for split, (stored, _) in chosen.items()}
    by_name = np.argsort(facts["label_names"])  # targets are in this order, since their labels are closed
    facts["fingerprints"] = [_fingerprint(each, chosen, labels, by_name) for each in (SPLITS, SPLITS[2:])]
    (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def _fingerprint(splits: Sequence[Split], chosen: dict[Split, Chosen], labels: Sequence[str], by_name: Any) -> str:
    """Digest texts, label names and targets, whatever order the labels came in; `by_name` sorts the targets."""
    place = {name: number for number, name in enumerate(sorted(labels))}
    rank = np.array([place[name] for name in labels] + [NO_LABEL], dtype=np.int32)
    digest = hashlib.sha256(json.dumps(sorted(labels)).encode())
    for split in splits:
        if split in chosen:
            stored, rows = chosen[split]
            digest.update(split.encode() + stored.digests[rows].tobytes())
            digest.update(rank[stored.labels[rows]].tobytes())
            if split == "train" and (targets := stored.targets) is not None:
                digest.update(targets[rows][:, by_name].tobytes())
    return digest.hexdigest()
