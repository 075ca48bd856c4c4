"""The quantum wire as a task: a validated spec, turned into a function of one grid point.

delta_mu and the injected current are free axes. By superposition (`probes.response`) every bias and
every I_g follows from the one solution of a wire, so they are evaluated together and cost nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxtransport import layout as layouts
from jaxtransport.observables import Solved, observe
from jaxtransport.state import KERNELS
from jaxtransport.sweep.grid import Axis, Grid
from jaxtransport.sweep.plan import padded_sizes
from jaxtransport.sweep.spec import Spec
from jaxtransport.sweep.task import Task
from jaxtransport.variables import LINEAR
from jaxtransport.wire import Wire

FREE = frozenset({"delta_mu", "injection", "I_g"})


def make_task(spec: Spec) -> Task:
    """The task of a spec with `model = "quantum"`."""
    grid = Grid(spec.axes, FREE.intersection(a.name for a in spec.axes))
    wire: Any = spec.tables["wire"]
    kernel = spec.tables["solve"].kernel  # type: ignore[attr-defined]
    lengths = spec.axis("N")
    swept = lengths is not None
    lengths = lengths.values if swept else np.array([wire.N])
    points_each = grid.solve_axes.size // len(lengths)
    sizes = padded_sizes(lengths.tolist(), points_each) if swept else {wire.N: wire.N}
    variables = tuple(LINEAR[name] for name in spec.variables)
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
            with_profile=any(v.needs_profile for v in variables),
        ),
        shared=partial(_shared, spec, sizes),
        extra=tuple(axis for dim, axis in extra.items() if dim in dims),
        size_axis="N" if swept else None,
        sizes=sizes,
        size=max(sizes.values()),
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
    occupied = np.zeros((len(lengths), size), bool)
    strength = np.zeros((len(lengths), size))
    for row, N in enumerate(lengths):
        layout = layouts.make(wire.layout, N, **sites)
        occupied[row, :N] = layout.occupied()
        strength[row, :N] = layout.strength(wire.strengths)
    gamma = 1.0 if wire.gamma is None else wire.gamma  # a wire without middle reservoirs
    contact = wire.contact
    if contact is None:
        contact = [gamma[0], gamma[-1]] if isinstance(gamma, list) else [1.0, 1.0]
    fixed = {
        "gamma": gamma,
        "contact": np.broadcast_to(contact, 2),
        "onsite": wire.onsite,
        "hopping": wire.hopping,
        "mu_bar": drive.mu_bar,
        "delta_mu": drive.delta_mu,
        "injection": drive.injection,
        "I_g": drive.I_g,
    }
    if drive.injection is None and drive.I_g is None and not {"injection", "I_g"} & _swept(spec):
        fixed["injection"] = 0.0  # probes only: nothing is driven
    return {
        "lengths": np.array(lengths),
        "occupied": occupied,
        "strength": strength,
        "fixed": {k: np.asarray(v, float) for k, v in fixed.items() if v is not None and k not in _swept(spec)},
    }


def _swept(spec: Spec) -> set[str]:
    return {axis.name for axis in spec.axes}


def _evaluate(point, free, shared, *, names, kernel, with_profile):
    """All `names` at one grid point, for all free points: see `sweep.task`."""
    given = {**shared["fixed"], **point}
    row = jnp.searchsorted(shared["lengths"], point["N"]) if "N" in point else 0
    contact = given["contact"]
    wire = Wire.assemble(
        shared["occupied"][row],
        shared["strength"][row],
        shared["lengths"][row],
        gamma=given["gamma"],
        contact=(contact[0], contact[1]) if jnp.ndim(contact) else (contact, contact),
        onsite=given["onsite"],
        hopping=given["hopping"],
    )
    solved = Solved.of(wire, given["mu_bar"], KERNELS[kernel], with_profile=with_profile)

    def driven(free):
        drive = {**given, **free}
        injection = drive.get("injection")
        if injection is None:
            injection = drive["I_g"] * 2 * jnp.pi / drive["delta_mu"]
        return observe(names, solved, drive["delta_mu"], injection)

    return jax.vmap(driven)(free)
