r"""Derivatives of potentials found by a search, by the implicit function theorem.

    F(x, p) = 0        =>        dF/dx dx = -dF/dp dp

for any search, at fixed energies of the integrands.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxtransport.compute import linalg
from jaxtransport.probes.conductor import ExactConductor, Flows


@eqx.filter_custom_jvp
def attached(
    conductor: ExactConductor,
    interior: Array,
    prescribed: Array,
    ends: Array,
    solved: Array,
    x: Array,
    flows: Flows,
) -> tuple[Array, Flows]:
    """Potentials and flows as they were found, with the derivatives of the implicit function theorem.

    Args:
        ends: the leads' potentials at their sites, 0 elsewhere.
        solved: False where derivatives are to be finite, not right.
    """
    return x, flows


@attached.def_jvp
def _attached_rates(primals: Any, tangents: Any) -> tuple[tuple[Array, Flows], tuple[Array, Flows]]:
    """dF/dx dx = -dF, all else moved and x held. Higher orders go through the x below."""
    conductor, interior, _, _, solved, *_ = primals
    moved, _, more, at_ends, *_ = tangents
    x, flows = attached(*primals)
    _, rates = eqx.filter_jvp(lambda conductor: conductor.flows(x), (conductor,), (moved,))
    more, at_ends = (jnp.zeros_like(x) if rate is None else rate for rate in (more, at_ends))
    right = jnp.where(interior, more - rates.current, at_ends)
    unit = jnp.eye(x.shape[0])
    slopes = jnp.where(interior[:, None] & solved, conductor.residual(x)[1], unit)
    dx = linalg.solve(slopes, right)
    by_x = conductor.rates(x, dx)
    return (x, flows), (dx, jax.tree.map(jnp.add, rates, by_x))
