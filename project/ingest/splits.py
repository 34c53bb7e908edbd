"""Rows of train -> which of them become val or test where a corpus has none; the same ones every time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SEED = 0  # of the choice; not the run's seed, so that runs with several seeds share their splits


def carve_rows(digests: NDArray[np.uint64], labels: NDArray[np.int32], share: float) -> NDArray[np.bool_]:
    """Choose about `share` of each class, keeping texts that come twice together.

    Args:
        digests: Of each text, (rows,): equal texts, equal digests.
        labels: Of each text, (rows,).
        share: Of the different texts of a class; at least one where it has two.

    Returns:
        Which rows are chosen, (rows,).
    """
    generator = np.random.default_rng(SEED)
    _, first = np.unique(digests, return_index=True)
    first.sort()
    chosen = [_pick(first[labels[first] == label], share, generator) for label in np.unique(labels)]
    return np.isin(digests, digests[np.concatenate(chosen)])


def _pick(rows: NDArray[np.int64], share: float, generator: np.random.Generator) -> NDArray[np.int64]:
    count = max(round(share * len(rows)), int(len(rows) > 1))
    return generator.permutation(rows)[:count]


def carve_phrases(texts: Sequence[str], share: float) -> NDArray[np.bool_]:
    """Choose about `share` of the whole sentences and every phrase that stands inside one of them.

    A sentence is whole if it stands inside no other text. Rows of the Stanford Sentiment Treebank are phrases of its
    sentences, so that a random choice of rows would leave the words of val in train (Socher et al. 2013).

    Args:
        texts: Tokens separated by spaces.
        share: Of the whole sentences.

    Returns:
        Which rows are chosen, (rows,).
    """
    tokens = [text.split() for text in texts]
    inside: set[str] = set()
    whole: list[int] = []
    for row in sorted(range(len(tokens)), key=lambda row: -len(tokens[row])):
        if " ".join(tokens[row]) not in inside:
            whole.append(row)
            inside.update(phrases(tokens[row]))
    picked = _pick(np.array(whole), share, np.random.default_rng(SEED))
    held_out = {phrase for row in picked for phrase in phrases(tokens[row])}
    return np.array([" ".join(words) in held_out for words in tokens])


def phrases(words: list[str]) -> set[str]:
    """Return every run of words."""
    return {" ".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, len(words) + 1)}
