"""From a result file to a finished picture: the view, its panels, and a line with the fixed parameters."""

from __future__ import annotations

import contextlib
import os
import textwrap
import uuid
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxtransport import status as codes
from jaxtransport.compute import interrupts
from jaxtransport.errors import InputError
from jaxtransport.models import MODELS
from jaxtransport.plot import panels, style
from jaxtransport.plot.view import View, choose
from jaxtransport.plot.zeros import draw_search
from jaxtransport.results import lazily
from jaxtransport.store.results import SEARCH_FORMAT
from jaxtransport.store.targets import check_name

FORMATS = (".png", ".pdf", ".svg")
TITLE_LINES = 5  # more would leave too little room for the picture
MOST_NAMED = 6  # values of an axis that a note names
KINDS = {"line": panels.lines, "profile": panels.profiles, "map": panels.maps}


def draw_file(
    result: Path,
    picture: Path,
    *,
    variable: str | None = None,
    x: str | None = None,
    y: str | None = None,
    at: Sequence[str] = (),
) -> list[str]:
    """Draw the result file `result` into `picture` (png, pdf or svg).

    Returns:
        Notes on the picture: points without numbers, and parts that are not shown.

    Raises:
        InputError: an unknown file, variable, axis or format.
    """
    check_format(picture)
    check_name("-o", picture)
    if os.path.exists(picture) and os.path.exists(result) and os.path.samefile(picture, result):
        raise InputError(f"-o {picture} is the result itself; choose another name")
    notes: list[str] = []
    with style.applied():
        with lazily(result, intact=True) as data:
            if data.attrs["format"] == SEARCH_FORMAT:
                given = {"--variable": variable, "--y": y, "--at": at or None}
                for option in (option for option, value in given.items() if value is not None):
                    raise InputError(f"{option} does not apply to a search, which takes only --x; remove it")
                figure = draw_zeros(data.load(), x=x)
            else:
                figure, notes = _draw(data, variable=variable, x=x, y=y, at=at)
        save(figure, picture, [data])
    return notes


def check_format(picture: Path) -> None:
    """Raise `InputError` unless `picture` has the ending of a format."""
    if picture.suffix.lower() not in FORMATS:
        raise InputError(f"-o {picture}: expected a name that ends in one of {', '.join(FORMATS)}")


def save(figure: Figure, picture: Path, data: Iterable[xr.Dataset]) -> None:
    """Write a figure and close it. The fingerprints of its data are stored as metadata."""
    origin = " ".join(["jaxtransport", *(str(one.attrs.get("fingerprint", "")) for one in data)])
    kind = picture.suffix.lower().removeprefix(".")
    key = "Title" if kind in ("pdf", "svg") else "Description"
    # An existing picture stays until the new one is complete; temporary names are unique to each writer.
    part = picture.with_name(f".{picture.stem[:30]}.{uuid.uuid4().hex}.part")
    try:
        with interrupts.held():  # FreeType and image libraries call Python, and lose exceptions raised there
            picture.parent.mkdir(parents=True, exist_ok=True)
            with interrupts.undone_by(lambda: part.unlink(missing_ok=True)):
                try:
                    with warnings.catch_warnings():  # a title may have characters that the font lacks
                        warnings.filterwarnings(
                            "ignore", message="Glyph .* missing from", category=UserWarning
                        )
                        figure.savefig(part, format=kind, metadata={key: origin})
                    interrupts.check()
                    os.replace(part, picture)
                finally:
                    with contextlib.suppress(OSError):
                        part.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"-o {picture} cannot be written ({error.strerror or error})") from None
    except ValueError as error:
        raise InputError(f"-o {picture}: the numbers cannot be drawn ({error})") from None
    finally:
        panels.plt.close(figure)


def draw(
    data: xr.Dataset,
    *,
    variable: str | None = None,
    x: str | None = None,
    y: str | None = None,
    at: Sequence[str] = (),
) -> Figure:
    """The picture of a loaded result as a matplotlib figure."""
    return _draw(data, variable=variable, x=x, y=y, at=at)[0]


def _draw(data: xr.Dataset, **choices: Any) -> tuple[Figure, list[str]]:
    """The picture of a sweep, and the notes below it."""
    view = choose(_by_position(data), **choices).loaded()
    notes = remarks(view)
    return _titled(KINDS[view.kind](view), data, view.fixed, notes), notes


