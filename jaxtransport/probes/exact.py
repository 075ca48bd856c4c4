r"""Potentials that balance the exact law: window, panels, search, and whether the answer is good enough.

2 pi I_l(x) = sum_l' int T_ll'(w) [f_l(w) - f_l'(w)] dw = 2 pi I_l^asked       (Eq. B22)
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from jaxtransport import status as codes
from jaxtransport.budget import NODES, TAIL
from jaxtransport.compute import linalg
from jaxtransport.green.transmission import EPS, POTENTIAL_ROUNDINGS
from jaxtransport.probes.balance import Balance, Balanced, Search, System
from jaxtransport.probes.broyden import by_broyden
from jaxtransport.probes.conductor import ExactConductor, Flows
from jaxtransport.probes.implicit import attached
from jaxtransport.probes.newton import find
from jaxtransport.probes.panels import TAIL_LEFT, Panels
from jaxtransport.rules import Rules, balances, has_potential

PHASE_ROUNDING = 2e-15  # of a site


def balanced(system: System, tolerance: float) -> Search:
    """The potentials of a bias by the exact law: first by Broyden's method, a patient stage by Newton's."""
    linear, network, stage, rules = system.linear, system.network, system.stage, system.wire.rules
    exact = _conductor(system, tolerance)
    panels, reservoir = exact.panels, exact.wire.reservoir
    interior, held = balances(rules, network.interior), has_potential(rules, network.broadening > 0)
    searching = exact.for_search()
    silent_at_mu_bar = jnp.any(interior & ~linear.interior)  # of which linear response knows nothing

    def prescribed_by(injected: Array) -> Array:
        return jnp.where(interior, injected * network.strength, 0.0)

    def find_under(bias: Array, start: Array, injected: Array) -> tuple[Balance, Flows, Array]:
        at = lax.stop_gradient((prescribed_by(injected), start))
        if _with_matrices(system):
            found = find(searching, interior, *at, stage.steps, stage.rising_steps)
            x = jnp.where(codes.has_numbers(found.status), found.x, 0.0)
            return found, *searching.look(x, jnp.asarray(True))
        found, flows, errors = by_broyden(searching, lax.stop_gradient(linear), *at, stage.steps)
        status = jnp.where(silent_at_mu_bar, codes.STEP_LIMIT, found.status)
        return Balance(found.x, status, found.steps), flows, errors

    def complete(bias: Array, injected: Array, all_found: tuple[Balance, Flows, Array]) -> Balanced:
        found, flows, errors = lax.stop_gradient(all_found)
        prescribed, solved = prescribed_by(injected), codes.has_numbers(found.status)
        x = jnp.where(solved, found.x, 0.0)
        ends = network.leads.put(bias / 2, -bias / 2, jnp.zeros_like(x))
        x, flows = attached(exact, interior, prescribed, ends, solved, x, flows)
        occupied = jnp.where(held, x, 0.0)
        status = found.status
        mu = exact.mu_bar + occupied
        leads = reservoir.leads.band
        others = reservoir.room(0.0 if exact.temperature is None else exact.temperature)
        bottom = jnp.where(interior, others.bottom, leads.bottom)
        top = jnp.where(interior, others.top, leads.top)
        holds = panels.holds(occupied) & jnp.all(~held | (bottom <= mu) & (mu <= top))
        status = jnp.where((status == codes.SOLVED) & ~holds, codes.STEP_LIMIT, status)
        unproven = (status == codes.OUTSIDE_BAND) & ~panels.enough
        status = jnp.where(unproven, codes.STEP_LIMIT, status)
        error = lax.stop_gradient(jnp.max(errors))
        if rules is not None and rules.any_constant:
            error = error + _rounding(searching, interior, *lax.stop_gradient((x, flows.current)))
        error = error + lax.stop_gradient(_left_over(flows.current, prescribed, interior, rules))
        resolved = panels.enough & (error <= tolerance * jnp.max(jnp.abs(flows.current)))
        status = jnp.where((status == codes.SOLVED) & ~resolved, codes.NOT_RESOLVED, status)
        return Balanced(Balance(x, status, found.steps), flows, error, NODES * panels.count)

    return Search(find_under, complete)


def _with_matrices(system: System) -> bool:
    """Whether Newton's method is used, with the matrix of all derivatives.

    Linear response at mu_bar, where Broyden's method starts, knows nothing of occupations at other energies.
    """
    rules = system.wire.rules
    return system.stage.patient or (rules is not None and rules.any_constant)


def _left_over(current: Array, prescribed: Array, interior: Array, rules: Rules | None) -> Array:
    """By how much currents of leads, gains and losses, and those given, miss 0: roundings at barriers."""
    given = interior if rules is None else interior | rules.dephasing
    return jnp.abs(jnp.sum(jnp.where(given, prescribed, current)))


def _rounding(searching: ExactConductor, interior: Array, x: Array, current: Array) -> Array:
    """Of the currents: roundings are amplified where probes exchange more than they pass on."""
    total = jnp.where(interior, jnp.diagonal(slopes := searching.residual(x)[1]), 0.0)
    system = jnp.where(interior[:, None], slopes, jnp.eye(x.shape[0]))
    amplified = jnp.max(jnp.abs(linalg.solve(system, total)), initial=1.0)
    return POTENTIAL_ROUNDINGS * EPS * amplified * jnp.max(jnp.abs(current))


def tail_of(tolerance: float, sites: int, *, fine: bool) -> float:
    """What may be left of the phase on a panel, for currents of a relative accuracy."""
    return max(min(TAIL_LEFT, tolerance) * (3e-3 if fine else 0.1), PHASE_ROUNDING * sites)


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
    with_matrices = _with_matrices(system)
    if with_matrices and temperature is None:
        temperature = jnp.zeros(())  # one way for all
    # Towards the edges of a band energies in doubles are too coarse for the phase.
    fine = with_matrices
    tail = tail_of(tolerance, wire.sites, fine=fine)
    panels = Panels.of(*frozen, most=stage.panels, tail=tail, fine=fine)
    return ExactConductor(wire, mu, panels, temperature, kernel, fitted=not with_matrices)


def _window(system: System) -> tuple[Array, Array]:
    """Energies that hold the linear potentials, a margin and the thermal tails, clipped to the band."""
    band, mu, size, stage = system.wire.reservoir.span, system.mu_bar, system.size, system.stage
    temperature, rules = system.temperature, system.wire.rules
    if rules is not None and rules.any_constant:  # they exchange currents at all energies
        return band.bottom - mu, band.top - mu
    occupied = jnp.where(has_potential(rules, system.network.broadening > 0), system.starts, 0.0)
    low, high = jnp.minimum(-size / 2, jnp.min(occupied)), jnp.maximum(size / 2, jnp.max(occupied))
    tails = 0.0 if temperature is None else TAIL * temperature
    margin = stage.margin * (high - low) + tails  # of no bias at all: inf all the same
    return jnp.maximum(low - margin, band.bottom - mu), jnp.minimum(high + margin, band.top - mu)
