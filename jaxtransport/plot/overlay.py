"""Several results in one panel: the same variable along the same axis, with the same units.

Lines are told apart by the parameters that differ between files, as far as they are few, else by file names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from jaxtransport.errors import InputError
from jaxtransport.plot import style
from jaxtransport.plot.lines import Part
from jaxtransport.plot.view import View, choose
from jaxtransport.store.results import SEARCH_FORMAT

MOST_DIFFERENT = 3  # parameters in a label; with more of them file names are shorter


def together(results: Mapping[Path, xr.Dataset], **choices: Any) -> list[Part]:
    """What to draw of each result, in memory.

    Args:
        results: data by file, at least two.
        choices: as for `choose`.

    Raises:
        InputError: a choice that does not fit a file; maps; a file without the variable or the axis of the
            first one, or with another unit.
    """
    for path, data in results.items():
        if data.attrs["format"] == SEARCH_FORMAT:
            raise InputError(f"{path} is the result of a search, which is drawn alone; leave it out")
    if choices.get("y") is not None:
        raise InputError(f"--y {choices['y']}: makes maps, which are drawn one file at a time; remove --y")
    (first, data), *others = results.items()
    views = {first: _of_file(first, data, choices)}
    model = views[first]
    if model.kind == "map":
        raise InputError(
            f"{first}: a map over {model.x} and {model.y}, and maps are drawn one file at a time; "
            f"choose lines with --x {model.x}, and fix other axes with --at"
        )
    for path, data in others:
        views[path] = _like(model, first, path, data, choices)
    labels = _labels(results, views)
    return [Part(views[path].loaded(), labels[path]) for path in results]


def _of_file(path: Path, data: xr.Dataset, choices: Mapping[str, Any]) -> View:
    """The choice for one file; errors name it."""
    try:
        return choose(data, **choices)
    except InputError as error:
        raise InputError([f"{path}: {line}" for line in error.mistakes]) from None


def _like(model: View, first: Path, path: Path, data: xr.Dataset, choices: Mapping[str, Any]) -> View:
    """What to draw of `data` so that it goes with `model`."""
    for name in model.names:
        if name not in data.data_vars:
            raise InputError(
                f"{path}: has no variable {name}, which {first} has; choose another with --variable"
            )
    x = None if model.kind == "cumulative" else model.x
    dims = data[model.names[0]].dims
    if model.x not in dims:
        raise InputError(
            f"{path}: {model.names[0]} has no axis {model.x}, as it has in {first}; "
            f"expected one of {', '.join(map(str, dims)) or 'none'}"
        )
    same = {"variable": model.names[0], "x": x, "alone": len(model.names) == 1}
    view = _of_file(path, data, {**choices, **same})
    if (view.kind, view.x, view.names) != (model.kind, model.x, model.names):
        raise InputError(
            f"{path}: {' and '.join(view.names)} along {view.x}, but {' and '.join(model.names)} along "
            f"{model.x} in {first}; fix other axes with --at"
        )
    for name in (*model.names, model.x):
        here, there = (str(one.data[name].attrs.get("units", "1")) for one in (view, model))
        if here != there:
            raise InputError(f"{path}: {name} has the unit {here}, but {there} in {first}; draw them apart")
    return view


def _labels(results: Mapping[Path, xr.Dataset], views: Mapping[Path, View]) -> dict[Path, str]:
    """What tells every file from the others."""
    facts = {path: _facts(data, views[path]) for path, data in results.items()}
    names = list(dict.fromkeys(name for one in facts.values() for name in one))
    different = [name for name in names if len({one.get(name) for one in facts.values()}) > 1]
    labels = {path: ", ".join(one[n] for n in different if n in one) for path, one in facts.items()}
    distinct = len(set(labels.values())) == len(labels)
    if distinct and len(different) <= MOST_DIFFERENT and any(labels.values()):
        return labels
    stems = [path.stem for path in results]
    short = len(set(stems)) == len(stems)
    return {path: style.plain(path.stem if short else str(path)) for path in results}


def _facts(data: xr.Dataset, view: View) -> dict[str, str]:
    """What holds for a whole file, by name: its model, its arrangement, parameters that are one number."""
    found = {key: str(data.attrs[key]) for key in ("model", "layout") if key in data.attrs}
    for pair in str(data.attrs.get("patterns", "")).split("; "):
        name, _, pattern = pair.partition("=")
        if pattern:
            found[name] = style.plain(f"{name} {pattern}")
    for name, value in view.fixed.items():
        found[name] = f"${style.equals(data[name], value)}$"
    for name in map(str, data.coords):
        if data[name].ndim == 0 and np.issubdtype(data[name].dtype, np.number):
            found.setdefault(name, f"${style.equals(data[name], data[name].item())}$")
    return found


def common(lists: Sequence[Sequence[str]]) -> list[str]:
    """The texts that all lists have, in the order of the first."""
    return [text for text in lists[0] if all(text in other for other in lists[1:])]
