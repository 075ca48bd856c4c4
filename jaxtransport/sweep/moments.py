"""Moments of a sample that arrives in pieces.

    n,   mean,   squares = sum (x - mean)^2,   logs = sum log |x|

Of one piece in two passes, with the rounding of the mean taken out; of two pieces together

    mean = mean_a + d n_b / n,   squares = squares_a + squares_b + d^2 n_a n_b / n,   d = mean_b - mean_a

(Chan, Golub and LeVeque, The American Statistician 37, 242 (1983), equation 2.1). Pieces are always merged in
the order of their members, so that results do not depend on who computed what, or when.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Moments(NamedTuple):
    """Moments of several quantities at several points; `n`, `failed` and `first` are those of a point."""

    n: np.ndarray  # members that count
    mean: np.ndarray  # (quantity, point ...), likewise the next two
    squares: np.ndarray
    logs: np.ndarray
    failed: np.ndarray  # members left out
    first: np.ndarray  # status of the first of them, 0 if there is none

    @classmethod
    def none(cls, quantities: int, points: tuple[int, ...]) -> Moments:
        """Of no member."""
        zeros = np.zeros((quantities, *points))
        return cls(
            np.zeros(points, int), zeros, zeros, zeros, np.zeros(points, int), np.zeros(points, np.int8)
        )


def moments(x: np.ndarray, status: np.ndarray, *, squares: bool = True, logs: bool = True) -> Moments:
    """Moments of pieces along the last axis.

    Args:
        x: shape (quantity, point ..., member).
        status: of every member, shape (point ..., member); those other than 0 are left out.
        squares, logs: whether they are needed; 0 otherwise.
    """
    good = status == 0
    n = np.count_nonzero(good, -1)
    every = bool(n.size) and int(n.min()) == good.shape[-1]
    kept = (lambda values: values) if every else (lambda values: np.where(good, values, 0.0))
    with np.errstate(all="ignore"):
        count = np.maximum(n, 1)
        mean = np.add.reduce(kept(x), -1) / count
        off = kept(x - mean[..., None])
        rest = np.add.reduce(off, -1) / count
        mean = mean + rest
        about = np.add.reduce(off * off, -1) - n * rest * rest if squares else np.zeros_like(mean)
        of_logs = np.add.reduce(kept(np.log(np.abs(x))), -1) if logs else np.zeros_like(mean)
    bad = ~good
    first = np.take_along_axis(status, np.argmax(bad, -1)[..., None], -1)[..., 0]
    return Moments(n, mean, about, of_logs, good.shape[-1] - n, first.astype(np.int8))


def merged(a: Moments, b: Moments) -> Moments:
    """Moments of both, a first."""
    n = a.n + b.n
    with np.errstate(all="ignore"):
        share = b.n / np.maximum(n, 1)
        d = b.mean - a.mean
        mean = np.where(b.n > 0, np.where(a.n > 0, a.mean + d * share, b.mean), a.mean)
        between = np.where((a.n > 0) & (b.n > 0), d * d * (a.n * share), 0.0)
    first = np.where(a.failed > 0, a.first, b.first)
    return Moments(n, mean, a.squares + b.squares + between, a.logs + b.logs, a.failed + b.failed, first)


def chosen(where: np.ndarray, a: Moments, b: Moments) -> Moments:
    """a at the points where it says so, b elsewhere."""
    return Moments(*(np.where(where, x, y) for x, y in zip(a, b, strict=True)))


def standard_error(n: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Standard error of the mean; NaN for less than two members."""
    with np.errstate(all="ignore"):
        return np.where(n > 1, np.sqrt(squares / (n - 1) / n), np.nan)
