"""Pictures of searches: zeros on Delta I, zeros against an outer axis, curves of zeros over a map."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from jaxtransport.errors import InputError
from jaxtransport.plot import panels, style

MOST_PANELS = 12
FAMILIES = {
    0: ("zero", style.COLOURS[0], "o"),
    1: ("first family", style.COLOURS[1], "o"),
    2: ("second family", style.COLOURS[2], "s"),
    3: ("both families", style.COLOURS[0], "D"),
}


def draw_search(data: xr.Dataset, names: tuple[str, ...], *, x: str | None = None) -> Figure:
    """The picture of a search.

    Args:
        data: a result of `jaxtransport zeros` or `find_zeros`.
        names: the searched parameters.
        x: the horizontal outer axis; by default the one with most values.

    Raises:
        InputError: an unknown axis.
    """
    outer = [name.removeprefix("search_") for name in map(str, data.data_vars) if name.startswith("search_")]
    if x is not None and x not in outer:
        known = ", ".join(outer) or "none (there is no outer axis)"
        raise InputError(f"--x {x}: not an outer axis of this search; known: {known}")
    if "line" in data.dims:
        return _curves(data, names, outer)
    if not outer:
        return _on_line(data, names[0])
    chosen = x or max(outer, key=lambda name: len(np.unique(data[f"search_{name}"])))
    return _against(data, names[0], chosen)


def _on_line(data: xr.Dataset, name: str) -> Figure:
    """Delta I along the searched parameter, with its zeros."""
    figure, axes = plt.subplots(figsize=style.size(5.6, 3.7))
    along = "length" if "length" in data.dims else f"{name}_map"
    array = data["nonreciprocity"]
    axes.axhline(0.0, color="0.6", linewidth=0.8, zorder=0)
    whole = along == "length"
    axes.plot(data[along].values, array.values, color="0.45", linewidth=1.2, marker="." if whole else "")
    _marked(axes, data[name].values, np.zeros(data.sizes["zero"]), data["family"].values)
    axes.set_xlabel(style.label_of(data[name if name in data else along], long=whole))
    axes.set_ylabel(style.label_of(array, long=True))
    if whole:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(x=0.02)
    return figure


def _against(data: xr.Dataset, name: str, x: str) -> Figure:
    """Zeros against an outer axis."""
    figure, axes = plt.subplots(figsize=style.size(5.6, 4.2))
    _marked(axes, data[x].values, data[name].values, data["family"].values)
    axes.set_xlabel(style.label_of(data[x], long=x == "N"))
    axes.set_ylabel(style.label_of(data[name]))
    for axis, values in ((axes.xaxis, data[x].values), (axes.yaxis, data[name].values)):
        if np.issubdtype(values.dtype, np.integer):
            axis.set_major_locator(MaxNLocator(integer=True))
    style.set_scale(axes, "x", np.unique(data[f"search_{x}"].values))
    axes.margins(x=0.03, y=0.03)
    return figure


def _marked(axes: Axes, x: np.ndarray, y: np.ndarray, family: np.ndarray) -> None:
    """Zeros in the colours of their families, and a legend if there are any."""
    size = 5.0 if len(x) <= 80 else 3.0
    for code, (label, colour, marker) in FAMILIES.items():
        chosen = family == code
        if chosen.any():
            look: dict[str, Any] = {"color": colour, "markersize": size, "zorder": 3, "clip_on": False}
            axes.plot(x[chosen], y[chosen], marker, label=label, **look)
    if np.any(family):
        panels.legend(axes)


def _curves(data: xr.Dataset, names: tuple[str, ...], outer: list[str]) -> Figure:
    """Curves of zeros over the map of Delta I, one panel for each search."""
    first, second = names
    many = "search" in data.dims
    count = data.sizes["search"] if many else 1
    shown = np.unique(np.linspace(0, count - 1, min(count, MOST_PANELS)).round().astype(int))
    columns = 1 if len(shown) == 1 else min(3, len(shown)) if len(shown) <= 9 else 4
    rows = -(-len(shown) // columns)
    rows, columns = panels.fitting(len(shown), rows, columns)
    size = (5.6, 4.2) if len(shown) == 1 else (1.2 + 2.5 * columns, 0.7 + 2.2 * rows)
    size = style.size(*size, panels=len(shown))
    figure, grid = plt.subplots(rows, columns, figsize=size, sharex=True, sharey=True, squeeze=False)
    maps = data["nonreciprocity"]
    norm, colours, extend = panels.scale(maps.values)
    mesh: Any = None
    for axes, search in zip(grid.flat, shown, strict=False):
        array = maps.isel(search=search) if many else maps
        x, y = data[f"{first}_map"].values, data[f"{second}_map"].values
        mesh = axes.pcolormesh(
            x, y, array.values.T, norm=norm, cmap=colours, shading="nearest", rasterized=True
        )
        lines = (
            np.flatnonzero(data["searched_line"].values == data["search"].values[search])
            if many
            else range(data.sizes["line"])
        )
        for line in lines:
            member = data.isel(zero=np.flatnonzero(data["curve"].values == data["line"].values[line]))
            double = int(data["multiplicity"].values[line]) == 2
            kind = "--" if double else "-"
            axes.plot(member[first].values, member[second].values, kind, color="black", linewidth=1.0)
        if outer:
            at = [f"${style.equals(data[name], data[f'search_{name}'].values[search])}$" for name in outer]
            axes.set_title(", ".join(at))
    for axes in list(grid.flat)[len(shown) :]:
        axes.remove()
    panels.label_columns(grid, len(shown), style.label_of(data[first]))
    for axes in grid[:, 0]:
        axes.set_ylabel(style.label_of(data[second]))
    bar = figure.colorbar(
        mesh, ax=list(grid.flat)[: len(shown)], extend=extend, pad=0.02, aspect=22 if rows == 1 else 30
    )
    bar.set_label(style.label_of(maps, long=True))
    bar.outline.set_visible(False)
    if colours == style.SIGNED_MAP:
        bar.ax.axhline(0.0, color="black", linewidth=1.0)
    return figure
