"""`model = "classical"`: the master equation of `classical.master` over a grid."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxtransport.models.padding import fixed_numbers, layout_tables, of_size, plain_task, sizes_of
from jaxtransport.spec.spec import Spec
from jaxtransport.sweep.task import Task
from jaxtransport.variables import CLASSICAL


def make_task(spec: Spec) -> Task:
    """The task of a spec with `model = "classical"`."""
    return plain_task(spec, CLASSICAL, sizes_of(spec, spec.grid()), _evaluate, _shared)


def _shared(spec: Spec, sizes: dict[int, int], size: int) -> dict[str, Any]:
    lengths = of_size(sizes, size)
    occupied, strength = layout_tables(spec.tables["wire"], lengths, size)
    fixed = fixed_numbers(spec, ("wire", "drive"))
    return {"lengths": np.array(lengths), "occupied": occupied, "strength": strength, "fixed": fixed}


def _evaluate(point, free, shared, *, names):
    """The variables `names` and "status" at one point; there are no free axes."""
    import jax.numpy as jnp  # JAX is loaded when computing starts

    from jaxtransport.classical.master import Lattice, response_of, steady_state
    from jaxtransport.models.two_biases import seen_from_the_ends

    given = {**shared["fixed"], **point}
    column = jnp.searchsorted(shared["lengths"], point["N"]) if "N" in point else 0
    lattice = Lattice(
        hop=jnp.where(shared["occupied"][:, column], given["p"], 1.0),
        strength=shared["strength"][:, column],
        length=shared["lengths"][column],
    )
    drive = {"rho_0": given["rho_0"], "injection": given["injection"]}
    forward = steady_state(lattice, delta_rho=given["delta_rho"], **drive)
    reverse = steady_state(lattice, delta_rho=-given["delta_rho"], **drive)
    response = response_of(lattice)
    along = ("density_right", "density_left", "bond_current")
    more = {"conductance": response.conductance}
    return seen_from_the_ends(names, response, given["injection"], forward, reverse, along, more)
