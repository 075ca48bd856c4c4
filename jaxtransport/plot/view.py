"""Choice of what to draw of a result: variable, axes, and values of the other axes.

    a variable along the wire            -> profile: x = site, forward and reverse together
    at most one axis of many values      -> line, one for each value of a short axis
    several axes of many values          -> map, side by side for some values of a third axis
    quantiles along one of the first two -> the same with bands; at one point, their cumulative distribution

An axis is short with up to `SHORT` values. Choices that are given are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from jaxtransport.errors import InputError
from jaxtransport.plot import averages
from jaxtransport.text import plural

SHORT = 6
MOST_CELLS, MOST_POINTS = 2000, 20_000  # drawn along an axis of a map, and of a line: more than a page shows
ALONG = ("site", "bond", "node", "position")
COUNTS = ("members", "failed")  # of averages
HIDDEN = ("status", "started", "finished", "halvings", "outside_band", "position", *COUNTS)
BESIDE = ("status", "outside_band", *COUNTS)  # shown in notes or as hatching
FAVOURITES = (
    "nonreciprocity",
    "potential_forward",
    "voltage_forward",
    "density_right_forward",
    "heat_forward",
    "site_current_forward",
    "bond_current_forward",
    "conductance",
    "current_forward",
)


@dataclass(frozen=True)
class View:
    """A choice of what to draw; `data` keeps only what is drawn, and what is said of it."""

    kind: str  # "profile", "line", "map" or "cumulative"
    data: xr.Dataset
    names: tuple[str, ...]  # variables: one, forward and reverse, or typical and mean
    x: str  # horizontal axis
    y: str | None  # vertical axis; maps only
    family: str | None  # one line or panel for each value
    fixed: dict[str, float]  # axes held at one value
    left_out: tuple[str, ...] = ()  # notes on parts of the result that are not shown

    def loaded(self) -> View:
        """The same with its numbers in memory: other parts are never read."""
        return replace(self, data=self.data.load())


def choose(
    data: xr.Dataset,
    *,
    variable: str | None = None,
    x: str | None = None,
    y: str | None = None,
    at: Sequence[str] = (),
    alone: bool | None = None,
) -> View:
    """Decide what to draw.

    Args:
        alone: a profile without its partner under the other bias; by default one that was asked for.

    Raises:
        InputError: an unknown variable or axis, a value off the grid, nothing to draw along, an axis
            with duplicate values.
    """
    name = _variable(data, variable)
    array = data[name]
    for dim in array.dims:
        if dim in data.coords and len(np.unique(data[dim].values)) < data.sizes[dim]:
            raise InputError(f"{dim} has duplicate values and cannot be an axis; run the sweep again")
    fixed, several = _fixed(data, array, at)
    if several:
        data = data.sel(several)
        array = data[name]
    for option, wanted in (("--x", x), ("--y", y)):
        if wanted is not None and (wanted not in array.dims or wanted in fixed):
            raise InputError(
                f"{option} {wanted}: not a free axis of {name}; expected one of {_list(array.dims)}"
            )
    if x is not None and x == y:
        raise InputError(f"--x {x}: the same as --y; expected two different axes")
    free = [d for d in array.dims if d not in fixed and array.sizes[d] > 1]
    for dim in array.dims:
        if array.sizes[dim] == 1 and dim not in fixed:
            fixed[str(dim)] = data[dim].values[0].item()
    if not free:
        raise InputError(
            f"{name} is one number, {float(array.sel(fixed).values.squeeze()):.10g}, with nothing to draw it "
            "along; choose a variable along the wire, or run with a [grid]"
        )
    along = next((d for d in free if d in ALONG), None)
    kind, right, up, rest = _kind(data, free, several, along, x, y)
    rest = [d for d in dict.fromkeys((*several, *rest)) if d not in (right, up)]
    shown = [d for d in several if d in rest]
    if len(shown) > 1:
        raise InputError(
            f"--at: several values of {' and of '.join(shown)}; expected one value for all but one"
        )
    family = shown[0] if shown else _family(data, rest, kind)
    left_out = []
    for dim in rest:
        if dim != family:
            fixed[dim] = data[dim].values[len(data[dim]) // 2].item()
            left_out.append(f"1 of {data.sizes[dim]:,} {_many(dim)} shown")
    names = _names(data, name, kind, alone=variable is not None if alone is None else alone)
    plain = kind != "map" and not averages.is_typical(data, name)
    errors = [error for n in names if plain and (error := averages.error_of(data, n))]
    kept = [*names, *(n for n in (*errors, *BESIDE) if n in data.data_vars and n not in names)]
    chosen = data[kept].sel({k: v for k, v in fixed.items() if k in data.dims})
    most = {right: MOST_POINTS if kind == "line" else MOST_CELLS} | ({up: MOST_CELLS} if up else {})
    if family is not None and not several:
        most[family] = SHORT
    chosen, thinned = _thinned(chosen, most)
    return View(kind, chosen, names, right, up, family, fixed, (*left_out, *thinned))


def _thinned(data: xr.Dataset, most: dict[str, int]) -> tuple[xr.Dataset, list[str]]:
    """Data with at most `most` values of each axis, evenly spread, and notes on what is left out."""
    said = []
    for dim, count in most.items():
        if (size := data.sizes[dim]) > count:
            data = data.isel({dim: np.unique(np.linspace(0, size - 1, count).round().astype(int))})
            said.append(f"{count:,} of {size:,} {_many(dim)} shown")
    return data, said


def _many(dim: str) -> str:
    """Plural of the name of an axis: sites, but N."""
    return plural(dim) if dim in ALONG else str(dim)


def _fixed(data, array, at) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Axes at one value, and axes at several, according to --at."""
    found: dict[str, list[float]] = {}
    for text in at:
        axis, value = _at(data, array, text)
        if value not in found.setdefault(axis, []):
            found[axis].append(value)
    one = {axis: values[0] for axis, values in found.items() if len(values) == 1}
    return one, {axis: values for axis, values in found.items() if len(values) > 1}


