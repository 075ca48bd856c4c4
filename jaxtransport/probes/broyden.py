r"""Potentials that balance the exact law, without a Jacobian: Broyden's method from linear response.

    x_{n+1} = x_n + s_n,      s_n = -H_n F(x_n),      H_n F' ~ 1

H_0 is linear response at mu_bar, solved in O(N); each step then corrects it by a matrix of rank one, and the
product with H_n needs no more than the steps so far (C. T. Kelley, Iterative Methods for Linear and Nonlinear
Equations, SIAM 1995, sec. 7.3):

    z = -H_0 F,      z += s_{j+1} (s_j . z) / |s_j|^2    for j = 0 ... n-2
    s_n = z / (1 - s_{n-1} . z / |s_{n-1}|^2)

Where levels are broad five to ten steps are enough, each of them one sum of the currents.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from jaxtransport import status as codes
from jaxtransport.green.transmission import Transmission
from jaxtransport.probes.balance import Balance
from jaxtransport.probes.conductor import ExactConductor, Flows

RELATIVE = 1e-13  # of the last step, of the largest potential
ACCURATE = 1e-11  # ... where rounding lets steps shrink no more


class _State(NamedTuple):
    x: Array
    steps: Array  # so far, first axis
    done: Array  # their number
    moved: Array  # by the last step
    flows: Flows
    error: Array
    closely: Array  # whether the next look is likely to be the last
    found: Array
    ended: Array  # True also if it cannot converge


def by_broyden(
    conductor: ExactConductor,
    linear: Transmission,
    prescribed: Float[Array, " site"],
    start: Float[Array, " site"],
    most: int,
) -> tuple[Balance, Flows, Float[Array, " site"]]:
    """The potentials for 2 pi I_l = `prescribed` of the reservoirs in between, in `most` steps or fewer.

    Args:
        conductor: one `for_search`.
        linear: linear response at mu_bar.
        start: its potentials.

    Returns:
        The potentials, what they drive, and the error of that (`ExactConductor.look`).
    """
    scale = jnp.max(jnp.abs(start))

    def step(steps: Array, count: Array, current: Array) -> Array:
        z = -linear.probe_potentials(
            jnp.where(linear.interior, current - prescribed, 0.0), *(jnp.zeros_like(scale),) * 2
        )
        share: Callable[[Array, Array], Array] = lambda s, z: (
            jnp.vdot(s, z) / jnp.maximum(jnp.vdot(s, s), jnp.finfo(float).tiny)
        )
        z = lax.fori_loop(0, count - 1, lambda j, z: z + steps[j + 1] * share(steps[j], z), z)
        last = jnp.where(count > 0, share(steps[jnp.maximum(count - 1, 0)], z), 0.0)
        return z / (1 - last)

    def onward(s: _State) -> _State:
        flows, error = conductor.look(s.x, s.closely)
        z = step(s.steps, s.done, flows.current)
        moved = jnp.max(jnp.abs(z)) / scale
        small = (moved <= RELATIVE) | ((moved <= ACCURATE) & (moved >= s.moved / 2))
        # Steps shrink ever faster: if this one's successor will be small enough, a close look is next.
        shrinks = jnp.where(s.done > 0, jnp.minimum(moved / s.moved, 1.0), 1.0)
        last = small | (moved * shrinks <= RELATIVE)
        spent = ~jnp.isfinite(moved) | (s.done >= most)
        found = small & s.closely
        here = jnp.minimum(s.done, most - 1)
        return _State(
            jnp.where(small | spent, s.x, s.x + z),
            s.steps.at[here].set(jnp.where(small, s.steps[here], z)),
            jnp.where(small, s.done, s.done + 1),
            moved,
            flows,
            error,
            last,
            found,
            found | spent,
        )

    N = start.shape[0]
    no, nothing, infinite = jnp.asarray(False), jnp.zeros(N), jnp.asarray(jnp.inf)
    flows = Flows(nothing, nothing, nothing)
    first = _State(start, jnp.zeros((most, N)), jnp.asarray(0), infinite, flows, nothing, no, no, no)
    end = lax.while_loop(lambda s: ~s.ended, onward, first)
    status = jnp.where(end.found, codes.SOLVED, codes.STEP_LIMIT)
    return Balance(end.x, status, end.done), end.flows, end.error