def remarks(view: View) -> list[str]:
    """Notes for a picture: incomplete or failed points, and parts that are not shown."""
    out = list(view.left_out)
    if "status" in view.data:
        status = view.data["status"].values
        missing = int((status == codes.NOT_COMPUTED).sum())
        failed = status.size - missing - int(codes.has_numbers(status).sum())
        if missing:
            out.append(f"{status.size - missing:,} of {status.size:,} points computed")
        if failed:
            found = [name for code, name in codes.MEANINGS.items() if code > 0 and code in status]
            kinds = [name.replace("_", " ") for name in found]
            out.append(f"{failed:,} of {status.size:,} points without numbers ({', '.join(kinds)})")
    array = view.data[view.names[0]]
    if not np.isfinite(array.values).any():
        out.append("no number to draw")
    else:
        out += _without_numbers(view, array)
    hatched = view.kind == "map" or (view.kind == "line" and view.family is None)
    if hatched and panels.outside_band(view, array) is not None:
        out.append("hatched: a potential outside the band")
    if panels.has_contour(view, array):
        out.append("black: zero, interpolated between grid points")
    return out


def _without_numbers(view: View, array: xr.DataArray) -> list[str]:
    """Notes on values of axes without any number although points are solved, such as sites beyond a wire."""
    there = array.copy(data=np.isfinite(array.values))
    if "status" in view.data:
        there = there | ~codes.has_numbers(view.data["status"])
    out = []
    for dim in (view.family, view.x if view.kind == "line" else None):
        if dim is None:
            continue
        empty = array[dim].values[~there.any([d for d in there.dims if d != dim]).values]
        if empty.size:
            some = [f"{value:g}" for value in empty[:MOST_NAMED]] + ["..."] * (empty.size > MOST_NAMED)
            out.append(f"no number at {dim} = {', '.join(some)}")
    return out


def draw_zeros(data: xr.Dataset, *, x: str | None = None) -> Figure:
    """The picture of a loaded search as a matplotlib figure."""
    # Completed from the spec on loading, unless another version wrote it.
    searched = tuple(str(data.attrs.get("searched", "")).split())
    if not searched or any(name not in data.variables for name in searched):
        raise InputError("attributes spec, searched: not readable by this version; run the search again")
    return _titled(draw_search(data, searched, x=x), data, {})


def _titled(
    figure: Figure, data: xr.Dataset, fixed: Mapping[str, float], notes: Sequence[str] = ()
) -> Figure:
    columns = int(figure.get_figwidth() * 14)
    below = [*_wrap(_caption(data, fixed), columns), *(_wrap(notes, columns) if notes else ())]
    figure.supxlabel("\n".join(below), fontsize=9, color="0.25")
    if title := str(data.attrs.get("title", "")):
        lines = textwrap.wrap(style.printable(title), columns, max_lines=TITLE_LINES, placeholder=" …")
        figure.suptitle("\n".join(lines), fontsize=10.5, parse_math=False)
    return figure


def _by_position(data: xr.Dataset) -> xr.Dataset:
    """A circuit of one wire along the positions of its nodes, which need not be evenly spaced."""
    if "position" in data and data["position"].dims == ("node",):
        return data.set_coords("position").swap_dims(node="position")
    return data


def _caption(data: xr.Dataset, fixed: Mapping[str, float]) -> list[str]:
    """Fixed parameters as pieces of text: axes at one value, then the other parameters."""
    model, lists = str(data.attrs["model"]), str(data.attrs.get("lists", "")).split()
    patterns = dict(pair.split("=", 1) for pair in str(data.attrs.get("patterns", "")).split("; ") if pair)
    pieces = [] if model == "quantum" else [model]
    pieces += [str(data.attrs["layout"])] if "layout" in data.attrs else []
    pieces += [f"${style.equals(data[name], value)}$" for name, value in fixed.items()]
    for row in MODELS[model].parameters.values() if model in MODELS else ():
        if row.name in lists:
            pieces.append(f"${row.symbol}$ {patterns.get(row.name, 'from a list')}")
        elif row.name in data.coords and data[row.name].ndim == 0:
            value = data[row.name].item()
            if value != row.default:
                pieces.append(f"${style.equals(data[row.name], value)}$")
    return pieces


def _wrap(pieces: Sequence[str], columns: int) -> list[str]:
    """Pieces joined into lines of about `columns` characters as rendered, never broken inside a piece."""
    lines = [""]
    length = 0
    for piece in pieces:
        width = style.width_of(piece)
        if lines[-1] and length + width + 3 > columns:
            lines.append("")
            length = 0
        lines[-1] += ("   " if lines[-1] else "") + piece
        length += width + 3
    return lines
