"""Counts of right answers, and of those that changed -> intervals, and whether that is more than chance."""

import math

import numpy as np

Z = 1.959964  # standard errors to each side in a 95 % interval


def wilson(right: int, texts: int) -> tuple[float, float]:
    """Return the 95 % score interval of an accuracy (Wilson 1927)."""
    share, square = right / texts, Z**2 / texts
    half = math.sqrt(share * (1 - share) * square + square**2 / 4)
    low, high = ((share + square / 2 + side) / (1 + square) for side in (-half, half))
    return max(low, 0.0), min(high, 1.0)


def mcnemar(lost: int, won: int) -> float:
    """Return the exact two-sided p value of McNemar's test (1947).

    Args:
        lost: Texts that only the first of two models got right.
        won: Texts that only the second got right.
    """
    changed = lost + won
    most = math.lgamma(changed + 1) - changed * math.log(2)
    tail = (math.exp(most - math.lgamma(k + 1) - math.lgamma(changed - k + 1)) for k in range(min(lost, won) + 1))
    return min(1.0, 2 * math.fsum(tail))


def holm(values: list[float]) -> list[float]:
    """Return p values corrected for their number, in their order (Holm 1979)."""
    order = np.argsort(values)
    raised = np.minimum(np.array(values)[order] * np.arange(len(values), 0, -1), 1.0)
    return [float(p) for p in np.maximum.accumulate(raised)[np.argsort(order)]]
