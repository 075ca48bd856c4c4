r"""Smooth functions on intervals, as Chebyshev series on as many cells as they need.

    f(u) = sum_n c_n T_n(t),    u = centre + t width / 2,    |t| <= 1        on every cell

A cell is good when its last coefficients and two points between the nodes agree with f to a given part
of the largest |f| there; else it is halved. For analytic f the coefficients fall off geometrically, so
nothing on a scale that the nodes do not see escapes unless it is sharper than everything around it; the
first cells are made fine enough for what is known of f (see `search.points`). Many functions are covered
together: each cell has the index of its function. Nothing here depends on the origin of f.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Function = Callable[[NDArray[np.int64], Floats], Floats]  # (whose, where) -> values, NaN if undefined

NODES = 16
TESTS = np.array([-0.6180339887, 0.3141592654])  # between the nodes
DEPTH = 40  # halvings, at most
DEPTH_UNSOLVED = 10  # halvings of a cell where f has no value somewhere

_T = np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
_TO_COEFFICIENTS = 2 / NODES * chebyshev.chebvander(_T, NODES - 1)
_TO_COEFFICIENTS[:, 0] /= 2
_AT_TESTS = chebyshev.chebvander(TESTS, NODES - 1).T


@dataclass(frozen=True)
class Cells:
    """Cells on which functions are known; one row of every array for each."""

    whose: NDArray[np.int64]
    low: Floats
    high: Floats
    coefficients: Floats  # (cells, NODES)

    def at(self, rows: NDArray[np.int64], t: Floats) -> Floats:
        """u at t of some cells."""
        low, high = self.low[rows], self.high[rows]
        return (low + high) / 2 + t * (high - low) / 2

    def values(self, t: Floats, derivative: int = 0) -> Floats:
        """d^n f / dt^n of every cell at the same t, (cells, len(t))."""
        series: Any = np.eye(NODES)
        if derivative:
            series = chebyshev.chebder(series, derivative)
        return self.coefficients @ chebyshev.chebval(t, series)

    def only(self, wanted: Any) -> Cells:
        """Some of the cells."""
        return Cells(*(getattr(self, name)[wanted] for name in self.__dataclass_fields__))

    def quarters(self) -> Cells:
        """The same functions on the quarters of every cell."""
        edge = self.low[:, None] + (self.high - self.low)[:, None] * np.linspace(0, 1, 5)
        edge[:, -1] = self.high
        coefficients = [
            self.values(_T / 4 + middle) @ _TO_COEFFICIENTS for middle in (-0.75, -0.25, 0.25, 0.75)
        ]
        return Cells(
            self.whose.repeat(4),
            edge[:, :-1].ravel(),
            edge[:, 1:].ravel(),
            np.stack(coefficients, 1).reshape(-1, NODES),
        )

    @classmethod
    def joined(cls, parts: Sequence[Cells]) -> Cells:
        return cls(*(np.concatenate([getattr(p, n) for p in parts]) for n in cls.__dataclass_fields__))


@dataclass(frozen=True)
class Cover:
    """Result of a scan: cells where functions are known, and intervals where they have no value."""

    cells: Cells
    gaps: list[tuple[int, float, float]]  # whose, from, to


def starting(low: Floats, high: Floats, count: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Windows of functions 0, 1, ... cut into `count` equal cells each: (whose, low, high) of every cell."""
    whose = np.repeat(np.arange(len(low)), count)
    step = np.arange(len(whose)) - np.repeat(np.cumsum(count) - count, count)
    edge = lambda step: low[whose] + (high - low)[whose] * (step / count[whose])
    return whose, edge(step), np.where(step == count[whose] - 1, high[whose], edge(step + 1))


def cover(
    function: Function,
    whose: NDArray[np.int64],
    left: Floats,
    right: Floats,
    *,
    part: float,
    floor: Floats,
    depth: int = DEPTH,
) -> Cover:
    """Chebyshev series of functions on the cells left ... right, halved as often as they need.

    Args:
        function: (whose, where) -> values.
        whose, left, right: the cells to begin with.
        part: accuracy, as a part of the largest value in a cell.
        floor: sufficient absolute accuracy of each function: its rounding error.
        depth: largest number of halvings; then a cell is accepted as it is.
    """
    done: list[Cells] = []
    gaps: list[tuple[int, float, float]] = []
    for halved in range(depth + 1):
        centre, half = (left + right)[:, None] / 2, (right - left)[:, None] / 2
        where = centre + half * np.concatenate([_T, TESTS])
        values = function(np.repeat(whose, where.shape[1]), where.ravel()).reshape(where.shape)
        known = np.asarray(np.isfinite(values).all(axis=1))
        coefficients = np.where(known[:, None], values[:, :NODES], 0.0) @ _TO_COEFFICIENTS
        allowed = np.maximum(part * np.abs(values).max(axis=1), floor[whose])
        tail = np.abs(coefficients[:, -3:]).max(axis=1)
        missed = np.abs(coefficients @ _AT_TESTS - values[:, NODES:]).max(axis=1)
        good = known & (((tail <= allowed) & (missed <= allowed)) | (halved == depth))
        lost = ~known & ((halved >= DEPTH_UNSOLVED) | (halved == depth) | ~np.isfinite(values).any(axis=1))
        done.append(Cells(whose[good], left[good], right[good], coefficients[good]))
        gaps += zip(whose[lost].tolist(), left[lost].tolist(), right[lost].tolist(), strict=True)
        again = ~good & ~lost
        whose, left, right = whose[again].repeat(2), left[again], right[again]
        middle = (left + right) / 2
        left, right = np.stack([left, middle], 1).ravel(), np.stack([middle, right], 1).ravel()
        if not len(whose):
            break
    return Cover(Cells.joined(done), _joined(gaps))


def _joined(gaps: list[tuple[int, float, float]]) -> list[tuple[int, float, float]]:
    """Gaps in order, with neighbours merged: they share an edge to the last bit."""
    out: list[tuple[int, float, float]] = []
    for whose, low, high in sorted(gaps):
        if out and out[-1][0] == whose and low <= out[-1][2]:
            out[-1] = (whose, out[-1][1], high)
        else:
            out.append((whose, low, high))
    return out
