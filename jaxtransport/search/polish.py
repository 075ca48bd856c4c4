r"""From candidates to zeros: Newton's method on delta I itself, with its exact derivative.

    crossing    f = 0, f' != 0        u <- u - f / f'
    touch       f = f' = 0            u <- u - f' / f'',    and f at the extremum decides:
                    |f| <= rounding       one zero of multiplicity 2
                    f beyond 0            two crossings, at u +- sqrt(-2 f / f'')
                    else                  none

A candidate comes from a polynomial that agrees with f to a part in 10^5, so two or three steps do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jaxtransport.search.scan import Candidates, Floats

STEPS = 12
SETTLED = 1e-9  # of the window: a Newton step below it leaves an error of the order of its square
MERGED = 1e-11  # zeros closer than this, of the window, are one

Slopes = Callable[[NDArray[np.int64], Floats], tuple[Floats, Floats]]  # (whose, where) -> f, df/du


@dataclass(frozen=True)
class Zeros:
    """Zeros of functions 0, 1, ...: one row of every array for each, in order."""

    whose: NDArray[np.int64]
    where: Floats
    slope: Floats  # df/du; 0 to rounding where multiplicity is 2
    multiplicity: NDArray[np.int8]


def polish(found: Candidates, slopes: Slopes, low: Floats, high: Floats, floor: Floats) -> Zeros:
    """Zeros in the windows low ... high.

    Args:
        found: candidates.
        slopes: (whose, where) -> f and its derivative.
        low, high: window of every function.
        floor: rounding of every function.
    """
    touch = found.touches
    whose_t, where_t, curvature = found.whose[touch], found.where[touch], found.slope[touch]
    depth, where_t, curvature, settled = _extrema(whose_t, where_t, curvature, slopes, low, high)
    double = settled & (np.abs(depth) <= floor[whose_t])
    # Beyond 0 the extremum lies between two crossings that the polynomial may not have.
    beyond = settled & ~double & (depth * curvature < 0)
    reach = np.sqrt(np.where(beyond, -2 * depth / np.where(beyond, curvature, 1.0), 0.0))[beyond]
    whose = np.concatenate([found.whose[~touch], whose_t[beyond], whose_t[beyond]])
    where = np.concatenate([found.where[~touch], where_t[beyond] - reach, where_t[beyond] + reach])
    where, slope, good = _crossings(whose, where, slopes, low, high)
    # Next to a double zero the sign is rounding: what it seems to cross is the double zero.
    blur = 8 * np.sqrt(floor[whose_t] / np.maximum(np.abs(curvature) / 2, 1e-300))[double]
    good &= ~_near(whose, where, whose_t[double], where_t[double], blur)
    return _merged(
        np.concatenate([whose[good], whose_t[double]]),
        np.concatenate([where[good], where_t[double]]),
        np.concatenate([slope[good], np.zeros(double.sum())]),
        np.concatenate([np.ones(good.sum(), np.int8), np.full(double.sum(), 2, np.int8)]),
        low,
        high,
    )


def _crossings(whose, where, slopes, low, high):
    """Newton's method from every start; (where, slope, whether it settled on a zero)."""
    width = (high - low)[whose]
    where, slope = where.copy(), np.zeros_like(where)
    good = np.zeros(len(where), bool)
    left = np.arange(len(where))
    for _ in range(STEPS):
        if not len(left):
            break
        value, slope[left] = slopes(whose[left], where[left])
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(value == 0, 0.0, -value / slope[left])
        inside = np.abs(step) <= 0.05 * width[left]
        where[left] += np.where(inside, step, 0.0)
        good[left] = inside & (np.abs(step) <= SETTLED * width[left])
        left = left[inside & ~good[left]]
    return where, slope, good


def _extrema(whose, where, curvature, slopes, low, high):
    """Zeros of f', by the secant method from the curvature of the polynomial: (f, where, f'', settled)."""
    where, curvature = where.copy(), curvature.copy()
    width = (high - low)[whose] if len(whose) else np.zeros(0)
    depth, slope = slopes(whose, where) if len(whose) else (np.zeros(0), np.zeros(0))
    settled = np.zeros(len(where), bool)
    for _ in range(STEPS):
        if settled.all():
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(settled | (slope == 0), 0.0, -slope / curvature)
        step = np.where(np.abs(step) <= 0.02 * width, step, np.nan)  # no extremum here after all
        lost = ~np.isfinite(step)
        new = np.where(lost, where, where + step)
        small = np.abs(step) <= 1e-9 * width
        new = np.clip(new, low[whose], high[whose])
        depth, slope_new = slopes(whose, new)
        with np.errstate(divide="ignore", invalid="ignore"):
            secant = (slope_new - slope) / (new - where)
        # A step that is long enough tells the curvature; a tiny one only its rounding.
        curvature = np.where(np.abs(step) > 1e-6 * width, secant, curvature)
        where, slope = new, slope_new
        settled |= small
        if (lost | settled).all():
            break
    return depth, where, curvature, settled


def _near(whose, where, whose_other, where_other, reach):
    """Which zeros lie within `reach` of some other of the same function."""
    out = np.zeros(len(where), bool)
    for function, at, distance in zip(whose_other, where_other, reach, strict=True):
        out |= (whose == function) & (np.abs(where - at) <= distance)
    return out


def _merged(whose, where, slope, multiplicity, low, high) -> Zeros:
    """In order, each once, without those beyond the window."""
    width = (high - low)[whose] if len(whose) else np.zeros(0)
    inside = (where >= low[whose] - MERGED * width) & (where <= high[whose] + MERGED * width)
    order = np.lexsort((where, whose))
    order = order[inside[order]]
    whose, where, slope, multiplicity = (a[order] for a in (whose, where, slope, multiplicity))
    if not len(whose):
        return Zeros(whose, where, slope, multiplicity)
    new = (np.diff(whose, prepend=-1) != 0) | (np.diff(where, prepend=-np.inf) > MERGED * width[order])
    cluster = np.cumsum(new)
    first = np.lexsort((-multiplicity, cluster))  # of every cluster, the row of highest multiplicity
    first = first[np.diff(cluster[first], prepend=0) > 0]
    where = np.clip(where, low[whose], high[whose])
    return Zeros(whose[first], where[first], slope[first], multiplicity[first])
