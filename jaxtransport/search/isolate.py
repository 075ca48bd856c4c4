r"""Isolation of zeros of functions given as polynomials on cells: each in its own bracket.

A zero is plain where f' is large beside f around it, and then a change of sign between points closer than
the polynomial can turn shows it. Cells where f and f' are both small somewhere may contain zeros close
together, touches, zeros of higher order. They are covered again to rounding, and their critical points
(f' = 0, by the eigenvalues of the companion matrix) cut them into pieces on which f is monotonic:

    opposite signs at the ends of a piece        one zero in it
    |f| <= rounding at critical points           one zero of order 2 if the signs around are the same,
                                                 of order 3 if they differ

Signs at an edge that two cells share are the same for both, so that no zero is lost or doubled there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from jaxtransport.search.chebyshev_cover import NODES, Cells, Floats, Function, cover

SEEN = np.sin(np.pi / 2 * np.linspace(-1, 1, 4 * NODES + 1))  # denser to the edges, as the nodes of a cell
BEYOND = 1.02  # windows are extended slightly
DELICATE = 0.01  # of the largest |f| of a cell: an extremum below it, or f and a tenth of df/dt together
ON_EDGE = 1e-6  # of half a cell: more than the error of a critical point at a double zero
FAINT = 1e3  # times rounding: a cell with smaller values is delicate
HALVINGS = 8  # of delicate cells, to know them to rounding


@dataclass(frozen=True)
class Brackets:
    """Brackets of zeros, one row of every array for each."""

    whose: NDArray[np.int64]
    low: Floats
    high: Floats
    start: Floats  # between them
    order: NDArray[np.int8]  # 1: a change of sign from low to high; 2, 3: a zero of that order at start
    curvature: Floats  # d^2f/du^2 at start

    def only(self, wanted: NDArray[np.bool_]) -> Brackets:
        return Brackets(*(getattr(self, name)[wanted] for name in self.__dataclass_fields__))


def refined(function: Function, cells: Cells, floor: Floats) -> tuple[Cells, NDArray[np.bool_]]:
    """The cells in order, delicate ones refined to rounding, and which cells are delicate."""
    delicate = _is_delicate(cells, floor)
    plain, rough = cells.only(~delicate), cells.only(delicate)
    if len(rough.whose):
        # Only quarters that are delicate themselves are refined.
        parts = rough.quarters()
        size = np.abs(parts.values(SEEN)).max(axis=1)
        faint = size <= DELICATE * np.abs(rough.values(SEEN)).max(axis=1).repeat(4)
        again = _is_delicate(parts, floor) | faint
        worst = parts.only(again)
        found = cover(function, worst.whose, worst.low, worst.high, part=1e-15, floor=floor, depth=HALVINGS)
        plain = Cells.joined([plain, parts.only(~again)])
        cells = Cells.joined([plain, found.cells])
        delicate = np.concatenate([np.zeros(len(plain.whose), bool), _is_delicate(found.cells, floor)])
    order = np.lexsort((cells.low, cells.whose))
    return cells.only(order), delicate[order]


def _is_delicate(cells: Cells, floor: Floats) -> NDArray[np.bool_]:
    """Cells with an extremum or a flat stretch close to 0, or with values of the size of rounding."""
    value, slope = cells.values(SEEN), cells.values(SEEN, 1)
    size = np.abs(value)
    most = size.max(axis=1)
    flat = (size + 0.1 * np.abs(slope)).min(axis=1) <= DELICATE * most
    out = flat | (most <= FAINT * floor[cells.whose])
    # Extrema between the points: where f' changes sign, at the zero of its chord.
    row, j = np.nonzero((slope[:, 1:] > 0) != (slope[:, :-1] > 0))
    row, j = row[~out[row]], j[~out[row]]
    before, after = slope[row, j], slope[row, j + 1]
    t = SEEN[j] + (SEEN[j + 1] - SEEN[j]) * before / (before - after)
    extreme = _each(cells.coefficients[row], t[:, None])[:, 0]
    low = np.abs(extreme) <= DELICATE * most[row]
    low |= ((extreme > 0) != (value[row, j] > 0)) & ((value[row, j] > 0) == (value[row, j + 1] > 0))
    out[row[low]] = True
    return out


def brackets(cells: Cells, delicate: NDArray[np.bool_], floor: Floats) -> Brackets:
    """Every zero of the functions on their cells, which are in order.

    Args:
        cells, delicate: as `refined` gives them.
        floor: size below which each function counts as 0.
    """
    row, t, value, critical = _points(cells, delicate)
    tolerance = np.where(delicate[row], 2 * floor[cells.whose[row]], 0.0)
    sign = np.where(np.abs(value) <= tolerance, 0, np.sign(value)).astype(int)
    sign[~delicate[row] & (sign == 0)] = 1
    # Connected pieces of one function: a gap, or another function, begins a new one.
    apart = np.ones(len(cells.whose), bool)
    apart[1:] = (np.diff(cells.whose) != 0) | (cells.low[1:] != cells.high[:-1])
    piece = np.cumsum(apart)[row]

    told = np.flatnonzero(sign)  # between two points whose sign is known: a run of zeros, or nothing
    a, b = told[:-1], told[1:]
    together = piece[a] == piece[b]
    crossing = together & (sign[a] != sign[b])
    between = np.cumsum(critical & (sign == 0))
    touched = between[b] - between[a] > 0
    kept = crossing | (together & touched)
    a, b, crossing, touched = a[kept], b[kept], crossing[kept], touched[kept]
    order = np.where(touched, np.where(crossing, 3, 2), 1).astype(np.int8)

    u = cells.at(row, t)
    start = np.empty(len(a))
    at_row = row[a]
    simple = order == 1
    start[simple] = _between(cells, row, t, value, a[simple], b[simple])
    curvature = np.zeros(len(a))
    for i in np.flatnonzero(~simple):
        run = np.flatnonzero(critical[a[i] + 1 : b[i]]) + a[i] + 1
        start[i] = u[run].mean()
        middle = run[len(run) // 2]
        half = (cells.high - cells.low)[row[middle]] / 2
        second = chebyshev.chebval(t[middle], chebyshev.chebder(cells.coefficients[row[middle]], 2))
        curvature[i] = second / half**2
    return Brackets(cells.whose[at_row], u[a], u[b], start, order, curvature)


def _points(cells: Cells, delicate: NDArray[np.bool_]):
    """Points at which signs are taken, in order: (cell, t, value, whether critical)."""
    count = len(cells.whose)
    low_end, high_end = np.ones(count, bool), np.ones(count, bool)
    meets = (np.diff(cells.whose) == 0) & (cells.low[1:] == cells.high[:-1])
    low_end[1:], high_end[:-1] = ~meets, ~meets
    # Edges: one value for both cells.
    edges = cells.values(np.array([-1.0, 1.0]))
    shared = (edges[:-1, 1] + edges[1:, 0]) / 2
    edges[:-1, 1] = np.where(meets, shared, edges[:-1, 1])
    edges[1:, 0] = np.where(meets, shared, edges[1:, 0])
    ends = cells.values(np.array([-BEYOND, BEYOND]))

    rows, ts, values, critical = [], [], [], []
    plain = np.flatnonzero(~delicate)
    seen = cells.only(plain).values(SEEN)
    seen[:, 0], seen[:, -1] = edges[plain].T
    change = (seen[:, 1:] > 0) != (seen[:, :-1] > 0)
    telling = np.zeros(seen.shape, bool)  # the edges, and both sides of every change of sign
    telling[:, [0, -1]] = True
    telling[:, 1:] |= change
    telling[:, :-1] |= change
    cell, point = np.nonzero(telling)
    rows.append(plain[cell])
    ts.append(SEEN[point])
    values.append(seen[telling])
    critical.append(np.zeros(len(cell), bool))
    fine = np.flatnonzero(delicate)
    inner = _critical(cells.coefficients[fine])
    # Edges are points too, and critical where a critical point lies on them to rounding.
    points = np.clip(np.concatenate([np.tile([-1.0, 1.0], (len(fine), 1)), inner], axis=1), -1, 1)
    value = _each(cells.coefficients[fine], points)
    for side, edge in ((0, -1.0), (1, 1.0)):
        value[points == edge] = np.repeat(edges[fine, side], (points == edge).sum(axis=1))
    there = np.isfinite(points)
    rows.append(np.repeat(fine, there.sum(axis=1)))
    ts.append(points[there])
    values.append(value[there])
    critical.append(np.tile(np.arange(points.shape[1]) >= 2, (len(fine), 1))[there])
    for end, side, t in ((low_end, 0, -BEYOND), (high_end, 1, BEYOND)):
        at_end = np.flatnonzero(end)
        rows.append(at_end)
        ts.append(np.full(len(at_end), t))
        values.append(ends[at_end, side])
        critical.append(np.zeros(len(at_end), bool))
    joined = [np.concatenate(part) for part in (rows, ts, values, critical)]
    order = np.lexsort((joined[1], joined[0]))
    return [part[order] for part in joined]


def _critical(coefficients: Floats) -> Floats:
    """Zeros of f' in each cell, and nearby candidates; rows are padded with NaN.

    Eigenvalues of the companion matrix of f' (as in `numpy.polynomial.chebyshev.chebcompanion`), for
    all cells at once. Spurious points do no harm.
    """
    slope = chebyshev.chebder(coefficients.T).T
    last = slope[:, -1:]
    least = 1e-18 * np.abs(slope).max(axis=1, keepdims=True) + 1e-300
    last = np.where(np.abs(last) < least, least, last)  # a root far away, rather than none
    degree = slope.shape[1] - 1
    companion = chebyshev.chebcompanion(np.eye(degree + 1)[-1])
    scale = np.full(degree, np.sqrt(0.5))
    scale[0] = 1.0
    matrices = np.tile(companion, (len(slope), 1, 1))
    matrices[:, :, -1] -= slope[:, :-1] / last * (scale / scale[-1]) * 0.5
    roots = np.linalg.eigvals(matrices[:, ::-1, ::-1])
    near = (np.abs(roots.imag) < 0.05) & (np.abs(roots.real) < 1 + ON_EDGE)
    return np.where(near, roots.real, np.nan)


def _each(coefficients: Floats, t: Floats) -> Floats:
    """Values of every cell at its own row of t, by Clenshaw's recurrence."""
    one = np.zeros_like(t)
    two = np.zeros_like(t)
    for c in coefficients.T[:0:-1]:
        one, two = c[:, None] + 2 * t * one - two, one
    return coefficients[:, :1] + t * one - two


def _between(cells, row, t, value, a, b):
    """u where the polynomial changes sign between points a and b, by bisection and Newton's method."""
    mine = np.where(t[b] > t[a], row[b], row[a])  # across an edge they are adjacent: either cell may be used
    lower = np.where(row[a] == mine, t[a], -1.0)
    upper = np.where(row[b] == mine, t[b], 1.0)
    same = row[a] == row[b]
    mine = np.where(same, row[a], mine)
    c = cells.coefficients[mine].T
    slope = chebyshev.chebder(c) if len(a) else c
    at_lower = value[a] > 0
    x = (lower + upper) / 2
    for _ in range(10 if len(a) else 0):
        f, df = chebyshev.chebval(x, c, tensor=False), chebyshev.chebval(x, slope, tensor=False)
        is_lower = (f > 0) == at_lower
        lower, upper = np.where(is_lower, x, lower), np.where(is_lower, upper, x)
        newton = x - f / np.where(df == 0, 1.0, df)
        x = np.where((newton > lower) & (newton < upper), newton, (lower + upper) / 2)
    return cells.at(mine, x)
