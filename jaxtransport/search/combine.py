"""Results of several searches combined: rows one after another, each with the parameters of its search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray

Labelled = tuple[np.ndarray, Mapping[str, str]]  # values, attributes


def with_outer(data: xarray.Dataset, outer: Mapping[str, Labelled]) -> xarray.Dataset:
    """Add the values of the outer axes to a result of several searches.

    Args:
        data: a result with `searched` over `zero` and perhaps `searched_line` over `line`.
        outer: values of every outer axis, one for each search.

    Each axis comes as a column over `zero`, over `search` as search_<name> and over `line` as line_<name>.
    """
    rows = data["searched"].values
    for name, (values, attributes) in outer.items():
        data[name] = ("zero", values[rows], attributes)
        data[f"search_{name}"] = ("search", values, attributes)
        if "searched_line" in data:
            data[f"line_{name}"] = ("line", values[data["searched_line"].values], attributes)
    return data


def joined(parts: Sequence[xarray.Dataset]) -> xarray.Dataset:
    """Results of single searches, concatenated along `zero` and `line`, all else stacked along `search`."""
    import xarray

    number = np.arange(len(parts))
    out: dict[str, Any] = {}
    for name, array in parts[0].variables.items():
        if name in parts[0].dims and name not in ("zero", "line"):
            continue  # a common axis, such as that of a map
        values = [part[name].values for part in parts]
        if name in ("zero", "line"):
            continue
        if array.dims and array.dims[0] in ("zero", "line"):
            if name == "curve":  # numbered through
                before = np.cumsum([0, *(part.sizes["line"] for part in parts[:-1])])
                values = [value + n for value, n in zip(values, before, strict=True)]
            out[str(name)] = (array.dims, np.concatenate(values), array.attrs)
        else:
            out[str(name)] = (("search", *array.dims), np.stack(values), array.attrs)
    shared = [str(dim) for dim in parts[0].dims if dim not in ("zero", "line")]
    coordinates: dict[str, Any] = {name: parts[0][name] for name in shared}
    coordinates["search"] = ("search", number, {"units": "1", "long_name": "search"})
    for dim, of in (("zero", "searched"), ("line", "searched_line")):
        if dim not in parts[0].dims:
            continue
        sizes = [part.sizes[dim] for part in parts]
        label = {"units": "1", "long_name": "number of the search, from 0"}
        out[of] = (dim, np.repeat(number, sizes), label)
        coordinates[dim] = (dim, np.arange(sum(sizes)), parts[0][dim].attrs)
    return xarray.Dataset(out, coordinates)
