"""Lines along an axis of the grid or along the wire, of one result or of several in one panel.

v             a line; averages with a band from v - s to v + s, s their standard error
v_typical     exp <ln |v|>, and dashed the mean
v_quantiles   the median, and bands from the quantile q to 1 - q; at one point, q against v
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from jaxtransport.plot import averages, panels, style
from jaxtransport.plot.averages import QUANTILE
from jaxtransport.plot.view import View

MOST_MARKERS = 60  # with more, markers would overlap
OF_ERRORS = 0.25  # opacity of a band of standard errors
OF_QUANTILES = 0.5  # ... of all bands of quantiles on top of each other
MOST_BANDS = 3  # that a legend lists
MANY = "0.45"  # grey, in a legend for lines of several colours


@dataclass(frozen=True)
class Part:
    """What is drawn of one result, and what tells it from the others."""

    view: View
    label: str = ""


@dataclass(frozen=True)
class Curve:
    """One line: `value` and perhaps `error` along x."""

    data: xr.Dataset
    label: str
    index: int  # of its colour
    dashed: bool


def lines(parts: Sequence[Part]) -> Figure:
    """One line for each value of the family of each part, along one axis of the grid."""
    figure, axes = plt.subplots(figsize=style.size(5.2, 3.7))
    view = parts[0].view
    array = view.data[view.names[0]]
    more = _draw(axes, parts)
    _finish(axes, parts)
    axes.set_ylabel(_label(view))
    if flags := panels.flags_of(array):
        axes.set_yticks([code for code, _ in flags], labels=[name for _, name in flags])
        axes.set_ylabel("")
    if more or axes.get_legend_handles_labels()[1]:
        panels.legend(axes, more)
    if view.family is None and len(parts) == 1 and QUANTILE not in array.dims:
        _hatch_outside(axes, view, array)
    return figure


def profiles(parts: Sequence[Part]) -> Figure:
    """Values along the wire, forward and reverse bias; bare sites are left out."""
    figure, axes = plt.subplots(figsize=style.size(5.2, 3.7))
    more = _draw(axes, parts)
    _finish(axes, parts)
    axes.set_ylabel(_label(parts[0].view))
    if more or axes.get_legend_handles_labels()[1]:
        panels.legend(axes, more)
    return figure


def cumulative(parts: Sequence[Part]) -> Figure:
    """Quantiles against their values, at one point of the grid or at a few."""
    figure, axes = plt.subplots(figsize=style.size(5.2, 3.7))
    for curve in _curves(parts):
        data = curve.data.sortby(QUANTILE)
        _line(axes, data["value"].values, data[QUANTILE].values, curve)
    array = parts[0].view.data[parts[0].view.names[0]]
    panels.say_nothing_is_there(axes, _values(parts))
    axes.set_xlabel(style.label_of(array, long=True))
    axes.set_ylabel("cumulative probability")
    axes.set_ylim(0.0, 1.0)
    axes.margins(x=0.05)
    if axes.get_legend_handles_labels()[1]:
        panels.legend(axes)
    return figure


KINDS = {"line": lines, "profile": profiles, "cumulative": cumulative}


def _curves(parts: Sequence[Part]) -> Iterator[Curve]:
    """All lines of a panel: first those of the first variable."""
    names = parts[0].view.names
    several = len(parts) > 1 or parts[0].view.family is not None
    typical = averages.is_typical(parts[0].view.data, names[0])
    biases = [name.rsplit("_", 1)[-1] for name in names]
    biases = biases if set(biases) <= {"forward", "reverse"} and len(names) > 1 else [""] * len(names)
    for j, name in enumerate(names):
        index = -1
        for part in parts:
            for label, data in panels.members(part.view, part.view.data):
                index += 1
                texts = (biases[j], part.label, "" if typical and j else label)
                yield Curve(
                    _along(data, name, part.view),
                    ", ".join(text for text in texts if text) if not (typical and j) else "",
                    index if several or typical or len(names) == 1 else (1, 2)[j],
                    bool(j and (several or typical)),
                )


def _along(data: xr.Dataset, name: str, view: View) -> xr.Dataset:
    """`value` and perhaps `error` of a variable along x; a profile without its bare sites."""
    found = {"value": data[name].drop_vars(set(data[name].coords) - set(data[name].dims))}
    if error := averages.error_of(data, name):
        found["error"] = data[error].drop_vars(set(data[error].coords) - set(data[error].dims))
    along = xr.Dataset(found).sortby(view.x)
    return along.dropna(view.x, subset=["value"]) if view.kind == "profile" else along


def _draw(axes: Axes, parts: Sequence[Part]) -> list[Artist]:
    """Draw all curves with their bands; returns the entries of the legend that explain them."""
    view = parts[0].view
    curves = list(_curves(parts))
    colour = style.colour(curves[0].index) if len(curves) == 1 else MANY
    spread = QUANTILE in curves[0].data.dims and view.x != QUANTILE
    if spread:
        for curve in curves:
            _spread(axes, curve, view.x)
        return _said_of_quantiles(curves, colour)
    more: list[Artist] = []
    for curve in curves:
        x = curve.data[view.x].values
        if "error" in curve.data and np.isfinite(curve.data["error"].values).any():
            value, error = curve.data["value"].values, curve.data["error"].values
            look: dict[str, Any] = {"color": style.colour(curve.index), "linewidth": 0}
            axes.fill_between(x, value - error, value + error, alpha=OF_ERRORS, zorder=1.5, **look)
            more = [Patch(color=colour, alpha=OF_ERRORS, linewidth=0, label="± standard error")]
        _line(axes, x, curve.data["value"].values, curve)
    symbol = style.symbol_of(view.data[view.names[-1]])
    look = {"color": colour if len(curves) > 2 else style.colour(0)}
    if averages.is_typical(view.data, view.names[0]):
        solid = Line2D([], [], label=f"typical ${symbol}$", **look)
        return [solid, Line2D([], [], linestyle="--", label=f"mean ${symbol}$", **look)]
    if more and len(curves) == 1 and not curves[0].label:
        more = [Line2D([], [], label="mean", **look), *more]
    return more


def _line(axes: Axes, x: np.ndarray, y: np.ndarray, curve: Curve) -> None:
    few = len(x) <= MOST_MARKERS
    turn = curve.index // len(style.COLOURS)  # lines of one colour differ in their strokes
    axes.plot(
        x,
        y,
        color=style.colour(curve.index),
        marker=style.MARKERS[curve.index % len(style.MARKERS)] if few else "",
        markerfacecolor=plt.rcParams["axes.facecolor"] if curve.dashed else None,
        linestyle="--" if curve.dashed else ("-", "-.", ":")[turn % 3],
        linewidth=plt.rcParams["lines.linewidth"] * (0.625 if few else 1.0),
        label=curve.label or None,
    )


def _spread(axes: Axes, curve: Curve, x: str) -> None:
    """The bands between symmetric quantiles, the median, and dotted the quantiles without a partner."""
    data = curve.data["value"].transpose(QUANTILE, x)
    quantiles, along = data[QUANTILE].values, data[x].values
    bands = averages.pairs(quantiles)
    colour = style.colour(curve.index)
    for low, high in bands:
        axes.fill_between(
            along, data.values[low], data.values[high], color=colour, alpha=_opacity(bands), linewidth=0
        )
    paired = {place for band in bands for place in band}
    for place in set(range(len(quantiles))) - paired:
        if np.isclose(quantiles[place], 0.5):
            _line(axes, along, data.values[place], curve)
        else:
            axes.plot(along, data.values[place], color=colour, linestyle=":", linewidth=1.0)


def _opacity(bands: Sequence[Any]) -> float:
    """Of each band, so that all on top of each other are as opaque as one should be."""
    return 1 - (1 - OF_QUANTILES) ** (1 / max(2, len(bands)))


def _said_of_quantiles(curves: Sequence[Curve], colour: str) -> list[Artist]:
    quantiles = curves[0].data[QUANTILE].values
    bands = averages.pairs(quantiles)
    listed = np.unique(np.linspace(0, len(bands) - 1, min(MOST_BANDS, len(bands))).round().astype(int))
    said: list[Artist] = []
    has_median = bool(np.isclose(quantiles, 0.5).any())
    if has_median and not curves[0].label:
        said.append(Line2D([], [], color=colour, label="median"))
    if not has_median:  # no line bears the label of a curve
        said += [Patch(color=style.colour(c.index), alpha=0.5, label=c.label) for c in curves if c.label]
    for place in listed:
        low, high = (100 * quantiles[i] for i in bands[place])
        opacity = 1 - (1 - _opacity(bands)) ** (place + 1)  # of this one on all that are wider
        said.append(Patch(color=colour, alpha=opacity, linewidth=0, label=f"{low:g} to {high:g} %"))
    alone = set(range(len(quantiles))) - {i for band in bands for i in band}
    if others := sorted(100 * quantiles[i] for i in alone if not np.isclose(quantiles[i], 0.5)):
        text = ", ".join(f"{q:g}" for q in others)
        said.append(Line2D([], [], color=colour, linestyle=":", linewidth=1.0, label=f"{text} %"))
    return said


def _label(view: View) -> str:
    """Name, symbol and unit of what is drawn, without what the legend tells."""
    array = view.data[view.names[0]]
    if averages.is_typical(view.data, view.names[0]) and len(view.names) > 1:
        mean = view.data[view.names[1]]
        return style.label_of(mean.assign_attrs(long_name=mean.attrs["quantity"]), long=True)
    if len(view.names) == 1:
        return style.label_of(array, long=True)
    long_name = str(array.attrs.get("long_name", "")).split(",")[0]
    symbol = style.symbol_of(array).split("^\\mathrm{")[0]
    unit = style.unit_of(array)
    return f"{long_name} ${symbol}$" + (f" (${unit}$)" if unit else "")


def _finish(axes: Axes, parts: Sequence[Part]) -> None:
    view = parts[0].view
    along = np.unique(np.concatenate([part.view.data[view.x].values for part in parts]))
    values = _values(parts)
    panels.say_nothing_is_there(axes, values)
    axes.set_xlabel(style.label_of(view.data[view.x], long=view.x in ("site", "bond", "N")))
    style.set_scale(axes, "x", view.data[view.x].values if len(parts) == 1 else along)
    if style.is_signed(values):
        axes.axhline(0.0, color="0.6", linewidth=0.8, zorder=0)
    axes.margins(x=0.02)
    if np.issubdtype(along.dtype, np.integer):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _values(parts: Sequence[Part]) -> np.ndarray:
    """All numbers of the first variable."""
    return np.concatenate([np.ravel(part.view.data[part.view.names[0]].values) for part in parts])


def _hatch_outside(axes: Axes, view: View, array: xr.DataArray) -> None:
    array = array.sortby(view.x)
    if (outside := panels.outside_band(view, array)) is not None:
        borders = panels.edges(array[view.x].values)
        turns = np.flatnonzero(np.diff(outside, prepend=0.0, append=0.0))  # where a stretch begins or ends
        for start, stop in turns.reshape(-1, 2):
            axes.axvspan(borders[start], borders[stop], facecolor="none", edgecolor="0.7", hatch="////", lw=0)
