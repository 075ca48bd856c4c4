"""From result files to a finished picture: the view, its panels, and a line with the fixed parameters."""

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
from jaxtransport.plot import averages, lines, overlay, panels, style
from jaxtransport.plot.sheet import settings
from jaxtransport.plot.view import View, choose
from jaxtransport.plot.zeros import draw_search
from jaxtransport.results import lazily
from jaxtransport.store.results import SEARCH_FORMAT
from jaxtransport.store.targets import check_name

FORMATS = (".png", ".pdf", ".svg")
TITLE_LINES = 5  # more would leave too little room for the picture
TITLE_SHARE = 0.85  # of the letters of a line below the panels
MOST_NAMED = 6  # values of an axis that a note names


def draw_file(result: Path, picture: Path, **choices: Any) -> list[str]:
    """Draw one result file; as `draw_files`."""
    return draw_files([result], picture, **choices)


def draw_files(
    results: Sequence[Path],
    picture: Path,
    *,
    variable: str | None = None,
    x: str | None = None,
    y: str | None = None,
    at: Sequence[str] = (),
    columns: int | None = None,
    sheet: str | None = None,
) -> list[str]:
    """Draw result files into one `picture` (png, pdf or svg): one of any kind, or lines of several.

    Args:
        results: the files.
        picture: what to write.
        variable, x, y, at: as for `choose`.
        columns: the width of the picture in columns of a journal, 1 or 2.
        sheet: a style file of matplotlib, or the name of one of its styles.

    Returns:
        Notes on the picture: points without numbers, and parts that are not shown.

    Raises:
        InputError: an unknown file, variable, axis, format, width or style; results that do not go together.
    """
    check_format(picture)
    check_name("-o", picture)
    for result in results:
        if os.path.exists(picture) and os.path.exists(result) and os.path.samefile(picture, result):
            raise InputError(f"-o {picture} is the result itself; choose another name")
    choices: dict[str, Any] = {"variable": variable, "x": x, "y": y, "at": at}
    notes: list[str] = []
    with style.applied(settings(columns, sheet)), contextlib.ExitStack() as files:
        opened = {path: files.enter_context(lazily(path, intact=True)) for path in results}
        if len(opened) < len(results):
            raise InputError("a result is named twice; name each file once")
        (data, *others) = opened.values()
        if others:
            figure, notes = _draw_together(opened, **choices)
        elif data.attrs["format"] == SEARCH_FORMAT:
            given = {"--variable": variable, "--y": y, "--at": at or None}
            for option in (option for option, value in given.items() if value is not None):
                raise InputError(f"{option} does not apply to a search, which takes only --x; remove it")
            figure = draw_zeros(data.load(), x=x)
        else:
            figure, notes = _draw(data, **choices)
        save(figure, picture, opened.values())
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
    except RuntimeError as error:  # of LaTeX, for which a style may ask
        raise InputError(f"-o {picture}: cannot be drawn ({str(error).partition(chr(10))[0]})") from None
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
    view = choose(_prepared(data), **choices).loaded()
    notes = remarks(view)
    figure = panels.maps(view) if view.kind == "map" else lines.KINDS[view.kind]([lines.Part(view)])
    return _titled(figure, [data.attrs.get("title", "")], _caption(data, view), notes), notes


def _draw_together(results: Mapping[Path, xr.Dataset], **choices: Any) -> tuple[Figure, list[str]]:
    """The picture of several sweeps: what all have in common is said below it."""
    results = {path: _prepared(data) for path, data in results.items()}
    parts = overlay.together(results, **choices)
    notes, captions = [], []
    for (path, data), part in zip(results.items(), parts, strict=True):
        notes += [f"{path.name}: {note}" for note in remarks(part.view)]
        captions.append(_caption(data, part.view))
    titles = [data.attrs.get("title", "") for data in results.values()]
    figure = lines.KINDS[parts[0].view.kind](parts)
    return _titled(figure, titles, overlay.common(captions), notes), notes


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
    out += averages.failures(view.data)
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
    return _titled(draw_search(data, searched, x=x), [data.attrs.get("title", "")], _caption(data))


def _titled(
    figure: Figure, titles: Sequence[str], caption: Sequence[str], notes: Sequence[str] = ()
) -> Figure:
    """Add a title, if all have the same, and below the panels the caption and the notes."""
    size = style.points(panels.plt.rcParams["font.size"])
    columns = int(figure.get_figwidth() * 14 * (10 / size))
    below = [*_wrap(caption, columns), *(_wrap(notes, columns) if notes else ())]
    figure.supxlabel("\n".join(below), fontsize=0.9 * size, color=style.faint())
    if len(set(titles)) == 1 and (title := str(titles[0])):
        width = int(TITLE_SHARE * columns)  # its letters are larger than those below the panels
        wrapped = textwrap.wrap(style.printable(title), width, max_lines=TITLE_LINES, placeholder=" …")
        figure.suptitle("\n".join(wrapped), fontsize=1.05 * size, parse_math=False)
    return figure


def _prepared(data: xr.Dataset) -> xr.Dataset:
    """A result with labels of averages, along positions where these are known."""
    return averages.labelled(_by_position(data))


def _by_position(data: xr.Dataset) -> xr.Dataset:
    """A circuit of one wire along the positions of its nodes, which need not be evenly spaced."""
    if "position" in data and data["position"].dims == ("node",):
        return data.set_coords("position").swap_dims(node="position")
    return data


def _caption(data: xr.Dataset, view: View | None = None) -> list[str]:
    """Fixed parameters as pieces of text: axes at one value, the other parameters, members."""
    fixed = {} if view is None else view.fixed
    model, lists = str(data.attrs["model"]), str(data.attrs.get("lists", "")).split()
    patterns = dict(pair.split("=", 1) for pair in str(data.attrs.get("patterns", "")).split("; ") if pair)
    pieces = [] if model == "quantum" else [model]
    pieces += [str(data.attrs["layout"])] if "layout" in data.attrs else []
    pieces += [f"${style.equals(data[name], value)}$" for name, value in fixed.items()]
    for row in MODELS[model].parameters.values() if model in MODELS else ():
        if row.name in lists:
            pieces.append(f"${row.symbol}$ {patterns.get(row.name, 'from a list')}")
        elif row.name in data.coords and row.name not in data.dims and (view or not data[row.name].ndim):
            pieces += _told(data[row.name], fixed, row.default)
    members = "" if view is None else averages.counted(view.data)
    return [*pieces, members] if members else pieces


def _told(parameter: xr.DataArray, fixed: Mapping[str, float], default: float | None) -> list[str]:
    """A parameter that is no axis: its value where axes are fixed, or along which others it varies."""
    at = {name: fixed[name] for name in map(str, parameter.dims) if name in fixed}
    here = parameter.sel(at, method="nearest")
    if here.ndim == 0:
        value = here.item()
        return [] if value == default else [f"${style.equals(parameter, value)}$"]
    along = ", ".join(style.symbol_of(here[dim]) for dim in here.dims)
    return [f"${style.symbol_of(parameter)}({along})$"]


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
