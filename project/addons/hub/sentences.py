"""Phrases of sentences -> which of them are held out: whole sentences, with all their phrases."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from project.ingest.phrases import PhraseIndex
from project.ingest.splits import SEED


def carve_phrases(texts: Sequence[str], share: float) -> NDArray[np.bool_]:
    """Choose about `share` of the whole sentences and every phrase inside one of them.

    A sentence is whole if it is inside no other text. Rows of the Stanford Sentiment Treebank are phrases of its
    sentences, so that a random choice of rows would leave the words of val in train (Socher et al. 2013).

    Args:
        texts: Tokens separated by white space.
        share: Of the whole sentences.

    Returns:
        Which rows are chosen, (rows,).
    """
    plain = [" ".join(text.split()) for text in texts]
    index = PhraseIndex(plain)
    inside: set[int] = set()
    whole: list[int] = []
    for row in sorted(range(len(plain)), key=lambda row: -len(plain[row].split())):
        if hash(plain[row]) not in inside:
            whole.append(row)
            inside |= index.inside(plain[row])
    order = np.random.default_rng(SEED).permutation(np.array(whole))
    picked = order[: max(round(share * len(whole)), int(len(whole) > 1))]
    held_out = {phrase for row in picked for phrase in index.inside(plain[row])}
    return np.array([hash(text) in held_out for text in plain])
