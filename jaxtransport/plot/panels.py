"""The three kinds of panel: lines, maps with their zero contour, profiles along the wire."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from jaxtransport.plot import style
from jaxtransport.plot.view import View

LEGEND_CHARACTERS, LEGEND_HANDLE = 52, 6  # a panel's width, and a legend entry's line, in characters
MOST_MARKERS = 60  # beyond that, points stand too close to be told apart


def lines(view: View) -> Figure:
    """One line for each value of the family, along one axis of the grid."""
    figure, axes = plt.subplots(figsize=(5.2, 3.7))
    array = view.data[view.names[0]]
    for i, (label, member) in enumerate(_members(view, array)):
        _line(axes, member, view.x, i, label)
    _finish(axes, view, array)
    axes.set_ylabel(style.label_of(array, long=True))
    if view.family:
        legend(axes)
    return figure


def profiles(view: View) -> Figure:
    """Values along the wire, forward and reverse bias; bare sites are left out."""
    figure, axes = plt.subplots(figsize=(5.2, 3.7))
    for j, name in enumerate(view.names):
        array = view.data[name]
        bias = {"forward": "forward", "reverse": "reverse"}.get(name.rsplit("_", 1)[-1], "")
        for i, (label, member) in enumerate(_members(view, array)):
            which = i if view.family else (1, 2)[j] if len(view.names) > 1 else 0
            held = member.dropna(view.x)
            text = ", ".join(t for t in (bias if len(view.names) > 1 else "", label) if t)
            _line(axes, held, view.x, which, text, dashed=bool(j and view.family))
    array = view.data[view.names[0]]
    _finish(axes, view, array)
    long_name = str(array.attrs.get("long_name", "")).split(",")[0]
    symbol = style.symbol_of(array).split("^\\mathrm{")[0]
    unit = style.unit_of(array)
    axes.set_ylabel(f"{long_name} ${symbol}$" + (f" (${unit}$)" if unit else ""))
    if view.family or len(view.names) > 1:
        legend(axes)
    return figure


def maps(view: View) -> Figure:
    """Colour over two axes; black where the variable is zero. Side by side over the family."""
    array = view.data[view.names[0]].transpose(..., view.y, view.x)
    members = list(_members(view, array))
    rows, columns = (1, len(members)) if len(members) <= 3 else (2, -(-len(members) // 2))
    width, height = (5.4, 4.0) if len(members) == 1 else (1.0 + 2.7 * columns, 0.5 + 2.45 * rows)
    figure, grid = plt.subplots(
        rows, columns, figsize=(width, height), sharex=True, sharey=True, squeeze=False
    )
    norm, colours, extend = scale(array.values)
    mesh: Any = None
    for axes, (label, member) in zip(grid.flat, members, strict=False):
        mesh = _map(axes, member, view, norm, colours)
        if label:
            axes.set_title(label)
    for axes in list(grid.flat)[len(members) :]:
        axes.remove()
    for axes in grid[-1]:
        axes.set_xlabel(style.label_of(view.data[view.x]))
    for axes in grid[:, 0]:
        axes.set_ylabel(style.label_of(view.data[view.y]))
    bar = figure.colorbar(
        mesh, ax=list(grid.flat)[: len(members)], extend=extend, pad=0.02, aspect=30 if rows > 1 else 22
    )
    bar.set_label(style.label_of(array, long=True))
    bar.outline.set_visible(False)
    if colours == style.SIGNED_MAP:
        bar.ax.axhline(0.0, color="black", linewidth=1.0)
    return figure


def _members(view: View, array: xr.DataArray):
    """(label, values) for each value of the family, or once without one."""
    if view.family is None:
        yield "", array
        return
    coordinate = view.data[view.family]
    for i, value in enumerate(coordinate.values):
        yield f"${style.equals(coordinate, value)}$", array.isel({view.family: i})


def _line(axes: Axes, array: xr.DataArray, x: str, index: int, label: str, *, dashed: bool = False) -> None:
    array = array.sortby(x)
    few = array.sizes[x] <= MOST_MARKERS
    axes.plot(
        array[x].values,
        array.values,
        color=style.COLOURS[index % len(style.COLOURS)],
        marker=style.MARKERS[index % len(style.MARKERS)] if few else "",
        markerfacecolor="white" if dashed else None,
        linestyle="--" if dashed else "-",
        linewidth=1.0 if few else 1.6,
        label=label or None,
    )


def legend(axes: Axes) -> None:
    """Above the panel, where it hides no data; as many columns as fit its width."""
    widest = max(style.width_of(label) for label in axes.get_legend_handles_labels()[1])
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=max(1, min(3, LEGEND_CHARACTERS // (widest + LEGEND_HANDLE))),
        handlelength=1.8,
        columnspacing=1.4,
        borderaxespad=0.2,
    )


def _finish(axes: Axes, view: View, array: xr.DataArray) -> None:
    axes.set_xlabel(style.label_of(view.data[view.x], long=view.x in ("site", "bond", "N")))
    if style.is_geometric(view.data[view.x].values):
        axes.set_xscale("log")
    if style.is_signed(array.values):
        axes.axhline(0.0, color="0.6", linewidth=0.8, zorder=0)
    axes.margins(x=0.02)
    if np.issubdtype(view.data[view.x].dtype, np.integer):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def scale(values: np.ndarray) -> tuple[Normalize, str, str]:
    """Colour scale: symmetric about zero for signed values, and deaf to a few extreme ones."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return Normalize(0, 1), style.UNSIGNED_MAP, "neither"
    if style.is_signed(values):
        top, most = np.quantile(np.abs(finite), 0.995), np.abs(finite).max()
        if most < 1.15 * top:
            top = most
        above, below = finite.max() > top, finite.min() < -top
        extend = "both" if above and below else "max" if above else "min" if below else "neither"
        return Normalize(-top, top), style.SIGNED_MAP, extend
    return Normalize(finite.min(), finite.max()), style.UNSIGNED_MAP, "neither"


def _map(axes: Axes, array: xr.DataArray, view: View, norm: Normalize, colours: str) -> Any:
    array = array.sortby([view.x, view.y])
    x, y, values = array[view.x].values, array[view.y].values, array.values
    mesh = axes.pcolormesh(x, y, values, norm=norm, cmap=colours, shading="nearest", rasterized=True)
    if style.is_signed(values):
        axes.contour(x, y, values, levels=[0.0], colors="black", linewidths=0.8)
    for set_scale, coordinate in ((axes.set_xscale, x), (axes.set_yscale, y)):
        if style.is_geometric(coordinate):
            set_scale("log")
    return mesh
