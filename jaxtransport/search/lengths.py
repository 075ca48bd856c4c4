r"""Lengths at which the current is reciprocal: Delta I at every N of a window.

N is whole, so most zeros fall between lengths. A length is a zero where Delta I vanishes to rounding (one
pair at mu_bar = 1: N = 6, 9, 12 ...), and a change of sign lies between two lengths otherwise; there the
one with the smaller |Delta I| is reported.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jaxtransport.search.barriers import careful
from jaxtransport.search.chebyshev_cover import Floats
from jaxtransport.search.current_difference import CurrentDifference, Model, WireBatch
from jaxtransport.search.points import rounding

LENGTH = "N"


@dataclass(frozen=True)
class Lengths:
    """Delta I at every length, and the lengths where it vanishes or changes sign."""

    N: NDArray[np.int64]  # (length,), all that were tried
    nonreciprocity: Floats  # (length,), I_o
    status: NDArray[np.int64]
    rows: NDArray[np.int64]  # (zero,), which of them
    exact: NDArray[np.bool_]  # (zero,): vanishes to rounding; else changes sign next to it
    slope: Floats  # (zero,), change of Delta I to the next length, I_o per site
    flat: bool


def find_lengths(model: Model, batch: WireBatch) -> Lengths:
    """Delta I of wires of increasing length, and where it vanishes."""
    N = np.asarray(batch.wire.length)
    model = careful(model, batch, [])
    parts = CurrentDifference(model, batch).values(np.arange(len(N)), np.zeros((0, len(N))))
    value = np.asarray(parts.nonreciprocity())
    floor = rounding(model, batch, [])
    exact = np.abs(parts.delta_I) <= floor
    known = np.isfinite(value)
    flat = bool(known.sum() > 1 and exact[known].all())
    sign = np.where(exact, 0.0, np.sign(value))
    crossing = sign[:-1] * sign[1:] < 0  # between a length and the next that was tried
    nearer = np.where(np.abs(value[:-1]) <= np.abs(value[1:]), np.arange(len(N) - 1), np.arange(1, len(N)))
    rows = (
        np.unique(np.concatenate([np.flatnonzero(exact), nearer[crossing]])) if not flat else np.zeros(0, int)
    )
    step = np.diff(value) / np.diff(N)
    forward = np.append(step, step[-1:]) if len(step) else np.full(len(N), np.nan)
    return Lengths(N, value, np.asarray(parts.status), rows, exact[rows], forward[rows], flat)
