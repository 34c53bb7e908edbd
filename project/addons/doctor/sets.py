"""What is odd about the sets of labels, where texts have any number of them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from project.addons.doctor.texts import SHOWN, Example, Finding, Numbers, Texts, visible

FEW = 10  # texts of a label, below which it is hardly learned, and measured by chance
TOGETHER = 0.95  # share of the texts of either of two labels that have both
IMPLIED = 0.98  # share of the texts of a label that have a certain other one too
COMMON = 0.8  # share of all texts from which on a label comes with most of the others anyway
EVERYWHERE = 0.95  # share of all texts that have a label, from which on it tells little
EMPTY = 0.5  # share of texts without a label, from which on some may just lack an answer
MOST = 0.5  # of all labels, above which a text has many
LEAST_LABELS = 4  # below which half of all labels is not many
USUAL = 0.02  # share of texts with many labels, from which on these are nothing unusual
SINGLE = 0.2  # share of texts with a set of their own, from which on exact match says little


def sizes_of_sets(texts: Texts, split: int) -> dict[str, Any]:
    """Return how many labels the texts of a split have: shares as float, numbers as int; nothing if each has one."""
    if texts.members is None:
        return {}
    labels = texts.labels[texts.split[: len(texts)] == split]
    sizes = texts.members.sum(1)[labels]
    return {
        "texts without a label": float((sizes == 0).mean()),
        "texts with several labels": float((sizes > 1).mean()),
        "labels of a text, most": int(sizes.max()),
        "sets of labels": len(np.unique(labels)),
    }


def set_findings(texts: Texts) -> Iterator[Finding]:
    """Yield what is odd about how many labels texts have, and which; nothing if each has one."""
    if texts.members is None:
        return
    yield from rare_labels(texts)
    yield from everywhere(texts)
    yield from together(texts)
    yield from odd_sizes(texts, texts.members)
    counts = np.bincount(texts.labels)
    single = np.flatnonzero(counts[texts.labels] == 1)
    if len(single) >= SINGLE * len(texts):
        what = f"texts whose set of labels no other text has ({len(single) / len(texts):.0%})"
        yield from texts.finding("single sets", single, what, "go by F1 rather than by exact match", False)


def rare_labels(texts: Texts) -> Iterator[Finding]:
    """Yield the labels of few texts."""
    counts, names = texts.counts(), texts.corpus.label_names
    rare = np.flatnonzero((counts > 0) & (counts < FEW))
    rare = rare[np.argsort(counts[rare], kind="stable")]
    if len(rare):
        examples = [
            example_of(texts, texts.rows_with(label)[0], f"{names[label]}: {counts[label]:,} in all")
            for label in rare[:SHOWN].tolist()
        ]
        advice = "add texts of them, join them with others, or leave them out: figures of so few texts are chance"
        yield Finding(
            "rare labels", False, f"labels of fewer than {FEW} texts: {len(rare):,}", len(rare), advice, examples
        )


def everywhere(texts: Texts) -> Iterator[Finding]:
    """Yield the labels that nearly all texts have."""
    counts, names = texts.counts(), texts.corpus.label_names
    for label in np.flatnonzero(counts >= EVERYWHERE * len(texts)).tolist():
        what = visible(f"label {names[label]!r} is that of {counts[label] / len(texts):.1%} of all texts")
        yield Finding("label everywhere", False, what, 1, "leave it out, unless the others are what matters", [])


def together(texts: Texts) -> Iterator[Finding]:
    """Yield the pairs of labels of which both come together, or one with the other."""
    assert texts.members is not None
    members, names, counts = texts.members.astype(np.float64), texts.corpus.label_names, texts.counts()
    both = (members.T * np.bincount(texts.labels, minlength=len(members))) @ members  # texts, (C, C)
    either = counts[:, None] + counts - both
    enough = (counts >= FEW)[:, None] & (counts >= FEW)
    known = (counts < COMMON * len(texts)) & enough
    same = np.triu(known & known.T & (both >= TOGETHER * either), 1)
    implied = known & (both >= IMPLIED * counts[:, None]) & ~(same | same.T) & ~np.eye(len(names), dtype=bool)
    for kind, pairs, what, how in (
        ("labels together", same, "pairs of labels that nearly always come together", "and"),
        ("label implied", implied, "labels that nearly always come with a certain other one", "with"),
    ):
        found = np.argwhere(pairs)
        examples = []
        for one, other in found[:SHOWN].tolist():
            row = np.intersect1d(texts.rows_with(one), texts.rows_with(other))[0]
            first, second = (f"{names[each]} ({counts[each]:,})" for each in (one, other))
            remark = f"{first} {how} {second}: {both[one, other]:,.0f} texts"
            examples.append(example_of(texts, row, remark))
        if examples:
            advice = "if the one follows from the other by rule, leave it to the rule: the figures count both"
            yield Finding(kind, False, f"{what}: {len(found):,}", len(found), advice, examples)


def odd_sizes(texts: Texts, members: NDArray[np.bool_]) -> Iterator[Finding]:
    """Yield texts without labels if they are many, the few with many labels, and that each text has just one."""
    sizes: Numbers = members.sum(1)[texts.labels]
    empty, share = np.flatnonzero(sizes == 0), float((sizes == 0).mean())
    if share >= EMPTY:
        advice = "if some were just never labelled, remove these: no label counts as none of the labels"
        yield from texts.finding("no label", empty, f"texts without a label ({share:.0%})", advice, False)
    many = np.flatnonzero(sizes > MOST * len(texts.corpus.label_names))
    if len(texts.corpus.label_names) >= LEAST_LABELS and len(many) < USUAL * len(texts):
        remarks = {row: f"{sizes[row]} labels" for row in many[:SHOWN].tolist()}
        advice = "check whether these mean that everything applies, or that nobody has chosen"
        yield from texts.finding("many labels", many, "texts with more than half of all labels", advice, False, remarks)
    if (sizes == 1).all():
        what, advice = "every text has exactly one label", "--data.labels=one: probabilities then add up to 1"
        yield Finding("one label", False, what, len(texts), advice, [])


def example_of(texts: Texts, row: int, remark: str) -> Example:
    """Return a text with what is said about it."""
    return Example(texts.place(row), texts.excerpt(row), visible(remark))
