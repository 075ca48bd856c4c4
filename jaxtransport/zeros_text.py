"""Zeros as lines of text, for the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray

MOST_ROWS = 40
AFTER = ("points", "closed", "whole", "slope", "multiplicity", "family", "exact")
HIDDEN = ("residual", "searched", "searched_line", "least", "least_at")


def summary(data: xarray.Dataset) -> dict[str, int]:
    """Numbers of zeros (or of curves and their points), and of searches without a steady state."""
    out = {"zeros": data.sizes["zero"]}
    if "line" in data.sizes:
        out["curves"] = data.sizes["line"]
    finding = np.atleast_1d(data["finding"].values) if "finding" in data else np.zeros(1)
    meanings = str(data["finding"].attrs["flag_meanings"]).split() if "finding" in data else ["unsolved"]
    out["unsolved"] = int((finding == meanings.index("unsolved")).sum()) if "finding" in data else 0
    return out


def rows(data: xarray.Dataset) -> list[str]:
    """A table of zeros, or of curves; its first rows, if there are many."""
    along = "line" if "line" in data.sizes else "zero"
    names = [str(n) for n, a in data.data_vars.items() if a.dims == (along,) and n not in HIDDEN]
    # What was searched, and the outer axes, come first.
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
