"""Texts as numbers of words -> pairs that are alike, without comparing all with all.

MinHash with bands (Broder 1997, On the Resemblance and Containment of Documents; Leskovec et al., Mining of Massive
Datasets, chapter 3) proposes pairs by their runs of two words; a pair counts if nine in ten of its words are shared.
"""

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from project.addons.doctor.texts import Numbers

BANDS, ROWS = 32, 4  # a pair with 9 of 10 words in common is proposed in 99 of 100 cases, or more
SHARE = 0.9  # of the different words of both texts that are common to them
WINDOW = 4  # neighbours that a text is compared with, apart from the first, among those with an equal band
ENOUGH = 8  # pairs of a text after which no more are looked for
CHUNK = 16_384  # texts that are hashed together
SHIFT = np.uint64(32)
MIX = np.uint64(0x9E3779B97F4A7C15)  # odd, without a pattern in its bits: 2^64 divided by the golden ratio
SEED = 0

Hashes = NDArray[np.uint64]


def near_pairs(words: Hashes, starts: Numbers) -> Numbers:
    """Return pairs of texts that share nine in ten of their different words, (pairs, 2), the earlier one first.

    Args:
        words: For each text a 0 and the numbers of its words, from 1; a 0 follows the last.
        starts: Position of each text's 0, and of the last one, (texts + 1,).
    """
    texts = len(starts) - 1
    runs = _mixed(_mixed(words[:-1]) + words[1:])  # of two words, with the begin and the end of the text
    factors = np.random.default_rng(SEED).integers(2**63, size=(BANDS, ROWS), dtype=np.uint64) * np.uint64(2)
    seen = np.array([-1])  # pairs as one number, earlier * texts + later, in rising order
    found = np.empty(0, np.int64)
    for factor in tqdm(factors + np.uint64(1), "near duplicates", unit=" bands", disable=None):
        full = np.bincount(found % texts, minlength=texts) >= ENOUGH
        earlier, later = _neighbours(_band(runs, starts, factor))
        new = np.sort((earlier * texts + later)[~full[later]])
        new = new[(np.diff(new, prepend=-1) > 0) & (seen[np.searchsorted(seen, new, "right") - 1] != new)]
        seen = np.sort(np.concatenate([seen, new]), kind="stable")
        found = np.concatenate([found, new[[_alike(words, starts, *divmod(pair, texts)) for pair in new.tolist()]]])
    return np.stack([found // texts, found % texts], axis=1)


def _mixed(numbers: Hashes) -> Hashes:
    """Return numbers in which every bit depends on every bit of the given ones (Steele et al. 2014, SplitMix)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9) + MIX
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def _band(runs: Hashes, starts: Numbers, factors: Hashes) -> Hashes:
    """Return a number for each text, (texts,); two are equal with their share of common runs to the power of ROWS."""
    band = np.zeros(len(starts) - 1, np.uint64)
    for first in range(0, len(band), CHUNK):
        edges = starts[first : first + CHUNK + 1]
        for factor in factors:
            hashed = (runs[edges[0] : edges[-1]] * factor) >> SHIFT
            least = np.minimum.reduceat(hashed, edges[:-1] - edges[0])
            band[first : first + CHUNK] = _mixed(band[first : first + CHUNK] + least)
    return band


def _neighbours(band: Hashes) -> tuple[Numbers, Numbers]:
    """Return pairs of texts with an equal band: all of a few texts, of many each with the first and its neighbours."""
    order = np.argsort(band, kind="stable")
    ordered = band[order]
    place = np.arange(len(band))
    begins = np.maximum.accumulate(np.where(np.diff(ordered, prepend=~ordered[:1]) != 0, place, 0))
    steps = [place - begins, *(np.full(len(band), step) for step in range(1, WINDOW + 1))]
    pairs = [(order[np.maximum(place - step, 0)], order) for step in steps]
    kept = [(step > 0) & (step <= place - begins) for step in steps]
    earlier, later = (
        np.concatenate([pair[side][keep] for pair, keep in zip(pairs, kept, strict=True)]) for side in (0, 1)
    )
    return earlier, later


def _alike(words: Hashes, starts: Numbers, one: int, other: int) -> bool:
    first, second = (set(words[starts[text] + 1 : starts[text + 1]].tolist()) for text in (one, other))
    return bool(first) and 2 * len(first & second) >= SHARE * (len(first) + len(second))
