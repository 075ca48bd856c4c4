"""The quantum wire as a task: what a validated spec asks for, as a grid and its fixed numbers.

delta_mu and the injected current are free axes: by superposition (`probes.response`) every bias and
every I_g follows from the one solution of a wire. Host data only, so that `validate` needs no JAX;
what happens at one point of the grid is in `quantum.point`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from jaxtransport import layout as layouts
from jaxtransport.sweep.grid import Axis, Grid
from jaxtransport.sweep.plan import padded_sizes
from jaxtransport.sweep.spec import Spec
from jaxtransport.sweep.task import Task
from jaxtransport.variables import LINEAR

FREE = frozenset({"delta_mu", "injection", "I_g"})


def make_task(spec: Spec) -> Task:
    """The task of a spec with `model = "quantum"`."""
    grid = Grid(spec.axes, FREE.intersection(a.name for a in spec.axes))
    wire: Any = spec.tables["wire"]
    kernel = spec.tables["solve"].kernel  # type: ignore[attr-defined]
    lengths = spec.axis("N")
    if lengths is None:
        sizes = {wire.N: wire.N}
    else:
        sizes = padded_sizes(lengths.values.tolist(), grid.solve_axes.size // len(lengths.values))
    variables = tuple(LINEAR[name] for name in spec.variables)
    with_profile = any(v.needs_profile for v in variables)
    dims = {dim for v in variables for dim in v.dims}
    extra = {
        "site": Axis("site", np.arange(1, max(sizes) + 1), "1", "site", "l"),
        "bond": Axis("bond", np.arange(1, max(sizes)), "1", "bond from site l to l + 1", "l"),
    }
    return Task(
        grid=grid,
        variables=variables,
        evaluate=partial(
            _evaluate,
            names=spec.variables,
            kernel=kernel,
            with_profile=with_profile,
        ),
        shared=partial(_shared, spec, sizes),
        extra=tuple(axis for dim, axis in extra.items() if dim in dims),
        size_axis=None if lengths is None else "N",
        sizes=sizes,
        size=max(sizes.values()),
        scratch_bytes=2 * 8 * max(sizes.values()) if with_profile else 0,  # one array for either bias
        cost=_dense_cost if kernel == "dense" else float,
    )


def unit_of_current(spec: Spec) -> dict[str, tuple[str, np.ndarray, str, str]]:
    """I_o = delta_mu / 2 pi as a coordinate along a delta_mu axis."""
    axis = spec.axis("delta_mu")
    if axis is None:
        return {}
    return {"I_o": ("delta_mu", axis.values / (2 * np.pi), "e gamma_o/hbar", "unit of current")}


def _dense_cost(size: int) -> float:
    return size**3 / 10  # an inverse against one sweep along the chain, roughly


def _shared(spec: Spec, sizes: dict[int, int], size: int) -> dict[str, Any]:
    """Everything the points of one padded size have in common: layouts at each N, fixed numbers."""
    wire: Any = spec.tables["wire"]
    drive: Any = spec.tables["drive"]
    lengths = sorted(N for N, padded in sizes.items() if padded == size)
    keys = {"spaced": ["spacing"], "custom": ["sources", "drains", "probes"]}.get(wire.layout, [])
    sites = {key: getattr(wire, key) or () for key in keys}
    occupied = np.zeros((size, len(lengths)), bool)
    strength = np.zeros((size, len(lengths)))
    for row, N in enumerate(lengths):
        layout = layouts.make(wire.layout, N, **sites)
        occupied[:N, row] = layout.occupied()
        strength[:N, row] = layout.strength(wire.strengths)
    gamma = 1.0 if wire.gamma is None else wire.gamma  # a wire without middle reservoirs
    fixed = {
        "gamma": gamma,
        "contact": wire.contact,
        "onsite": wire.onsite,
        "hopping": wire.hopping,
        "mu_bar": drive.mu_bar,
        "delta_mu": drive.delta_mu,
        "injection": drive.injection,
        "I_g": drive.I_g,
    }
    return {
        "lengths": np.array(lengths),
        "occupied": occupied,
        "strength": strength,
        "fixed": {
            k: np.asarray(v, float) for k, v in fixed.items() if v is not None and k not in _swept(spec)
        },
    }


def _swept(spec: Spec) -> set[str]:
    return {axis.name for axis in spec.axes}


def _evaluate(point, free, shared, **how):
    from jaxtransport.quantum.point import evaluate  # JAX is loaded when computing starts

    return evaluate(point, free, shared, **how)
