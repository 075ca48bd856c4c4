"""Zeros as lines of text, for the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxtransport.spec.search_table import memory_bytes, searches
from jaxtransport.text import size

if TYPE_CHECKING:
    import xarray

    from jaxtransport.spec.spec import Spec

MOST_ROWS = 40
AFTER = ("points", "closed", "whole", "slope", "multiplicity", "family", "exact")
HIDDEN = ("residual", "searched", "searched_line", "least", "least_at")


def asked(spec: Spec) -> dict[str, Any]:
    """Windows of a search, and number of searches."""
    return {
        "search": spec.search,
        "axes": {a.name: len(a.values) for a in spec.axes},
        "searches": searches(spec),
        "memory_bytes": memory_bytes(spec),
        "fingerprint": spec.fingerprint,
    }


def asked_rows(spec: Spec) -> list[str]:
    """The same as lines of text."""
    over: Any = spec.search
    grid = " x ".join(f"{len(a.values)} {a.name}" for a in spec.axes) or "no grid"
    what = " and ".join(f"{low:g} <= {name} <= {high:g}" for name, (low, high) in over.items())
    return [
        f"  search     {'curves' if len(over) == 2 else 'zeros'} in {what}",
        f"  searches   {searches(spec):,} ({grid})",
        f"  memory     about {size(memory_bytes(spec))} at its peak, including the program itself",
        f"  result     {spec.default_output}",
    ]


def summary(data: xarray.Dataset) -> dict[str, int]:
    """Numbers of zeros (points, of curves), of curves, and of searches without a steady state."""
    out = {"zeros": data.sizes["zero"], "unsolved": 0}
    if "line" in data.sizes:
        out["curves"] = data.sizes["line"]
    if "finding" in data:
        finding = data["finding"]
        code = str(finding.attrs["flag_meanings"]).split().index("unsolved")
        out["unsolved"] = int((finding == code).sum())
    return out


def rows(data: xarray.Dataset) -> list[str]:
    """A table of zeros, or of curves; its first rows, if there are many."""
    along = "line" if "line" in data.sizes else "zero"
    names = [str(n) for n, a in data.data_vars.items() if a.dims == (along,) and n not in HIDDEN]
    # The searched parameters and the outer axes come first.
    names = [n for n in names if n not in AFTER] + [n for n in names if n in AFTER]
    total = data.sizes[along]
    if not total:
        return []
    columns = [[name, *(_text(data[name], i) for i in range(min(total, MOST_ROWS)))] for name in names]
    widths = [max(map(len, column)) for column in columns]
    lines = [
        "  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in zip(*columns, strict=True)
    ]
    if total > MOST_ROWS:
        lines.append(f"  ... and {total - MOST_ROWS:,} more on file")
    return lines


def _text(array: xarray.DataArray, row: int) -> str:
    value: Any = array.values[row]
    meanings = str(array.attrs.get("flag_meanings", "")).split()
    if meanings:
        return meanings[int(value)]
    if np.issubdtype(array.dtype, np.integer):
        return str(int(value))
    return f"{value:.4g}" if array.name == "slope" else f"{round(value, 13):.12g}"
