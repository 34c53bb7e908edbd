"""Rows that cannot be used, and labels that are written in several ways, rare, or missing from a split."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import combinations

import numpy as np

from project.addons.doctor.texts import SHOWN, Example, Finding, Texts, visible
from project.ingest import Corpus

ALIKE = 0.85  # of the letters of two words in which a typing error is suspected
RARE = 0.2  # rows of the rarer of two labels to those of the other: a typing error is rare
UNEVEN = 10  # rows of the commonest class to those of the rarest
MOST_COMPARED = 1000  # labels
PARTICULARS = re.compile(r"'.*'|\".*\"|\(.*\)|(?<![-\w])\d+|: .*")  # of a reason why a row is bad


def bad_rows(corpus: Corpus, skipped: bool) -> Iterator[Finding]:
    """Yield a finding for each reason why rows cannot be used; `skipped` if the user has asked to leave them out."""
    reasons: dict[str, list[Example]] = defaultdict(list)
    counts: dict[str, int] = defaultdict(int)
    with (corpus.folder / "bad_rows.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            kind = PARTICULARS.sub("…", row["reason"])
            counts[kind] += 1
            if counts[kind] <= SHOWN:
                reasons[kind].append(Example(f"{row['file']}:{row['line']}", remark=visible(row["reason"])))
    for kind, count in counts.items():
        what = f"rows that cannot be used ({reasons[kind][0].remark}): {count:,}"
        advice = "correct them" if skipped else "correct them, or leave them out with --data.bad_rows=skip"
        yield Finding("bad rows", not skipped, what, count, advice, reasons[kind])
    for note in corpus.notes:
        if (found := re.match(r"(.+?:\d+): (quotation marks .*)", note)) is not None:
            yield Finding("quotation marks", False, found[2], 1, "look at that row", [Example(found[1])])


def label_findings(texts: Texts) -> Iterator[Finding]:
    """Yield what is odd about names and numbers of the labels."""
    names, counts, several = texts.corpus.label_names, texts.counts(), texts.members is not None

    rising = np.argsort(counts, kind="stable")
    for one, other in combinations(rising[counts[rising] > 0][:MOST_COMPARED].tolist(), 2):
        if (how := alike(names[one], names[other], counts[one] / counts[other])) is not None:
            what = f"labels {names[one]!r} and {names[other]!r} {how}; texts of the first"
            advice = "spell them the same way, if they mean the same"
            yield from texts.finding("labels alike", texts.rows_with(one), what, advice, True)
    for label in [] if several else np.flatnonzero(counts == 1).tolist():  # of several see `rare_labels`
        advice = "add texts of it, or leave it out: no split can hold more than this one"
        yield from texts.finding("single text", texts.rows_with(label), f"class {names[label]!r}", advice, False)
    for split, name in enumerate(texts.names):
        absent = np.flatnonzero((counts > 1) & (texts.counts(split) == 0))
        if len(absent):
            what = f"classes that {name} lacks: {len(absent)}, such as {names[absent[0]]!r}"
            yield Finding("absent class", False, what, len(absent), f"add texts of it to {name}", [])
    some = np.flatnonzero(counts > 1)
    if len(some) and counts.max() >= UNEVEN * counts[some].min():
        least, most = some[counts[some].argmin()], counts.argmax()
        what = f"class {names[least]!r} has {counts[least]:,} texts, {names[most]!r} {counts[most]:,}"
        advice = "--model.class_weights=balanced or --data.balanced_sampling=true; go by F1 rather than accuracy"
        advice = "--model.class_weights=balanced; go by F1 rather than by exact match" if several else advice
        yield Finding("uneven classes", False, what, 1, advice, [])


def alike(one: str, other: str, ratio: float) -> str | None:
    """Return in what two names of labels that may mean the same differ; None for others.

    Args:
        one: The rarer.
        other: The commoner.
        ratio: Of their numbers of rows.
    """
    bare = [re.sub(r"[\s_-]+", "", name.casefold()) for name in (one, other)]
    if bare[0] == bare[1] and any(map(str.isalnum, bare[0])):
        return "differ only in case, spaces or hyphens"
    words = [set(re.split(r"[\W_]+", name.casefold())) for name in (one, other)]
    differing = [*(words[0] - words[1]), *(words[1] - words[0])]
    near = ratio <= RARE and len(differing) == 2 and len(words[0]) == len(words[1]) and similar(*differing)
    return "differ by a letter or two" if near else None


def similar(one: str, other: str) -> bool:
    """Return whether one word may be the other with a typing error; of short ones, such as sad and mad, never."""
    long = min(len(one), len(other)) >= 4 and (one + other).isalpha() and one[0] == other[0]
    return long and SequenceMatcher(None, one, other).ratio() >= ALIKE
