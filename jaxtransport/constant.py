r"""Conductance of a wire with gains, losses or white probes, whose occupations are the same at all energies.

    2 pi dI_l / d delta_mu = sum_s T_ls(mu_bar) (y_l - y_s)         s with a potential, y = d mu / d delta_mu
                             - sum_w W_lw dn_w / d delta_mu         W = int T dw, over all energies

at T = 0. Given occupations do not change with the bias, and so count as reservoirs at mu_bar; occupations of
white probes follow from the balance of what comes in at mu_bar and what leaves at all energies. Sources,
drains and voltage probes are not allowed beside them: what flows at all energies moves their potentials far
from mu_bar, where the exact law finds them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from jaxtransport import status as codes
from jaxtransport.arguments import is_traced
from jaxtransport.budget import MOST_PANELS, TOLERANCE
from jaxtransport.compute import linalg
from jaxtransport.errors import InputError
from jaxtransport.green.chain import Chain
from jaxtransport.green.dense import Dense
from jaxtransport.green.transmission import TOLERATED, Transmission
from jaxtransport.probe_rules import FLOATING
from jaxtransport.probes.conductor import ExactConductor
from jaxtransport.probes.exact import tail_of
from jaxtransport.probes.panels import Panels
from jaxtransport.rules import balances, has_potential
from jaxtransport.wire import Wire


def conductance(
    wire: Wire, mu_bar: Float[Array, ""], delta_mu: Float[Array, ""], kernel: type[Transmission]
) -> tuple[Float[Array, ""], Int[Array, ""]]:
    """(dI_1 / d delta_mu in e^2/h, status) of a wire with rules. delta_mu only tells where the leads are."""
    assert wire.rules is not None
    kernel = Dense if issubclass(kernel, Dense) else Chain
    band, half = wire.reservoir.band, jnp.abs(delta_mu) / 2
    inside = band.holds(mu_bar - half) & band.holds(mu_bar + half)
    mu = jnp.where(inside, mu_bar, band.centre)
    G, good = (_with_white if wire.rules.any_white else _at_one_energy)(wire, mu, kernel)
    status = jnp.where(good, codes.SOLVED, codes.NOT_RESOLVED)
    status = jnp.where(jnp.isfinite(G), status, codes.SINGULAR)
    given = ~floating(wire) & jnp.isfinite(mu_bar) & jnp.isfinite(delta_mu) & (delta_mu != 0)
    status = jnp.where(given, status, codes.NOT_FINITE)
    return G, jnp.where(given & ~inside, codes.OUTSIDE_BAND, status)


def floating(wire: Wire) -> Any:
    """Whether there is a source, drain or voltage probe."""
    middle = (wire.coupling > 0) & ~wire.leads.hold(np.arange(wire.sites))
    return jnp.any(has_potential(wire.rules, middle))


def require_no_floating(wire: Wire) -> None:
    """Raise `InputError` where a known wire has a source, drain or voltage probe."""
    found = floating(wire)
    if not is_traced(found) and bool(found):
        raise InputError(f"law: {FLOATING}")


def _held(wire: Wire) -> Float[Array, " site"]:
    """y of the leads, +-1/2 where they have potentials; 0 elsewhere."""
    assert wire.rules is not None
    ends = wire.leads.put(0.5, -0.5, jnp.zeros(wire.sites))
    return jnp.where(has_potential(wire.rules, jnp.ones(wire.sites, bool)), ends, 0.0)


def _at_one_energy(wire: Wire, mu: Array, kernel: type[Transmission]) -> tuple[Array, Array]:
    """Dephasing probes carry no current at mu_bar, and all others have what is given."""
    pairs, sharp = kernel.pairs_at(wire, mu[None])
    current = pairs.currents_into(_held(wire)[:, None])[:, 0]
    return wire.leads.of(current)[0], sharp[0] <= TOLERATED


def _with_white(wire: Wire, mu: Array, kernel: type[Transmission]) -> tuple[Array, Array]:
    """By the derivatives of all currents (`ExactConductor.residual`)."""
    band = wire.reservoir.span
    ends = band.bottom - mu, band.top - mu
    frozen = lax.stop_gradient((wire, mu, *ends))
    tail = tail_of(TOLERANCE, wire.sites, fine=True)
    panels = Panels.of(*frozen, None, most=MOST_PANELS, tail=tail, fine=True)
    conductor = ExactConductor(wire, mu, panels, None, kernel)
    slopes = conductor.residual(jnp.zeros(wire.sites))[1]
    middle = (wire.coupling > 0) & ~wire.leads.hold(np.arange(wire.sites))
    free = balances(wire.rules, middle)
    system = jnp.where(free[:, None], slopes, jnp.eye(wire.sites))
    y = linalg.solve(system, _held(wire))
    G = wire.leads.of(slopes @ y)[0]
    return G, panels.enough & (_left_out(conductor, y) <= TOLERATED * jnp.abs(G))


def _left_out(conductor: ExactConductor, y: Array) -> Array:
    """What the integrals over energy leave out of the currents that occupations y drive."""
    wire = lax.stop_gradient(conductor.wire)
    rules = wire.rules
    assert rules is not None
    alone = replace(wire, rules=replace(rules, occupation=jnp.zeros(wire.sites)))
    x = lax.stop_gradient(jnp.where(rules.constant, y, 0.0))
    return jnp.max(replace(conductor, wire=alone).for_search().look(x, jnp.asarray(True))[1])
