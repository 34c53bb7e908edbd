"""Texts and their labels -> parts of them, by name, in which one model may be better than in others."""

import re
from collections import Counter

import numpy as np
from numpy.typing import NDArray

NEGATION = re.compile(r"\b(?:no|not|never|none|nothing|nobody|nor|neither|without|hardly|cannot)\b|n['\u2019]t\b", re.I)


def slices_of(texts: list[str], labels: list[str]) -> dict[str, NDArray[np.bool_]]:
    """Return which texts, (texts,), are in each part: by length, by negation, by true class; none is empty."""
    lengths = np.array([len(text.split()) for text in texts])
    negated = np.array([bool(NEGATION.search(text)) for text in texts])
    lowest = np.unique(np.quantile(lengths, [0, 0.25, 0.5, 0.75], method="higher"))  # fewer if many are equally long
    ranges = zip(lowest, [*(lowest[1:] - 1), lengths.max()], strict=True)
    found = {f"{low} to {high} words": (low <= lengths) & (lengths <= high) for low, high in ranges}
    found |= {"with negation": negated, "without negation": ~negated}
    common = [label for label, _ in Counter(labels).most_common(10)]  # few texts show little
    found |= {f"truly {label}": np.array([each == label for each in labels]) for label in common}
    return {name: rows for name, rows in found.items() if rows.any()}
