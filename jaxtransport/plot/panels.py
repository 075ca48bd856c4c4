"""Maps with their zero contour, and what panels of all kinds share: legends, hatching, colour scales."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap, Normalize
from matplotlib.figure import Figure

from jaxtransport.plot import contours, style
from jaxtransport.plot.view import ALONG, View

LEGEND_CHARACTERS, LEGEND_HANDLE = 52, 6  # a panel's width, and a legend entry's line, in characters
MOST_ABOVE = 6  # entries of a legend above a panel


def maps(view: View) -> Figure:
    """Colour over two axes; black where the variable is zero. Side by side over the family."""
    array = view.data[view.names[0]].transpose(..., view.y, view.x)
    shown = list(members(view, array))
    rows, columns = (1, len(shown)) if len(shown) <= 3 else (2, -(-len(shown) // 2))
    rows, columns = fitting(len(shown), rows, columns)
    size = (5.4, 4.0) if len(shown) == 1 else (1.0 + 2.7 * columns, 0.5 + 2.45 * rows)
    size = style.size(*size, panels=len(shown))
    figure, grid = plt.subplots(rows, columns, figsize=size, sharex=True, sharey=True, squeeze=False)
    flags = [(code, name) for code, name in flags_of(array) if code == 0 or (array.values == code).any()]
    norm: Any
    norm, colours, extend = _scale_of_flags(flags) if flags else scale(_inner(array))
    mesh: Any = None
    for axes, (label, member) in zip(grid.flat, shown, strict=False):
        mesh = _map(axes, member, view, norm, colours)
        say_nothing_is_there(axes, member.values)
        if label:
            axes.set_title(label)
    for axes in list(grid.flat)[len(shown) :]:
        axes.remove()
    label_columns(grid, len(shown), style.label_of(view.data[view.x]))
    for axes in grid[:, 0]:
        axes.set_ylabel(style.label_of(view.data[view.y]))
    bar = figure.colorbar(
        mesh, ax=list(grid.flat)[: len(shown)], extend=extend, pad=0.02, aspect=30 if rows > 1 else 22
    )
    bar.outline.set_visible(bool(flags))
    if flags:
        middle = [(a + b) / 2 for a, b in itertools.pairwise(norm.boundaries)]
        bar.set_ticks(middle, labels=[name for _, name in flags])
        bar.ax.tick_params(length=0)
        return figure
    bar.set_label(style.label_of(array, long=True))
    if colours == style.SIGNED_MAP:
        bar.ax.axhline(0.0, color="black", linewidth=1.0)
    return figure


def fitting(count: int, rows: int, columns: int) -> tuple[int, int]:
    """Rows and columns of `count` panels: these, or fewer columns where the figure is narrow."""
    most = style.most_columns()
    if most is None or columns <= most:
        return rows, columns
    return -(-count // most), most


def label_columns(grid: np.ndarray, count: int, label: str) -> None:
    """Label the horizontal axis of the lowest panel of every column, of `count` panels row by row."""
    columns = grid.shape[1]
    for lowest in range(max(0, count - columns), count):
        axes = grid[lowest // columns, lowest % columns]
        axes.set_xlabel(label)
        axes.xaxis.set_tick_params(labelbottom=True)


def _inner(array: xr.DataArray) -> np.ndarray:
    """Values that set the colour scale: along a wire without those of the leads, which are much larger."""
    if "site" not in array.dims or array.sizes["site"] < 4:
        return array.values
    return array.isel(site=slice(1, -1)).values


def members(view: View, data: Any) -> Iterator[tuple[str, Any]]:
    """(label, values) for each value of the family, or once without one; of an array or a dataset."""
    if view.family is None:
        yield "", data
        return
    coordinate = view.data[view.family]
    for i, value in enumerate(coordinate.values):
        yield f"${style.equals(coordinate, value)}$", data.isel({view.family: i})


def legend(axes: Axes, more: Sequence[Artist] = ()) -> None:
    """Draw the legend above the panel, or beside it if it is too high, so that it hides no data.

    Args:
        more: entries beyond those of the lines.
    """
    handles = [*axes.get_legend_handles_labels()[0], *more]
    labels = [str(handle.get_label()) for handle in handles]
    narrow = style.is_sized() and (style.most_columns() or 1) < 3
    if len(labels) > MOST_ABOVE and not narrow:
        at = (1.0, 1.0)
        axes.legend(handles, labels, loc="upper left", bbox_to_anchor=at, handlelength=1.8, borderaxespad=0.2)
        return
    room = LEGEND_CHARACTERS
    if style.is_sized():
        inches, size = plt.rcParams["figure.figsize"][0], style.points(plt.rcParams["legend.fontsize"])
        room = int(10 * inches * 10 / size)
    widest = max(style.width_of(label) for label in labels)
    axes.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=max(1, min(3, room // (widest + LEGEND_HANDLE))),
        handlelength=1.8,
        columnspacing=1.4,
        borderaxespad=0.2,
    )


def scale(values: np.ndarray) -> tuple[Normalize, str, str]:
    """Colour scale: symmetric about zero for signed values, and insensitive to a few extreme ones."""
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


def _map(axes: Axes, array: xr.DataArray, view: View, norm: Normalize, colours: Any) -> Any:
    array = array.sortby([view.x, view.y])
    x, y, values = array[view.x].values, array[view.y].values, array.values
    mesh = axes.pcolormesh(edges(x), edges(y), values, norm=norm, cmap=colours, rasterized=True)
    if has_contour(view, array):
        contours.draw_zeros(axes, x, y, values)
    if (outside := outside_band(view, array)) is not None:
        inner = lambda along: np.repeat(edges(along), 2)[1:-1]  # every cell has both its ends
        cells = np.repeat(np.repeat(outside, 2, axis=0), 2, axis=1)
        hatched = axes.contourf(inner(x), inner(y), cells, levels=[0.5, 1.5], colors="none", hatches=["////"])
        if plt.rcParams["patch.edgecolor"] != "black":  # of a style, which might be as light as a map
            hatched.set_edgecolor("black")
            hatched.set_linewidth(0.0)
    style.set_scale(axes, "x", x)
    style.set_scale(axes, "y", y)
    return mesh


def say_nothing_is_there(axes: Axes, values: np.ndarray) -> None:
    """Write a note into an empty frame."""
    if not np.isfinite(values).any():
        box = {"facecolor": plt.rcParams["axes.facecolor"], "edgecolor": "none"}
        axes.text(0.5, 0.5, "no number to draw", transform=axes.transAxes, ha="center", va="center", bbox=box)


def edges(values: np.ndarray) -> np.ndarray:
    """Edges of the cells around ascending values: half-way to the neighbours, in the scale of the axis."""
    if style.is_geometric(values):
        return np.exp(edges(np.log(values)))
    if len(values) == 1:
        return values[0] + np.array([-0.5, 0.5])
    half = np.diff(values) / 2
    inner = values[:-1] + half
    return np.concatenate([[values[0] - half[0]], inner, [values[-1] + half[-1]]])


def has_contour(view: View, array: xr.DataArray) -> bool:
    """Whether a map shows where it is zero. Not between sites or flags, which are discrete."""
    flags = flags_of(array) or {view.x, view.y} & set(ALONG)
    return view.kind == "map" and not flags and style.is_signed(array.values)


def outside_band(view: View, like: xr.DataArray) -> np.ndarray | None:
    """1 where a potential is outside the band, on the points of `like`; None if there is nothing to show."""
    if "outside_band" not in view.data or flags_of(like):
        return None
    flags = view.data["outside_band"]
    at = {d: like[d] for d in flags.dims if d in like.coords}
    flags = flags.sel(at)
    if set(flags.dims) != set(like.dims):
        return None
    outside = (flags.transpose(*like.dims).values > 0).astype(float)  # for averages: of any member
    return outside if outside.any() else None


def flags_of(array: xr.DataArray) -> list[tuple[int, str]]:
    """(value, name) of each value that a flag takes; none for numbers."""
    if array.name == "outside_band" and np.issubdtype(array.dtype, np.integer):
        return [(0, "inside"), (1, "outside")]
    values, names = array.attrs.get("flag_values"), str(array.attrs.get("flag_meanings", "")).split()
    if values is None or len(np.atleast_1d(values)) != len(names):
        return []
    return [(int(v), name.replace("_", " ")) for v, name in zip(np.atleast_1d(values), names, strict=True)]


def _scale_of_flags(flags: list[tuple[int, str]]) -> tuple[Normalize, Any, str]:
    codes = [code for code, _ in flags]
    colours = ListedColormap([style.FLAGS[(code + 1) % len(style.FLAGS)] for code in codes])
    between = [(a + b) / 2 for a, b in itertools.pairwise(codes)]
    return BoundaryNorm([codes[0] - 0.5, *between, codes[-1] + 0.5], colours.N), colours, "neither"