def _variable(data: xr.Dataset, name: str | None) -> str:
    drawable = [str(v) for v in data.data_vars if v not in HIDDEN]
    if name is not None:
        if name not in data.data_vars:
            raise InputError(f"--variable {name}: not in the file; expected one of {_list(drawable)}")
        return name
    with_axes = [v for v in drawable if data[v].size > 1] or drawable
    return next((v for v in FAVOURITES if v in with_axes), with_axes[0])


def _at(data: xr.Dataset, array: xr.DataArray, text: str) -> tuple[str, float]:
    axis, equals, value = text.partition("=")
    if not equals or axis not in array.dims:
        raise InputError(f"--at {text}: expected AXIS=VALUE with one of {_list(array.dims)}")
    try:
        wanted = float(value)
    except ValueError:
        raise InputError(f"--at {text}: {value!r} is not a number") from None
    if not np.isfinite(wanted):
        raise InputError(f"--at {text}: expected a finite number")
    values = data[axis].values
    nearest = values[np.argmin(np.abs(values - wanted))]
    spacing = np.min(np.abs(np.diff(np.sort(values)))) if len(values) > 1 else np.inf
    if abs(nearest - wanted) > max(0.5 * spacing, 1e-9 * abs(wanted)) or (
        np.issubdtype(values.dtype, np.integer) and nearest != wanted
    ):
        raise InputError(f"--at {text}: not on the grid; the nearest value is {nearest:g}")
    return axis, nearest.item()


def _kind(data, free, several, along, x, y):
    """(kind, x, y, axes left over). Quantiles are bands around a line, unless asked for as an axis."""
    spread = averages.QUANTILE in free and averages.QUANTILE not in (x, y, *several)
    others = [d for d in free if not (spread and d == averages.QUANTILE)]
    left = [d for d in others if d not in several]
    if spread and not left and x is None and y is None:
        return "cumulative", averages.QUANTILE, None, others
    kind, right, up, rest = _axes(data, left or others, along, x, y)
    return kind, right, up, [*rest, averages.QUANTILE] if spread and kind == "map" else rest


def _axes(data, free, along, x, y):
    """(kind, x, y, axes left over)."""
    long = [d for d in free if data.sizes[d] > SHORT and d not in ALONG]
    if along is not None and y is None and x in (None, along):
        return "profile", along, None, [d for d in free if d != along]
    if y is not None or (x is None and len(long) > 1):
        # Counting axes such as N make poor map axes: nothing lies between their values.
        ranked = sorted(
            long or free, key=lambda d: (np.issubdtype(data[d].dtype, np.integer), -free.index(d))
        )
        ranked += [d for d in free if d not in ranked]
        x = x or next((d for d in ranked if d != y), None)
        y = y or next((d for d in ranked if d != x), None)
        if x is None or y is None:
            raise InputError("--y: a map needs two axes, but only one is free; remove --y")
        return "map", x, y, [d for d in free if d not in (x, y)]
    x = x or (long[0] if long else free[-1])
    return "line", x, None, [d for d in free if d != x]


def _family(data, rest, kind):
    """The left-over axis that is shown side by side: for maps the longest, else the first short one."""
    if not rest:
        return None
    if kind == "map":
        return max(rest, key=lambda d: (d == averages.QUANTILE, data.sizes[d]))
    return next((d for d in rest if data.sizes[d] <= SHORT), rest[0])


def _names(data, name, kind, *, alone):
    """Typical values come with the mean, and profiles with the other bias, where both are stored."""
    base, statistic = averages.parse(data, name) or (name, "")
    if kind != "map" and statistic == "typical":
        return (name, base)
    for bias, other in (("_forward", "_reverse"), ("_reverse", "_forward")):
        if kind == "profile" and not alone and name.endswith(bias):
            partner = name.removesuffix(bias) + other
            return tuple(sorted((name, partner))) if partner in data else (name,)
    return (name,)


def _list(names) -> str:
    return ", ".join(str(n) for n in names) or "none"
