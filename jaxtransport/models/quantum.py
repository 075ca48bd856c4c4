"""The quantum wire as a task: what a validated spec asks for, as a grid and its fixed numbers.

delta_mu and the injected current are free axes: by superposition (`probes.response`) every bias and
every I_g follows from the one solution of a wire. Host data only, so that `validate` needs no JAX;
what happens at one point of the grid is in `models.quantum_point`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from jaxtransport.models.lengths import (
    along_the_wire,
    fixed_numbers,
    layout_tables,
    of_size,
    sizes_of,
    table_bytes,
)
from jaxtransport.sweep.grid import Grid
from jaxtransport.sweep.spec import Spec
from jaxtransport.sweep.task import Task
from jaxtransport.variables import LINEAR

FREE = frozenset({"delta_mu", "injection", "I_g"})


def make_task(spec: Spec) -> Task:
    """The task of a spec with `model = "quantum"`."""
    grid = Grid(spec.axes, FREE.intersection(a.name for a in spec.axes))
    kernel = spec.tables["solve"].kernel  # type: ignore[attr-defined]
    sizes = sizes_of(spec, grid)
    variables = tuple(LINEAR[name] for name in spec.variables)
    with_profile = any(v.needs_profile for v in variables)
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
        shared_bytes=table_bytes(sizes),
        extra=along_the_wire(variables, max(sizes)),
        along=unit_of_current(spec),
        size_axis=None if spec.axis("N") is None else "N",
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
    lengths = of_size(sizes, size)
    occupied, strength = layout_tables(spec.tables["wire"], lengths, size)
    fixed = fixed_numbers(spec, ("wire", "drive"))
    if spec.axis("gamma") is None:
        fixed.setdefault("gamma", np.asarray(1.0))  # a wire without middle reservoirs
    return {"lengths": np.array(lengths), "occupied": occupied, "strength": strength, "fixed": fixed}


def _evaluate(point, free, shared, **how):
    from jaxtransport.models.quantum_point import evaluate  # JAX is loaded when computing starts

    return evaluate(point, free, shared, **how)
