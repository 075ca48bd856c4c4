r"""Zeros of Delta I in one parameter, of many wires together.

    scan      delta I on Chebyshev cells, as many as it needs                   (`search.chebyshev_cover`)
    polish    changes of sign and touches, by Newton's method on delta I itself   (`search.polish`)

Transmissions hold waves of phase 2 N k along the wire, with dk = d mu_bar / 2 sin k at fixed gamma: that
sets how fine a scan starts. `CELL` radians of N k to a cell of 16 nodes resolve delta I of most wires at
once; cells that do not are halved until they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jaxtransport.parameters import MU_BAR, injection_of
from jaxtransport.search import barriers, survey
from jaxtransport.search.chebyshev_cover import Cells, Cover, Floats, Function, cover, starting
from jaxtransport.search.current_difference import CurrentDifference, Model, WireBatch
from jaxtransport.search.families import families_of
from jaxtransport.search.identically_zero import why_flat
from jaxtransport.search.isolate import SEEN, brackets, refined
from jaxtransport.search.polish import Slopes, Zeros, polish

CELL = 2.3  # radians of N k; measured: a smaller one costs more cells, a larger one more halvings
LEAST_CELLS = 4
PART = 1e-5  # accuracy of the scan, relative to the largest value in a cell; Newton's method refines it
SAMPLES = 801  # of Delta I for a picture
ROUNDING_LINEAR = 16 * 2.0**-52  # of I_g times all strengths; 0.5 measured, up to N = 8000
ROUNDING_BEYOND = 1e-11  # of I_o and I_g times all strengths: accuracy of the exact law

# Findings of a search
ZEROS, NOTHING, FLAT, UNSOLVED = range(4)
FINDINGS = "zeros no_zero flat unsolved"


@dataclass(frozen=True)
class Points:
    """Zeros of many searches, with the index of their search in `searched`; the finding of each search."""

    searched: NDArray[np.int64]  # (zero,)
    value: Floats  # of the parameter
    residual: Floats  # |Delta I| there, I_o
    slope: Floats  # d Delta I / d parameter, I_o
    multiplicity: NDArray[np.int8]
    finding: NDArray[np.int8]  # (search,)
    least: Floats  # smallest |delta I| that was seen where there is no zero, I_o
    least_at: Floats  # the parameter there
    family: NDArray[np.int8]  # which closed form of one pair has the zero; 0 for none
    why_flat: str  # of a single search, if it is flat
    gaps: list[tuple[int, float, float]]  # where there is no steady state: search, from, to

    @classmethod
    def joined(cls, parts: Sequence[tuple[NDArray[np.int64], Points]]) -> Points:
        """Merge searches that were done in parts: (their indices, their results)."""
        count = sum(len(rows) for rows, _ in parts)
        per_search = {
            name: np.zeros(count, getattr(parts[0][1], name).dtype)
            for name in ("finding", "least", "least_at")
        }
        for rows, points in parts:
            for name, values in per_search.items():
                values[rows] = getattr(points, name)
        searched = np.concatenate([rows[points.searched] for rows, points in parts])
        order = np.argsort(searched, kind="stable")
        per_zero = {
            name: np.concatenate([getattr(points, name) for _, points in parts])[order]
            for name in ("value", "residual", "slope", "multiplicity", "family")
        }
        gaps = [(int(rows[i]), low, high) for rows, points in parts for i, low, high in points.gaps]
        why = parts[0][1].why_flat if count == 1 else ""
        return cls(
            searched[order],
            **per_zero,
            why_flat=why,
            **per_search,
            gaps=sorted(gaps),
        )


def find_points(model: Model, batch: WireBatch, bounds: tuple[float, float]) -> Points:
    """Every zero of Delta I within `bounds` of the one parameter of `model`, for every problem."""
    (parameter,) = model.parameters
    model = barriers.careful(model, batch, [bounds])
    difference, count = CurrentDifference(model, batch), len(batch)
    low, high = (np.full(count, parameter.scan.to(bound)) for bound in bounds)
    floor = rounding(model, batch, [bounds])

    def values(whose, where):
        return difference.values(whose, parameter.scan.back(where)[None]).delta_I

    def slopes(whose, where):
        at = parameter.scan.back(where)
        parts, slope = difference.slopes(whose, at[None])
        return parts.delta_I, slope[0] * parameter.scan.stretch(at)

    begin = starting(low, high, cells(model, batch, [bounds]))
    seen, largest, zeros = zeros_on(values, slopes, begin, low, high, floor)
    known = np.zeros(count, bool)
    known[seen.cells.whose] = True
    flat = known & (largest <= floor)
    least, least_at = _least(seen.cells, count)

    at = parameter.scan.back(zeros.where)
    parts = difference.values(zeros.whose, at[None])
    sign = np.sign(parts.G_delta_mu)
    finding = np.where(~known, UNSOLVED, np.where(flat, FLAT, NOTHING))
    finding[zeros.whose] = ZEROS
    return Points(
        searched=zeros.whose,
        value=at,
        residual=np.abs(parts.nonreciprocity()),
        slope=2 * sign * zeros.slope / parameter.scan.stretch(at),
        multiplicity=zeros.multiplicity,
        finding=finding.astype(np.int8),
        least=np.where(finding == ZEROS, np.nan, np.where(flat, largest, least)),
        least_at=np.where(finding == ZEROS, np.nan, parameter.scan.back(least_at)),
        family=families_of(zeros.whose, at, model, batch),
        why_flat=why_flat(*batch.one(0)) if count == 1 and flat[0] else "",
        gaps=[(p, float(parameter.scan.back(a)), float(parameter.scan.back(b))) for p, a, b in seen.gaps],
    )


def zeros_on(
    values: Function,
    slopes: Slopes,
    begin: tuple[NDArray[np.int64], Floats, Floats],
    low: Floats,
    high: Floats,
    floor: Floats,
) -> tuple[Cover, Floats, Zeros]:
    """Zeros of functions 0, 1, ... on their windows; their cover, and the largest |f| of each.

    `begin`: (whose, low, high) of the cells that the scan begins with. Functions that are 0 to rounding
    have no isolated zero.
    """
    seen = cover(values, *begin, part=PART, floor=floor)
    largest = np.zeros(len(low))
    np.maximum.at(largest, seen.cells.whose, np.abs(seen.cells.values(SEEN)).max(axis=1))
    lively = seen.cells.only(largest[seen.cells.whose] > floor[seen.cells.whose])
    known, delicate = refined(values, lively, floor)
    return seen, largest, polish(brackets(known, delicate, floor), slopes, low, high, floor)


def sampled(model: Model, batch: WireBatch, bounds: tuple[float, float]) -> tuple[Floats, Floats]:
    """Delta I of the one problem at evenly spaced values of the parameter, a little inside the window."""
    ends = 1e-9 * (bounds[1] - bounds[0])  # the edges of the band carry no current
    number = SAMPLES if model.law.is_linear else SAMPLES // 4 + 1
    at = np.linspace(bounds[0] + ends, bounds[1] - ends, number)
    parts = CurrentDifference(model, batch).values(np.zeros(len(at), int), at[None])
    return at, np.asarray(parts.nonreciprocity())


def cells(
    model: Model, batch: WireBatch, bounds: Sequence[tuple[float, float]], axis: int = 0
) -> NDArray[np.int64]:
    """Initial number of cells of each scan along an axis, from the phase that it spans on the wire."""
    N, parameter = np.asarray(batch.wire.length), model.parameters[axis]
    low, high = (float(parameter.scan.to(bound)) for bound in bounds[axis])
    if parameter.built:
        turns = survey.along(model, batch, bounds, axis).turns()
        return np.maximum(LEAST_CELLS, np.ceil(turns / CELL)).astype(int)
    if parameter.quantity == MU_BAR:
        span = high - low
    elif parameter.quantity in ("onsite", "hopping") and parameter.site is None:
        span = min(np.pi, (high - low) / 2)  # k moves by half of what the energy does, mid-band
    else:
        span = 0.0  # one site, or couplings: no phase winds up along the wire
    return np.maximum(LEAST_CELLS, np.ceil(span * N / CELL)).astype(int)


def rounding(model: Model, batch: WireBatch, bounds: Sequence[tuple[float, float]]) -> Floats:
    """Size below which |delta I| counts as 0, for every problem, in I_o."""
    drive = {name: np.abs(np.asarray(values)) for name, values in batch.drive.items()}
    strength = np.abs(np.asarray(batch.wire.strength)).sum(axis=0)
    if model.build is not None:
        strength = survey.spread(model, batch, bounds).strength()
    for parameter, window in zip(model.parameters, bounds, strict=True):
        most = max(abs(bound) for bound in window)
        if parameter.quantity == "strength":
            strength = strength + most
        elif parameter.quantity in drive:
            extreme = min(window) if parameter.quantity == "delta_mu" else most
            drive[parameter.quantity] = np.full_like(strength, extreme)
    injection = injection_of(drive)
    if model.law.is_linear:
        floor = ROUNDING_LINEAR * injection * strength
        return np.minimum(floor, barriers.error_of(model, batch, bounds)) if model.stage else floor
    return ROUNDING_BEYOND * (1 + injection * strength)


def _least(cells: Cells, count: int) -> tuple[Floats, Floats]:
    """The smallest |f| found for every function, and its position."""
    size = np.abs(cells.values(SEEN))
    j = size.argmin(axis=1)
    value = size[np.arange(len(j)), j]
    order = np.lexsort((value, cells.whose))
    whose, first = np.unique(cells.whose[order], return_index=True)
    rows = order[first]
    least, at = np.full(count, np.nan), np.full(count, np.nan)
    least[whose] = value[rows]
    at[whose] = cells.at(rows, SEEN[j[rows]])
    return least, at
