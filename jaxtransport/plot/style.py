"""Style of all pictures: sizes, colours that colour-blind readers can distinguish, labels with units."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import LogLocator, NullFormatter

# Okabe and Ito's palette, dark to light; black first, for the line that stands alone.
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
SIGNED_MAP = "RdBu_r"  # zero is white; red and blue differ for every kind of colour blindness
UNSIGNED_MAP = "cividis"
FLAGS = ("#DDDDDD", "#FFFFFF", "#E69F00", "#D55E00", "#CC79A7", "#000000", "#56B4E9", "#882255", "#0072B2")

FEW_DECADES = 2.5  # of an axis on which 1, 2 and 5 have labels, not powers of ten alone
PANEL = 1.6  # inches of the narrowest panel, with its labels
LONG_NAME = 25  # characters; a longer name leaves no room for its symbol beside an axis

# On top of matplotlib's defaults, instead of the user's configuration, which may not suit these pictures.
RC: dict[Any, Any] = {
    "font.size": 10,
    "mathtext.fontset": "dejavusans",
    "axes.labelsize": 11,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.direction": "out",
    "legend.frameon": False,
    "legend.fontsize": 10,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "figure.constrained_layout.use": True,
    "hatch.linewidth": 0.5,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}

_UNITS = {
    "1": "",
    "e^2/h": "e^2/h",
    "I_o": "I_o",
    "gamma_o": r"\gamma_o",
    "e gamma_o/hbar": r"e\gamma_o/\hbar",
    "gamma_o/k_B": r"\gamma_o/k_B",
    "gamma_o^2/hbar": r"\gamma_o^2/\hbar",
    "e v_F": r"e v_F",
    "e v_F delta_rho": r"e v_F\,\delta\rho",
    "delta_rho": r"\delta\rho",
    "1/a": "1/a",
    "V": r"\mathrm{V}",
    "V/R": "V/R",
    "V^2/R": "V^2/R",
    "[sigma]": r"[\sigma]",
}


@contextlib.contextmanager
def applied(settings: Mapping[Any, Any] = MappingProxyType({})) -> Iterator[None]:
    """Context with the style of this package, whatever the configuration of matplotlib; needs no screen.

    Args:
        settings: of matplotlib, on top of it.
    """
    always: dict[Any, Any] = {
        "backend": "agg",
        "figure.constrained_layout.use": True,
        "figure.autolayout": False,
    }
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({**RC, **settings, **always})
        yield


def size(width: float, height: float, *, panels: int = 1) -> tuple[float, float]:
    """Size of a figure in inches: this one, or as the settings ask; several panels keep their shape."""
    if not is_sized():
        return width, height
    wide, high = mpl.rcParams["figure.figsize"]
    return (wide, high) if panels == 1 else (wide, wide * height / width)


def is_sized() -> bool:
    """Whether the settings give figures a size."""
    return tuple(mpl.rcParams["figure.figsize"]) != tuple(mpl.rcParamsDefault["figure.figsize"])


def most_columns() -> int | None:
    """How many panels fit side by side, if the settings give figures a size."""
    return max(1, int(mpl.rcParams["figure.figsize"][0] / PANEL)) if is_sized() else None


def points(size: Any) -> float:
    """A size of fonts, which settings may give in words."""
    return float(FontProperties(size=size).get_size_in_points())


def colour(index: int) -> str:
    """The colour of a line: of the palette above, or of the cycle that the settings have."""
    cycle = mpl.rcParams["axes.prop_cycle"]
    theirs = cycle.by_key().get("color") if cycle != mpl.rcParamsDefault["axes.prop_cycle"] else None
    colours = theirs or COLOURS
    return str(colours[index % len(colours)])


def faint() -> str:
    """The colour of small print."""
    return "0.25" if mpl.rcParams["text.color"] == "black" else str(mpl.rcParams["text.color"])


def unit_of(array: xr.DataArray) -> str:
    """The unit of a stored variable in TeX, "" for a pure number."""
    unit = str(array.attrs.get("units", "1"))
    if unit.startswith("(") and unit.endswith(")^2"):  # of a variance
        return f"({_unit(unit[1:-3])})^2"
    return _unit(unit)


def _unit(unit: str) -> str:
    return _UNITS.get(unit, rf"\mathrm{{{unit}}}")


def symbol_of(array: xr.DataArray) -> str:
    """The symbol of a stored variable in TeX."""
    name = str(array.name).replace("_", r"\ ")
    return str(array.attrs.get("symbol") or rf"\mathrm{{{name}}}")


def label_of(array: xr.DataArray, *, long: bool = False) -> str:
    """ "symbol (unit)", with the full name before it if `long`."""
    unit = unit_of(array)
    text = f"${symbol_of(array)}$" + (f" (${unit}$)" if unit else "")
    name = str(array.attrs.get("long_name", ""))
    if not (long and name):
        return text
    if name == array.name and not array.attrs.get("symbol"):
        return name + (f" (${unit}$)" if unit else "")
    return f"{name}, {text}" if len(name) < LONG_NAME else f"{name}\n{text}"


def equals(array: xr.DataArray, value: float) -> str:
    """ "symbol = value unit" in TeX, without the dollars."""
    return f"{symbol_of(array)} = {show(value)}" + (rf"\,{u}" if (u := unit_of(array)) else "")


def show(value: float) -> str:
    """A number in TeX, as short as possible."""
    text = f"{value:.4g}"
    found = re.fullmatch(r"(.*)e([+-])0*(\d+)", text)
    if found:
        sign = "-" if found[2] == "-" else ""
        return rf"{found[1]}\times10^{{{sign}{found[3]}}}"
    return text


def width_of(text: str) -> int:
    """Approximate width of a TeX text as rendered, in characters."""
    return len(re.sub(r"[{}_^$]", "", re.sub(r"\\[a-zA-Z]+|\\,", "x", text)))


def printable(text: str) -> str:
    """A text without control characters, which fonts and SVG do not support."""
    return "".join(c if c.isprintable() or c.isspace() else "\ufffd" for c in text)


def plain(text: str) -> str:
    """A text in which nothing is taken for TeX."""
    return printable(text).replace("$", r"\$")


def is_signed(values: np.ndarray) -> bool:
    """True if finite values lie on both sides of zero."""
    finite = values[np.isfinite(values)]
    return bool(finite.size) and finite.min() < 0 < finite.max()


def set_scale(axes: Axes, which: str, values: np.ndarray) -> None:
    """A logarithmic x or y axis for values in such a spacing; its labels do not touch."""
    if not is_geometric(values):
        return
    axes.set(**{f"{which}scale": "log"})
    axis = axes.xaxis if which == "x" else axes.yaxis
    if values.max() < 10**FEW_DECADES * values.min():
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(lambda value, _: f"${show(value)}$")
        axis.set_minor_formatter(NullFormatter())


def is_geometric(values: np.ndarray) -> bool:
    """True for values in a logarithmic spacing over at least a decade."""
    if len(values) < 4 or values.min() <= 0 or values.max() < 10 * values.min():
        return False
    steps = np.diff(np.log(values))
    return bool(np.allclose(steps, steps[0], rtol=1e-3))
