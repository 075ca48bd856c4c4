r"""Potentials that balance the exact law: window, panels, search, and whether the answer is good enough.

2 pi I_l(x) = sum_l' int T_ll'(w) [f_l(w) - f_l'(w)] dw = 2 pi I_l^asked       (Eq. B22)
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from jaxtransport import status as codes
from jaxtransport.budget import NODES
from jaxtransport.green.chain import Chain
from jaxtransport.probes.balance import Balance, Balanced, Search, System
from jaxtransport.probes.broyden import by_broyden
from jaxtransport.probes.conductor import ExactConductor, Flows
from jaxtransport.probes.implicit import attached
from jaxtransport.probes.newton import find
from jaxtransport.probes.panels import TAIL, TAIL_LEFT, Panels

PHASE_ROUNDING = 2e-15  # of a site


def balanced(system: System, tolerance: float) -> Search:
    """The potentials of a bias by the exact law: first by Broyden's method, a patient stage by Newton's."""
    linear, stage = system.linear, system.stage
    exact = _conductor(system, tolerance)
    panels, interior, band = exact.panels, linear.interior, exact.wire.reservoir.band
    searching = exact.for_search()

    def prescribed_by(injected: Array) -> Array:
        return jnp.where(interior, injected * linear.strength, 0.0)

    def find_under(bias: Array, start: Array, injected: Array) -> tuple[Balance, Flows, Array]:
        at = lax.stop_gradient((prescribed_by(injected), start))
        if stage.patient:
            found = find(searching, interior, *at, stage.steps, stage.rising_steps)
            x = jnp.where(codes.has_numbers(found.status), found.x, 0.0)
            return found, *searching.look(x, jnp.asarray(True))
        return by_broyden(searching, lax.stop_gradient(linear), *at, stage.steps)

    def complete(bias: Array, injected: Array, all_found: tuple[Balance, Flows, Array]) -> Balanced:
        found, flows, errors = lax.stop_gradient(all_found)
        prescribed, solved = prescribed_by(injected), codes.has_numbers(found.status)
        x = jnp.where(solved, found.x, 0.0)
        ends = linear.leads.put(bias / 2, -bias / 2, jnp.zeros_like(x))
        x, flows = attached(exact, interior, prescribed, ends, solved, x, flows)
        occupied = jnp.where(linear.broadening > 0, x, 0.0)
        status = found.status
        mu = exact.mu_bar + occupied
        holds = panels.holds(occupied) & jnp.all((band.bottom <= mu) & (mu <= band.top))
        status = jnp.where((status == codes.SOLVED) & ~holds, codes.STEP_LIMIT, status)
        unproven = (status == codes.OUTSIDE_BAND) & ~panels.enough
        status = jnp.where(unproven, codes.STEP_LIMIT, status)
        error = lax.stop_gradient(jnp.max(errors))
        resolved = panels.enough & (error <= tolerance * jnp.max(jnp.abs(flows.current)))
        status = jnp.where((status == codes.SOLVED) & ~resolved, codes.NOT_RESOLVED, status)
        return Balanced(Balance(x, status, found.steps), flows, error, NODES * panels.count)

    return Search(find_under, complete)


def _conductor(system: System, tolerance: float) -> ExactConductor:
    """The exact law on panels of a window around the linear potentials; panels have no derivatives."""
    wire, kernel, stage, mu, temperature = (
        system.wire,
        system.kernel,
        system.stage,
        system.mu_bar,
        system.temperature,
    )
    window = _window(system)
    frozen = jax.tree.map(lax.stop_gradient, (wire, mu, *window, temperature))
    if stage.patient and temperature is None:
        temperature = jnp.zeros(())  # one way for all
    fine = stage.patient and issubclass(kernel, Chain)
    tail = max(min(TAIL_LEFT, tolerance) * (3e-3 if fine else 0.1), PHASE_ROUNDING * wire.sites)
    panels = Panels.of(*frozen, most=stage.panels, tail=tail, fine=fine)
    return ExactConductor(wire, mu, panels, temperature, kernel, fitted=not stage.patient)


def _window(system: System) -> tuple[Array, Array]:
    """Energies that hold the linear potentials, a margin and the thermal tails, clipped to the band."""
    band, mu, size, stage = system.wire.reservoir.band, system.mu_bar, system.size, system.stage
    temperature = system.temperature
    occupied = jnp.where(system.linear.broadening > 0, system.starts, 0.0)
    low, high = jnp.minimum(-size / 2, jnp.min(occupied)), jnp.maximum(size / 2, jnp.max(occupied))
    tails = 0.0 if temperature is None else TAIL * temperature
    margin = stage.margin * (high - low) + tails  # of no bias at all: inf all the same
    return jnp.maximum(low - margin, band.bottom - mu), jnp.minimum(high + margin, band.top - mu)
