r"""From brackets to zeros: Newton's method on f itself, with its exact derivative.

    order 1     u <- u - f / f',      halved into the bracket where that leaves it
    order 2     u <- u - f' / f'':    the extremum, where f is 0 to rounding
    order 3     from the polynomial: f is rounding all around

A bracket comes from a polynomial that agrees with f to a part in 10^5, so two or three steps suffice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jaxtransport.search.chebyshev_cover import Floats
from jaxtransport.search.isolate import Brackets

STEPS = 60  # enough for bisection alone
SETTLED = 1e-8  # of the bracket: a Newton step below it leaves an error of the order of its square
EPS = 2.0**-52

Slopes = Callable[[NDArray[np.int64], Floats], tuple[Floats, Floats]]  # (whose, where) -> f, df/du


@dataclass(frozen=True)
class Zeros:
    """Zeros of functions 0, 1, ...: one row of every array for each, in order."""

    whose: NDArray[np.int64]
    where: Floats
    slope: Floats  # df/du; 0 where multiplicity is above 1
    multiplicity: NDArray[np.int8]


def polish(found: Brackets, slopes: Slopes, low: Floats, high: Floats, floor: Floats) -> Zeros:
    """Zeros in the windows low ... high.

    Args:
        found: brackets, one for each zero.
        slopes: (whose, where) -> f and its derivative.
        low, high: window of every function.
        floor: rounding of every function.
    """
    where, slope = found.start.copy(), np.zeros(len(found.start))
    simple, double = found.order == 1, found.order == 2
    good = np.ones(len(where), bool)
    where[simple], slope[simple], good[simple] = _crossings(
        found.whose[simple], where[simple], found.low[simple], found.high[simple], slopes, floor
    )
    touch = found.only(double)
    where[double] = _extrema(touch.whose, touch.start, touch.low, touch.high, touch.curvature, slopes)
    return _in_order(found.whose[good], where[good], slope[good], found.order[good], low, high, floor)


def _crossings(whose, u, a, b, slopes, floor):
    """Newton's method in brackets: (where, slope there, whether there is a zero)."""
    u, a, b, slope, width = u.copy(), a.copy(), b.copy(), np.zeros_like(u), b - a
    good, last = np.ones(len(u), bool), np.full(len(u), np.inf)
    rising = np.zeros(len(u))  # sign of f at b, once bisection needs it
    settled = np.zeros(len(u), bool)
    left = np.arange(len(u))
    for _ in range(STEPS):
        if not len(left):
            break
        value, slope[left] = slopes(whose[left], u[left])
        going = ~settled[left]  # the others already have their slope at the zero
        left, value = left[going], value[going]
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(value == 0, 0.0, -value / slope[left])
        new, slack = u[left] + step, 0.5 * width[left]
        fine = (new >= a[left] - slack) & (new <= b[left] + slack) & (np.abs(step) <= 0.9 * last[left])
        small = np.abs(step) <= np.maximum(SETTLED * width[left], 2 * EPS * np.abs(u[left]))
        small |= np.abs(value) <= floor[whose[left]] / 16
        last[left] = np.abs(step)
        bad = left[~fine & ~small]
        if len(bad):  # bisection, between ends of known sign
            fresh = bad[rising[bad] == 0]
            if len(fresh):
                at_a, at_b = (slopes(whose[fresh], end[fresh])[0] for end in (a, b))
                rising[fresh] = np.sign(at_b)
                good[fresh] = ~(np.sign(at_a) * np.sign(at_b) > 0)  # no zero after all
            here = value[~fine & ~small]
            upper = np.sign(here) == rising[bad]
            b[bad], a[bad] = np.where(upper, u[bad], b[bad]), np.where(upper, a[bad], u[bad])
            u[bad], last[bad] = (a[bad] + b[bad]) / 2, np.inf
            settled[bad] = b[bad] - a[bad] <= 4 * EPS * np.abs(u[bad])
        stepped = left[fine | small]
        moved = np.where(np.isfinite(step), step, 0.0)[fine | small]
        u[stepped] = np.clip(u[stepped] + moved, a[stepped] - width[stepped], b[stepped] + width[stepped])
        settled[left[small]] = True
        left = left[good[left]]
    return u, slope, good


def _extrema(whose, u, a, b, curvature, slopes):
    """Zeros of f' from its zero and slope by the polynomial: (where)."""
    u = u.copy()
    for _ in range(3 if len(u) else 0):
        _, slope = slopes(whose, u)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = -slope / curvature
        inside = (u + step > a) & (u + step < b)
        u = np.where(inside, u + np.where(inside, step, 0.0), u)
    return u


def _in_order(whose, where, slope, multiplicity, low, high, floor) -> Zeros:
    """Zeros in order, without those beyond the window; zeros that agree to rounding are merged."""
    tolerance = 8 * EPS * np.maximum(np.abs(where), (high - low)[whose])
    inside = (where >= low[whose] - tolerance) & (where <= high[whose] + tolerance)
    order = np.lexsort((where, whose))
    order = order[inside[order]]
    whose, where, slope, multiplicity, tolerance = (
        values[order] for values in (whose, where, slope, multiplicity, tolerance)
    )
    with np.errstate(divide="ignore"):
        blur = np.where(slope != 0, np.minimum(floor[whose] / np.abs(slope), 1e-9), 0.0) + tolerance
    apart = (np.diff(whose, prepend=-1) != 0) | (np.diff(where, prepend=-np.inf) > blur)
    where = np.clip(where, low[whose], high[whose])
    return Zeros(whose[apart], where[apart], slope[apart], multiplicity[apart])
