"""Results of a search as labelled data, with a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxtransport.coordinates import Coordinate
from jaxtransport.parameters import GAMMA, MU_BAR
from jaxtransport.search import families, identically_zero
from jaxtransport.search.current_difference import Model, WireBatch
from jaxtransport.search.curves import Curves
from jaxtransport.search.lengths import Lengths
from jaxtransport.search.points import FINDINGS, FLAT, NOTHING, UNSOLVED, ZEROS, Points
from jaxtransport.wire import Wire

if TYPE_CHECKING:
    import xarray

RESIDUAL = {"units": "I_o", "long_name": "what is left of the nonreciprocity", "symbol": r"|\Delta I|"}
NONRECIPROCITY = {"units": "I_o", "long_name": "nonreciprocity", "symbol": r"\Delta I"}
MULTIPLICITY = {"units": "1", "long_name": "order of the zero: 2 where the sign does not change"}
FAMILY = {
    "units": "1",
    "long_name": "closed form of one pair that has this zero",
    "flag_values": np.arange(4, dtype=np.int8),
    "flag_meanings": families.MEANINGS,
}
FINDING = {
    "units": "1",
    "long_name": "what the search came to",
    "flag_values": np.arange(4, dtype=np.int8),
    "flag_meanings": FINDINGS,
}


def _labels(unit: str, long_name: str, symbol: str = "") -> dict[str, str]:
    return {"units": unit, "long_name": long_name, **({"symbol": symbol} if symbol else {})}


def _numbered(count: int, long_name: str) -> tuple[np.ndarray, dict[str, str]]:
    """A coordinate 0 ... count - 1, the index of its items."""
    return np.arange(count), _labels("1", long_name)


def points_dataset(
    points: Points,
    parameter: Coordinate,
    bounds: tuple[float, float],
    cut: str = "",
    *,
    many: bool,
    line: tuple[np.ndarray, np.ndarray] | None = None,
) -> xarray.Dataset:
    """Zeros in one parameter over `zero`; the finding of each search over `search`, if there are several.

    `line`: values of the parameter and Delta I there, for a picture of a single search.
    """
    import xarray

    searches = len(points.finding)
    count = np.bincount(points.searched, minlength=searches)
    variables: dict[str, Any] = {
        parameter.name: ("zero", points.value, _labels(*parameter.label)),
        "residual": ("zero", points.residual, RESIDUAL),
        "slope": (
            "zero",
            points.slope,
            _labels(f"I_o/({parameter.label[0]})", f"slope of the nonreciprocity in {parameter.name}"),
        ),
        "multiplicity": ("zero", points.multiplicity, MULTIPLICITY),
        "family": ("zero", points.family, FAMILY),
    }
    over: Any = "search" if many else ()
    per_search: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
        "finding": (points.finding, FINDING),
        "zeros": (count, _labels("1", "number of zeros")),
        "least": (points.least, _labels("I_o", "smallest |delta I| that was seen", r"\min|\delta I|")),
        "least_at": (points.least_at, _labels(parameter.label[0], f"{parameter.name} there")),
    }
    for name, (values, attributes) in per_search.items():
        variables[name] = (over, values if many else values[0], attributes)
    coordinates = {"zero": ("zero", *_numbered(len(points.value), "zero"))}
    if line is not None:  # one search: the scanned function, for a picture
        name = f"{parameter.name}_map"
        variables["nonreciprocity"] = (name, line[1], NONRECIPROCITY)
        coordinates[name] = (name, line[0], _labels(*parameter.label))
    if many:
        variables["searched"] = ("zero", points.searched, _labels("1", "number of the search, from 0"))
        coordinates["search"] = ("search", *_numbered(searches, "search"))
    message = messages(points, parameter, bounds, cut)
    return xarray.Dataset(variables, coordinates, {"message": message})


def messages(points: Points, parameter: Coordinate, bounds: tuple[float, float], cut: str) -> str:
    """Message about the result."""
    where = f"{bounds[0]:g} <= {parameter.name} <= {bounds[1]:g}"
    count = len(points.finding)
    gaps = "".join(
        f"; no steady state found for {low:.6g} <= {parameter.name} <= {high:.6g}, nothing searched there"
        for i, low, high in (points.gaps if count == 1 else [])
    )
    if count > 1:
        n = np.bincount(points.finding, minlength=4)
        text = f"{count:,} searches in {where}: {n[ZEROS]:,} with zeros, {len(points.value):,} in all"
        for code, what in ((NOTHING, "without a zero"), (FLAT, "flat"), (UNSOLVED, "without a steady state")):
            text += f", {n[code]:,} {what}" if n[code] else ""
        if points.gaps:
            text += f"; parts of {len({i for i, _, _ in points.gaps}):,} windows have no steady state"
        return text + cut
    finding = points.finding[0]
    if finding == UNSOLVED:
        return f"unsolved: no steady state found anywhere in {where}{cut}"
    if finding == FLAT:
        return (
            f"flat: Delta I vanishes throughout {where} (|delta I| <= {points.least[0]:.1e} I_o), "
            f"so no zero is isolated{points.why_flat}{gaps}{cut}"
        )
    if finding == NOTHING:
        return (
            f"no zero of Delta I in {where}: the smallest |delta I| is {points.least[0]:.3g} I_o, "
            f"near {parameter.name} = {points.least_at[0]:.4g}{gaps}{cut}"
        )
    double = int((points.multiplicity == 2).sum())
    also = f", {double} of them double (no change of sign)" if double else ""
    found = len(points.value)
    return f"{found:,} {'zero' if found == 1 else 'zeros'} of Delta I in {where}{also}{gaps}{cut}"


def lengths_dataset(found: Lengths, batch: WireBatch, bounds: tuple[int, int]) -> xarray.Dataset:
    """Lengths where Delta I vanishes or changes sign, over `zero`; Delta I at every length, over `length`."""
    import xarray

    N = found.N[found.rows]
    family = np.zeros(len(N), np.int8)
    for i, row in enumerate(found.rows):
        wire, drive = batch.one(row)
        if found.exact[i] and families.is_pair(wire):
            family[i] = families.family(N[i], drive[MU_BAR], wire.coupling[1])
    label = _labels("1", "number of sites", "N")
    exact = "Delta I vanishes to rounding; else it changes sign next to this length"
    variables = {
        "N": ("zero", N, label),
        "residual": ("zero", np.abs(found.nonreciprocity[found.rows]), RESIDUAL),
        "slope": (
            "zero",
            found.slope,
            _labels("I_o", "change of the nonreciprocity per site"),
        ),
        "exact": ("zero", found.exact.astype(np.int8), _labels("1", exact)),
        "family": ("zero", family, FAMILY),
        "nonreciprocity": ("length", found.nonreciprocity, NONRECIPROCITY),
        "status": ("length", found.status.astype(np.int8), _labels("1", "status of the length")),
    }
    coordinates = {
        "zero": ("zero", *_numbered(len(N), "zero")),
        "length": ("length", found.N, label),
    }
    where = f"{bounds[0]} <= N <= {bounds[1]}"
    skipped = bounds[1] - bounds[0] + 1 - len(found.N)  # such as odd N of dimers
    other = f"; {skipped} lengths allow no wire and were skipped" if skipped else ""
    failed = int((found.status != 0).sum())
    other += f"; {failed} lengths have no steady state" if failed else ""
    if failed == len(found.N):
        text = f"unsolved: no steady state found anywhere in {where}"
    elif found.flat:
        text = f"flat: Delta I vanishes at every length in {where}{identically_zero.why_flat(*batch.one(0))}"
    elif not len(N):
        least = np.nanmin(np.abs(found.nonreciprocity))
        text = f"no zero of Delta I in {where}: the smallest |Delta I| is {least:.3g} I_o"
    else:
        exactly = int(found.exact.sum())
        text = f"Delta I vanishes at {exactly} lengths in {where}"
        more = len(N) - exactly
        text += f" and changes sign next to {more} more" if more else ""
    return xarray.Dataset(variables, coordinates, {"message": text + other})


def curves_dataset(
    found: Curves,
    model: Model,
    wire: Wire,
    drive: Mapping[str, Any],
    bounds: Sequence[tuple[float, float]],
    cut: str = "",
) -> xarray.Dataset:
    """Points along all curves over `zero`, curve by curve; the curves over `line`; Delta I on a map."""
    import xarray

    parameters, curves = model.parameters, found.curves
    sizes = np.array([len(curve.points) for curve in curves], int)
    joined = lambda parts, empty: np.concatenate(parts) if parts else empty
    points = joined([curve.points for curve in curves], np.zeros((0, 2)))
    variables: dict[str, Any] = {
        p.name: ("zero", points[:, i], _labels(*p.label)) for i, p in enumerate(parameters)
    }
    number = np.repeat(np.arange(len(curves)), sizes)
    family = _families_of_curves(found, model, wire, drive)
    variables |= {
        "curve": ("zero", number, _labels("1", "number of the curve, from 0")),
        "residual": ("zero", joined([c.residual for c in curves], np.zeros(0)), RESIDUAL),
        "points": ("line", sizes, _labels("1", "number of points")),
        "closed": (
            "line",
            np.array([c.closed for c in curves], np.int8),
            _labels("1", "closes in itself"),
        ),
        "whole": (
            "line",
            np.array([c.whole for c in curves], np.int8),
            _labels("1", "closes, or leaves the window at both ends"),
        ),
        "multiplicity": ("line", np.array([c.multiplicity for c in curves], np.int8), MULTIPLICITY),
        "family": ("line", family, FAMILY),
        "nonreciprocity": (
            tuple(f"{p.name}_map" for p in parameters),
            found.nonreciprocity,
            NONRECIPROCITY,
        ),
    }
    coordinates: dict[str, Any] = {
        "zero": ("zero", *_numbered(len(points), "point on a curve")),
        "line": ("line", *_numbered(len(curves), "curve")),
    }
    for p, axis in zip(parameters, found.axes, strict=True):
        coordinates[f"{p.name}_map"] = (f"{p.name}_map", axis, _labels(*p.label))
    message = _curves_in_words(found, parameters, bounds, wire, drive) + cut
    return xarray.Dataset(variables, coordinates, {"message": message})


def _curves_in_words(
    found: Curves,
    parameters: Sequence[Coordinate],
    bounds: Sequence[tuple[float, float]],
    wire: Wire,
    drive: Mapping[str, Any],
) -> str:
    """How many curves of zeros a window holds, or why none."""
    curves = found.curves
    where = " and ".join(f"{a:g} <= {p.name} <= {b:g}" for p, (a, b) in zip(parameters, bounds, strict=True))
    if found.flat:
        return f"flat: Delta I vanishes throughout {where}{identically_zero.why_flat(wire, drive)}"
    if not np.isfinite(found.nonreciprocity).any():
        return f"unsolved: no steady state found anywhere in {where}"
    if not curves:
        least = np.nanmin(np.abs(found.nonreciprocity))
        return f"no zero of Delta I in {where}: the smallest |Delta I| on the map is {least:.3g} I_o"
    closed, open_ = sum(c.closed for c in curves), sum(not c.whole for c in curves)
    text = f"{len(curves)} {'curve' if len(curves) == 1 else 'curves'} of zeros in {where}"
    text += f", {closed} of them closed" if closed else ""
    text += f"; {open_} end inside the window" if open_ else ""
    return text


def _families_of_curves(found: Curves, model: Model, wire: Wire, drive: Mapping[str, Any]) -> np.ndarray:
    """The family that all points of a curve have, by the closed form of one pair; else 0."""
    out = np.zeros(len(found.curves), np.int8)
    names = [p.name for p in model.parameters]
    closed_form = model.law.is_linear and families.is_pair(wire)
    if not closed_form or not set(names) <= {GAMMA, MU_BAR}:
        return out
    for i, curve in enumerate(found.curves):
        at = dict(zip(names, curve.points.T, strict=True))
        gamma = at.get(GAMMA, float(np.asarray(wire.coupling)[1]))
        common = np.bitwise_and.reduce(
            families.family(int(wire.length), at.get(MU_BAR, drive.get(MU_BAR)), gamma)
        )
        out[i] = common
    return out
