"""Answers to texts -> groups of texts that have something in common, and how accurate the model is on each."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, cast

import numpy as np

from project.addons.report.answers import Answers
from project.addons.report.figures import Flags, Share, share
from project.ingest import Corpus, Split
from project.text import UNK_ID, Tokenizer

MOST_VALUES = 12  # of a column that makes slices
MOST_COLUMNS = 8
MOST_LABELS = 20  # of a text that has any number, as slices
NEGATION = re.compile(r"\b(?:no|not|never|nor|neither|nobody|nothing|nowhere|none|without|cannot)\b|n['\u2019]t\b")


class Group(NamedTuple):
    """Some texts, and the share of right answers among those that were answered."""

    name: str
    accuracy: Share


def grouped(tested: Answers, keys: Sequence[Any], names: dict[Any, str]) -> list[Group]:
    """Return a group for each of `names` that occurs among the `keys` of the texts; nothing if only one does."""
    return groups(tested, {name: np.array([each == key for each in keys]) for key, name in names.items()})


def groups(tested: Answers, parts: Mapping[str, Flags]) -> list[Group]:
    """Return a group for each of `parts`, (texts,), that has a text; nothing if only one does."""
    found = []
    for name, rows in parts.items():
        if rows.any():
            answered = rows & tested.answered
            found.append(Group(name, share(int(tested.right[answered].sum()), int(answered.sum()))))
    return found if len(found) > 1 else []


def label_slices(tested: Answers) -> dict[str, list[Group]]:
    """Return the groups of texts that have each class, and of several labels those that have so many of them."""
    own = groups(tested, {tested.names[c]: tested.has[:, c] for c in tested.most_frequent(MOST_LABELS)})
    if not tested.several:
        return {"True class": own}
    few = f" (the {MOST_LABELS} most frequent)" if len(tested.names) > MOST_LABELS else ""
    count = np.minimum(tested.has.sum(1), 3).tolist()
    numbers = grouped(tested, count, {0: "0", 1: "1", 2: "2", 3: "3 or more"})
    return {"Number of labels": numbers, f"True label{few}": own}


def quartiles(lengths: Sequence[int]) -> tuple[list[int], dict[int, str]]:
    """Return the quarter, 0 to 3, of each length, and what to call them; equal lengths stay together."""
    cuts = np.quantile(lengths, [0.25, 0.5, 0.75], method="inverted_cdf").astype(int)
    keys = np.searchsorted(cuts, lengths, side="left")
    ends = {int(key): np.array(lengths)[keys == key] for key in np.unique(keys)}
    return keys.tolist(), {key: f"{own.min()} to {own.max()} tokens" for key, own in ends.items()}


def slices(tested: Answers, tokenizer: Tokenizer, corpus: Corpus | None, label_column: str) -> dict[str, list[Group]]:
    """Return the groups of each slicing by its title, without those that have one group alone."""
    tokens = [tokenizer.split(text) for text in tested.texts]
    negated = [bool(NEGATION.search(text.lower())) for text in tested.texts]
    shares = [np.mean([tokenizer.token_id(token) == UNK_ID for token in each]) for each in tokens]
    unknown = [int(np.searchsorted([0, 0.1], each)) for each in shares]
    found = {
        "Length": grouped(tested, *quartiles([len(each) for each in tokens])),
        "English negation": grouped(tested, negated, {True: "not, never, n't, ...", False: "without"}),
        "Unknown words": grouped(tested, unknown, {0: "none", 1: "up to 10% of the tokens", 2: "more"}),
    }
    found |= label_slices(tested)
    if corpus is not None:
        for title, values in columns(tested, corpus, label_column).items():
            found[f"Column {title}"] = grouped(tested, values, {value: value for value in sorted(set(values))})
    return {title: groups for title, groups in found.items() if groups}


def columns(tested: Answers, corpus: Corpus, label_column: str) -> dict[str, list[str]]:
    """Return the first columns of the source that have few values, by their titles: a value for each tested text."""
    patterns = [each.strip() for each in label_column.split(",")] if tested.several else []  # of columns of 0 and 1

    def known(name: str) -> bool:
        named = name in (corpus.source.text_column, label_column) or name.startswith("p_")
        return named or any(fnmatchcase(name, pattern) for pattern in patterns)

    records = records_of(corpus, known)
    most = min(MOST_VALUES, len(tested.places) // 2)  # of few texts numbers are no groups
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for each in records.values() for name in each):
        values = [records.get(each, {}).get(name) for each in tested.places]
        shown = ["(empty)" if value in (None, "") else str(value) for value in values]
        if 1 < len(set(shown)) <= most and len(found) < MOST_COLUMNS:
            found[name] = shown
    return found


def records_of(corpus: Corpus, known: Callable[[str], bool]) -> dict[str, dict[str, Any]]:
    """Return the columns of each row of test, without those that are `known`, by its FILE:LINE."""
    rows = corpus.split("test")
    wanted = dict(zip(rows.chosen.tolist(), map(place, corpus.places("test")), strict=True))
    records = {}
    for record, position in corpus.source_rows(cast(Split, rows.path.stem)):  # of a carved split those of train
        others = {name: record[name] for name in record if not known(name)}
        if position == 0 and not others:
            return {}  # of a large source, the rest need not be read
        if position in wanted:
            records[wanted[position]] = others
    return records


def place(pair: Iterable[Any]) -> str:
    """Return FILE:LINE."""
    return ":".join(map(str, pair))
