"""Sweeps as tests make them, and each of their points by itself."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import jaxtransport as jt
from support import engine

HEAD = """
[wire]
layout = "dimers"
N      = 8
gamma  = 0.5

[drive]
mu_bar    = 1.0
delta_mu  = 0.1
injection = 0.3
"""


def run(folder: Path, text: str, *overrides: str, name: str = "sweep") -> xr.Dataset:
    """The result of a sweep file with this text."""
    path = folder / f"{name}.toml"
    path.write_text(text)
    return jt.run(path, path.with_suffix(".h5"), overrides=overrides, force=True)


def points(data: xr.Dataset, *names: str) -> Iterator[tuple[dict[str, Any], xr.Dataset]]:
    """Values of these parameters at each point of a result, from its coordinates alone, and the point."""
    dims = data.status.dims
    for index in itertools.product(*(range(data.sizes[dim]) for dim in dims)):
        one = data.isel(dict(zip(dims, index, strict=True)))
        yield {name: one[name].item() for name in names}, one


def compare(data: xr.Dataset, wire: Callable[..., jt.Wire], *names: str) -> int:
    """Compare currents and Delta I with `solve` and `nonreciprocity` at every point; how many there are.

    Args:
        wire: makes the wire of a point from the values of `names`.
        names: parameters besides the drive.
    """
    count = 0
    for at, one in points(data, *names, "mu_bar", "delta_mu", "injection"):
        drive = at["mu_bar"], at["delta_mu"], at["injection"]
        made = wire(**{name: at[name] for name in names})
        state = engine.solve(made, "chain", *drive)
        near = {"rtol": 1e-12, "atol": 1e-13}  # rounding, of currents of about 1
        np.testing.assert_allclose(one.current_forward, state.site_current[0], **near)
        np.testing.assert_allclose(one.nonreciprocity, engine.nonreciprocity(made, "chain", *drive), **near)
        assert one.status == 0
        count += 1
    return count
