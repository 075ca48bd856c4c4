r"""Smooth functions on intervals, as Chebyshev series on as many cells as they need.

    f(u) = sum_n c_n T_n(t),    u = centre + t width / 2,    |t| <= 1        on every cell

A cell is good when its last coefficients and two points between the nodes agree with f to a given part
of the largest |f| there; else it is halved. For analytic f the coefficients fall off geometrically, so
nothing on a scale that the nodes do not see escapes unless it is sharper than everything around it; the
first cells are made fine enough for what is known of f (see `search.points`). Many functions are covered
together: each cell says whose it is. Nothing here knows where f comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Function = Callable[[NDArray[np.int64], Floats], Floats]  # (whose, where) -> values, NaN where there are none

NODES = 16
TESTS = np.array([-0.6180339887, 0.3141592654])  # between the nodes
FINE = 4 * NODES  # points at which a cell's polynomial is looked at
BEYOND = 1.02  # a little over the edges, so that nothing slips through between two cells
DEPTH = 40  # halvings, at most
DEPTH_UNSOLVED = 10  # halvings of a cell where f has no value somewhere

_T = np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
_TO_COEFFICIENTS = 2 / NODES * chebyshev.chebvander(_T, NODES - 1)
_TO_COEFFICIENTS[:, 0] /= 2
_AT_TESTS = chebyshev.chebvander(TESTS, NODES - 1).T
SEEN_AT = BEYOND * np.sin(np.pi / 2 * np.linspace(-1, 1, FINE + 1))  # denser to the edges, as the nodes
_AT_SEEN = chebyshev.chebvander(SEEN_AT, NODES - 1).T


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

    def seen(self) -> Floats:
        """Values at `SEEN_AT`, (cells, FINE + 1)."""
        return self.coefficients @ _AT_SEEN

    @property
    def largest(self) -> Floats:
        """The largest |f| of every cell."""
        return np.abs(self.seen()).max(axis=1)


@dataclass(frozen=True)
class Cover:
    """What a scan found: cells where functions are known, and pieces where they have no value."""

    cells: Cells
    gaps: list[tuple[int, float, float]]  # whose, from, to


def cover(
    function: Function, low: Floats, high: Floats, count: NDArray[np.int64], *, part: float, floor: Floats
) -> Cover:
    """Chebyshev series of functions 0, 1, ... on their windows low ... high.

    Args:
        function: (whose, where) -> values.
        low, high: window of every function.
        count: cells that each starts with.
        part: accuracy, as a part of the largest value in a cell.
        floor: accuracy of every function, absolute, that is good enough: its rounding.
    """
    whose = np.repeat(np.arange(len(low)), count)
    step = np.concatenate([np.arange(n) for n in count]) if len(count) else np.zeros(0)
    width = ((high - low) / count)[whose]
    left = low[whose] + step * width
    right = np.where(step == count[whose] - 1, high[whose], left + width)
    done: list[Cells] = []
    gaps: list[tuple[int, float, float]] = []
    for depth in range(DEPTH + 1):
        if not len(whose):
            break
        centre, half = (left + right)[:, None] / 2, (right - left)[:, None] / 2
        where = centre + half * np.concatenate([_T, TESTS])
        values = function(np.repeat(whose, where.shape[1]), where.ravel()).reshape(where.shape)
        known = np.asarray(np.isfinite(values).all(axis=1))
        coefficients = np.where(known[:, None], values[:, :NODES], 0.0) @ _TO_COEFFICIENTS
        allowed = np.maximum(part * np.abs(values).max(axis=1), floor[whose])
        tail = np.abs(coefficients[:, -3:]).max(axis=1)
        missed = np.abs(coefficients @ _AT_TESTS - values[:, NODES:]).max(axis=1)
        good = known & (tail <= allowed) & (missed <= allowed)
        lost = ~known & ((depth >= DEPTH_UNSOLVED) | ~np.isfinite(values).any(axis=1))
        if depth == DEPTH:
            good |= known
        done.append(Cells(whose[good], left[good], right[good], coefficients[good]))
        gaps += zip(whose[lost].tolist(), left[lost].tolist(), right[lost].tolist(), strict=True)
        again = ~good & ~lost
        whose, left, right = whose[again].repeat(2), left[again], right[again]
        middle = (left + right) / 2
        left, right = np.stack([left, middle], 1).ravel(), np.stack([middle, right], 1).ravel()
    fields = ("whose", "low", "high", "coefficients")
    parts = (
        {name: np.concatenate([getattr(cells, name) for cells in done]) for name in fields} if done else {}
    )
    return Cover(Cells(**parts), _joined(gaps))


def _joined(gaps: list[tuple[int, float, float]]) -> list[tuple[int, float, float]]:
    """Gaps in order, neighbours put together."""
    out: list[tuple[int, float, float]] = []
    for whose, low, high in sorted(gaps):
        if out and out[-1][0] == whose and low <= out[-1][2] * (1 + 1e-15) + 1e-300:
            out[-1] = (whose, out[-1][1], high)
        else:
            out.append((whose, low, high))
    return out


@dataclass(frozen=True)
class Candidates:
    """Where a zero may be, by the polynomials: one row of every array for each."""

    whose: NDArray[np.int64]
    where: Floats
    slope: Floats  # df/du at a crossing; d^2f/du^2 at a touch
    touches: NDArray[np.bool_]  # an extremum close to 0 rather than a change of sign

    def only(self, wanted: NDArray[np.bool_]) -> Candidates:
        return Candidates(*(getattr(self, name)[wanted] for name in self.__dataclass_fields__))


def candidates(cells: Cells, *, close: float, floor: Floats) -> Candidates:
    """Changes of sign, and extrema closer to 0 than `close` times the largest value of their cell.

    `floor` is the rounding of every function: smaller values have no sign.
    """
    seen = cells.seen()
    up = seen > 0
    rows, j = np.nonzero(up[:, 1:] != up[:, :-1])
    roots = _newton(cells, rows, SEEN_AT[j], SEEN_AT[j + 1], 0)
    size = np.abs(seen)
    middle = size[:, 1:-1]
    low = (middle <= size[:, :-2]) & (middle <= size[:, 2:]) & (up[:, :-2] == up[:, 2:])
    low &= middle <= 0.1 * size.max(axis=1)[:, None]
    rows_low, j = np.nonzero(low)
    dips = _newton(cells, rows_low, SEEN_AT[j], SEEN_AT[j + 2], 1)
    depth = _value(cells, rows_low, dips, 0)
    near = np.abs(depth) <= np.maximum(close * size.max(axis=1)[rows_low], floor[cells.whose[rows_low]])
    rows_near, dips_near = rows_low[near], dips[near]
    # Two changes of sign between two points that were looked at: the dip lies between them.
    through = (depth > 0) != up[rows_low, j + 1]
    through &= up[rows_low, j] == up[rows_low, j + 1]
    extra_rows = np.concatenate([rows_low[through]] * 2)
    sides = [
        _newton(cells, rows_low[through], SEEN_AT[j[through]], dips[through], 0),
        _newton(cells, rows_low[through], dips[through], SEEN_AT[j[through] + 2], 0),
    ]
    all_rows = np.concatenate([rows, extra_rows, rows_near])
    t = np.concatenate([roots, *sides, dips_near])
    touches = np.arange(len(t)) >= len(t) - len(dips_near)
    half = (cells.high - cells.low)[all_rows] / 2
    slope = np.where(touches, _value(cells, all_rows, t, 2) / half**2, _value(cells, all_rows, t, 1) / half)
    return Candidates(cells.whose[all_rows], cells.at(all_rows, t), slope, touches)


def _value(cells: Cells, rows: NDArray[np.int64], t: Floats, derivative: int) -> Any:
    """d^n f / dt^n of some cells, each at its own t, by Clenshaw's recurrence."""
    c: Any = cells.coefficients[rows].T
    if derivative:
        c = chebyshev.chebder(c, derivative)
    return chebyshev.chebval(t, c, tensor=False) if len(t) else np.zeros(0)


def _newton(cells: Cells, rows: NDArray[np.int64], a: Floats, b: Floats, derivative: int) -> Floats:
    """Zeros of f (or of its derivative) between t = a and b: Newton steps that stay inside.

    Where the bracket holds a change of sign it shrinks, and a step that leaves it is halved into it.
    """
    a, b = a.copy(), b.copy()
    at_a = _value(cells, rows, a, derivative) > 0
    t = (a + b) / 2
    for _ in range(8):
        value, slope = _value(cells, rows, t, derivative), _value(cells, rows, t, derivative + 1)
        same = (value > 0) == at_a
        a, b = np.where(same, t, a), np.where(same, b, t)
        safe = np.where(slope == 0, 1.0, slope)
        step = t - value / safe
        t = np.where((step > a) & (step < b), step, (a + b) / 2)
    return t
