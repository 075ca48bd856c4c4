"""Quantiles of the members of an average: exact while they fit in memory, else by a sketch.

Exact: x sorted, linear between its order statistics, as in NumPy. The sketch counts members in buckets

    gamma^(k-1) < |x| <= gamma^k,   gamma = (1 + alpha) / (1 - alpha)

(DDSketch: Masson, Rim and Lee, PVLDB 12, 2195 (2019)), so that each value is found to a relative error of
alpha, and counts do not depend on the order of the members. |x| up to `SMALLEST` counts as 0, |x| beyond
`LARGEST` as infinite.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

EXACT_BYTES = 2**25  # most that the members of one point may take to be kept
ALPHA = 1e-3
SMALLEST, LARGEST = 1e-30, 1e10  # conductances of localised wires are small
_LOG_GAMMA = np.log((1 + ALPHA) / (1 - ALPHA))
_FIRST = int(np.ceil(np.log(SMALLEST) / _LOG_GAMMA))
_BUCKETS = int(np.ceil(np.log(LARGEST) / _LOG_GAMMA)) - _FIRST + 1
SKETCH_BYTES = 8 * (2 * _BUCKETS + 1)  # of one number


def exact(x: np.ndarray, good: np.ndarray, probabilities: Sequence[float]) -> np.ndarray:
    """Quantiles along the last axis, of the members that are `good`; NaN where there are none.

    Args:
        x: shape (quantity, point ..., member).
        good: shape (point ..., member).

    Returns:
        Shape (quantity, point ..., probability).
    """
    n = np.broadcast_to(np.count_nonzero(good, -1), x.shape[:-1])
    without = np.any(np.isnan(x) & good, -1)  # a member without a number
    every = np.sort(x if good.all() else np.where(good, x, np.inf), -1)
    out = np.empty((*x.shape[:-1], len(probabilities)))
    for i, p in enumerate(probabilities):
        at = p * np.maximum(n - 1, 0)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, np.maximum(n - 1, 0))
        a, b = (np.take_along_axis(every, k[..., None], -1)[..., 0] for k in (low, high))
        with np.errstate(invalid="ignore"):
            between = np.where(at - low < 0.5, a + (b - a) * (at - low), b - (b - a) * (1 - (at - low)))
        out[..., i] = np.where(a == b, a, between)
    out[(n == 0) | without] = np.nan
    return out


class Sketch:
    """Counts of members by their size, for several numbers."""

    def __init__(self, numbers: int) -> None:
        self.counts = np.zeros((numbers, 2 * _BUCKETS + 1), np.int64)
        self.without = np.zeros(numbers, bool)  # whether a member has no number

    def add(self, x: np.ndarray, good: np.ndarray) -> None:
        """Count the members that are `good`; x and good have shape (number, member)."""
        missing = np.isnan(x)
        self.without |= np.any(missing & good, -1)
        with np.errstate(all="ignore"):
            k = np.ceil(np.log(np.abs(np.where(missing, 0.0, x))) / _LOG_GAMMA) - _FIRST + 1
        k = np.clip(k, 0, _BUCKETS)
        place = _BUCKETS + (np.where(x < 0, -1, 1) * k).astype(int)
        for row, places, kept in zip(self.counts, place, good & ~missing, strict=True):
            row += np.bincount(places[kept], minlength=len(row))

    def quantiles(self, probabilities: Sequence[float]) -> np.ndarray:
        """Shape (number, probability); NaN where nothing was counted, or a member has no number."""
        k = np.arange(1, _BUCKETS + 1) + _FIRST - 1
        size = 2 * np.exp(k * _LOG_GAMMA) / (np.exp(_LOG_GAMMA) + 1)
        size[-1] = np.inf  # everything beyond `LARGEST`
        values = np.concatenate([-size[::-1], [0.0], size])
        below = np.cumsum(self.counts, -1)
        ranks = np.outer(np.maximum(below[:, -1] - 1, 0), probabilities)
        found = [
            values[np.searchsorted(row, rank, side="right").clip(max=len(values) - 1)]
            for row, rank in zip(below, np.floor(ranks), strict=True)
        ]
        return np.where((below[:, -1:] == 0) | self.without[:, None], np.nan, np.array(found))
