"""One grid point of a quantum sweep: a wire from its parameters, solved, seen under every bias.

`vmap` in `sweep.run` makes batches of it. Parameters are arguments throughout: a sweep with other
numbers runs the same compiled code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jaxtransport.observables import Solved, observe
from jaxtransport.state import KERNELS
from jaxtransport.wire import Wire


def evaluate(
    point: Mapping[str, Any],
    free: Mapping[str, Any],
    shared: Mapping[str, Any],
    *,
    names: tuple[str, ...],
    kernel: str,
    with_profile: bool,
) -> dict[str, Any]:
    """The variables `names` and "status" at one point, for all free points (see `sweep.task`)."""
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
