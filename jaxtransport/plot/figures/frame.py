"""Common parts of the figures of the paper: sizes, lines for the exact model, dots for closed forms.

A figure reads result files and draws; it never solves. Widths are those of one and of two columns of
a printed page, in inches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxtransport.plot import sheet, style

COLUMN, PAGE = 3.5, 7.1
RC = sheet.PRINT
COLOURS = style.COLOURS[1:]  # black is for closed forms
MOST_DOTS = 26  # of one closed form: more would hide the line beneath

Data = Mapping[str, xr.Dataset]  # by the name of the sweep


@dataclass(frozen=True)
class PaperFigure:
    """One picture: the sweeps whose files it reads, and the function that draws it from them."""

    name: str
    title: str
    sweeps: tuple[str, ...]
    draw: Callable[[Data], Figure]


def new(
    rows: int = 1, columns: int = 1, *, width: float = COLUMN, height: float = 2.7, **options: Any
) -> tuple[Figure, Any]:
    """A figure and its axes: one, or an array of them."""
    return plt.subplots(rows, columns, figsize=(width, height), **options)


def exact(axes: Axes, x: Any, y: Any, index: int, label: str | None = None, **look: Any) -> None:
    """A line of the exact model, in the colour of its `index`."""
    axes.plot(x, y, **{"color": COLOURS[index % len(COLOURS)], "label": label, **look})


def dots(axes: Axes, x: Any, y: Any, label: str | None = None, **look: Any) -> None:
    """A closed form as black dots, thinned out where they would touch."""
    x, y = np.asarray(x), np.asarray(y)
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_DOTS)).round().astype(int))
    axes.plot(x[kept], y[kept], **{"color": "black", "marker": "o", "ls": "", "label": label, **look})


def zero(axes: Axes) -> None:
    """A faint line at zero."""
    axes.axhline(0.0, color="0.7", linewidth=0.6, zorder=0)


def letter(axes: Axes, text: str, what: str = "") -> None:
    """The letter of a panel, above its left corner, and what it shows."""
    axes.set_title(f"({text})", loc="left", fontweight="bold")
    if what:
        axes.text(0.98, 0.97, what, transform=axes.transAxes, ha="right", va="top", fontsize=8.5)


def given(parameter: xr.DataArray) -> Any:
    """The value of a parameter that a result holds fixed."""
    return parameter.item()


def said(*parameters: xr.DataArray) -> str:
    """Fixed parameters in TeX: "mu_bar = 1 gamma_o, N = 4"."""
    return ",  ".join(f"${style.equals(one, given(one))}$" for one in parameters)


def note(figure: Figure, *lines: str) -> None:
    """Parameters and remarks, small, below the panels."""
    figure.supxlabel("\n".join(lines), fontsize=6.5, color="0.3")


# Figs. 8 and 9 plot against the deficit of the contacts, as in the text of the paper.
WEAK_CONTACTS = (
    r"the paper writes $\delta\gamma = \gamma_1 - \gamma_o$, "
    r"but its text holds for weak contacts, $\gamma_1 < \gamma_o$"
)


def legend(axes: Axes, **where: Any) -> None:
    """A legend: lines of the exact model first, closed forms, which are black or grey, after them."""
    handles, labels = axes.get_legend_handles_labels()
    handles, labels = where.pop("handles", handles), where.pop("labels", labels)
    order = sorted(range(len(handles)), key=lambda i: vars(handles[i]).get("_color") not in COLOURS)
    look = {"handlelength": 1.6, "labelspacing": 0.3, "borderaxespad": 0.3, **where}
    axes.legend([handles[i] for i in order], [labels[i] for i in order], **look)
