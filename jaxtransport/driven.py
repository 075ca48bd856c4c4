r"""A wire under one bias beyond linear response: potentials that balance, and everything read off them.

    I_l, J_l     of the law (`probes.conductor`), recomputed from the potentials found
    h_l = mu_l I_l - E_l          heat into reservoir l: what its current carries in less what it takes out
    delta n_l = (1/2 pi) sum_l' int |G_ll'|^2 Gamma_l' (f_l' - f_l) dw

with E_l the energy current into the wire; sum E_l = 0, so that sum h_l = sum I_l mu_l.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from jaxtransport import status as codes
from jaxtransport.budget import FIRST_PANELS, MOST_PANELS, NODES, TRACED_PANELS
from jaxtransport.green.chain import Chain
from jaxtransport.green.transmission import EPS, POTENTIAL_ROUNDINGS, TOLERATED, Transmission
from jaxtransport.observables import bond_currents, kept, without_overflow
from jaxtransport.probes.balance import Balance, Problem, Search, balance
from jaxtransport.probes.broyden import settle
from jaxtransport.probes.conductor import ExactConductor, Flows, SeriesConductor
from jaxtransport.probes.implicit import attached
from jaxtransport.probes.laws import Exact, Series
from jaxtransport.probes.newton import find
from jaxtransport.probes.panels import TAIL, TAIL_LEFT, Panels
from jaxtransport.reservoir import BAND_EDGE, in_band
from jaxtransport.variables import NONLINEAR
from jaxtransport.wire import Wire


class Driven(eqx.Module):
    """A wire, a law, and the potentials of one bias. Sites and bonds beyond the wire are NaN."""

    linear: Transmission
    balance: Balance
    flows: Flows  # recomputed from the potentials found
    error: Float[Array, ""]  # of the currents, by the energies that were left out
    mu_bar: Float[Array, ""]
    length: Int[Array, ""]
    size: Float[Array, ""]  # |delta_mu|
    injected: Float[Array, ""]  # 2 pi I_g
    status: Int[Array, ""]
    nodes: Int[Array, ""]  # energies at which transmissions are known, or the order

    def _sites(self, values, *, bare):
        site = jnp.arange(values.shape[0])
        held = jnp.where(self.linear.broadening > 0, values, bare)
        return jnp.where(site < self.length, held, jnp.nan)

    def _carried(self):
        """2 pi I_l: of the leads what the potentials drive, of all others what was asked for."""
        return jnp.where(self.linear.interior, self.injected * self.linear.strength, self.flows.current)

    def left_current(self):
        return self.flows.current[0] / self.size

    def right_current(self):
        return jnp.take(self.flows.current, self.length - 1) / self.size

    def potential(self):
        return self._sites(self.mu_bar + self.balance.x, bare=jnp.nan)

    def site_current(self):
        return self._sites(self._carried() / self.size, bare=0.0)

    def bond_current(self):
        J = bond_currents(self._carried(), self.length) / self.size
        return jnp.where(jnp.arange(J.shape[0]) < self.length - 1, J, jnp.nan)

    def heat(self):
        heat = self.balance.x * self.flows.current - self.flows.energy
        return self._sites(heat / (2 * jnp.pi), bare=0.0)

    def density(self):
        return self._sites(self.flows.filling / (2 * jnp.pi), bare=jnp.nan)

    def residual(self):
        asked = self.injected * self.linear.strength
        unbalanced = jnp.where(self.linear.interior, self.flows.current - asked, 0.0)
        total = jnp.sum(self.flows.current)  # what the leads carry has to close the sum
        return jnp.maximum(jnp.max(jnp.abs(unbalanced)), jnp.abs(total)) / self.size

    def quadrature_error(self):
        return self.error / self.size

    def outside_band(self):
        return jnp.any(jnp.abs(self.potential()) >= 2).astype(jnp.int8)


class Effort(eqx.Module):
    """How hard to try: the search, and for the exact law energies, and a second search that cannot miss."""

    search: Search = eqx.field(static=True)
    panels: int = eqx.field(static=True, default=0)  # of energies, at most
    patient: bool = eqx.field(static=True, default=False)  # levels as narrow as they may be, searches as long
    margin: float | Array = 0.0  # of the window, over what the linear potentials span; inf: the whole band
    rising_steps: int | Array = 0  # of the search from the bottom of the band, which takes the whole of it


RISING_STEPS = 400
PHASE_ROUNDING = 2e-15  # of a site
UNFINISHED = (codes.STEP_LIMIT, codes.DIVERGED, codes.NOT_RESOLVED)  # what more effort may help

# From the cheapest to the last: most points of a sweep are done with the first. The second and the third are
# one program.
SERIES_EFFORTS = (Effort(Search(8)), Effort(Search(12, continuation=True)))
_PATIENT = Search(12, continuation=True)
EXACT_EFFORTS = (
    Effort(Search(16), FIRST_PANELS, margin=0.15),
    Effort(_PATIENT, MOST_PANELS, patient=True, margin=1.0),
    Effort(_PATIENT, MOST_PANELS, patient=True, margin=math.inf, rising_steps=RISING_STEPS),
)
# Where nobody can see whether the first was enough.
TRACED = {Series: SERIES_EFFORTS[1], Exact: Effort(_PATIENT, TRACED_PANELS, margin=0.5)}


def efforts(law: Series | Exact) -> tuple[Effort, ...]:
    """What to try in turn."""
    of_law = SERIES_EFFORTS if isinstance(law, Series) else EXACT_EFFORTS
    return tuple(_capped(effort, law) for effort in of_law)


def traced_effort(law: Series | Exact) -> Effort:
    """What to try within a transform, where nobody can look."""
    return _capped(TRACED[type(law)], law)


def _capped(effort: Effort, law: Series | Exact) -> Effort:
    """No more energies than a law allows."""
    if isinstance(law, Series) or law.nodes is None:
        return effort
    return replace(effort, panels=min(effort.panels, law.nodes // NODES))


def drive(
    wire: Wire,
    kernel: type[Transmission],
    law: Series | Exact,
    effort: Effort,
    mu_bar: Array,
    delta_mu: Array,
    injection: Array,
    temperature: Array | None = None,
) -> Driven:
    """Balance `wire` under the bias delta_mu and under -delta_mu: arrays with a leading axis of two.

    `temperature` None is zero. Outside the band, and where linear response has no answer, the status says so
    and the numbers are those of the band centre.
    """
    inside = in_band(mu_bar - jnp.abs(delta_mu) / 2) & in_band(mu_bar + jnp.abs(delta_mu) / 2)
    mu = jnp.where(inside, mu_bar, 0.0)
    given = jnp.isfinite(mu_bar) & jnp.isfinite(delta_mu) & (delta_mu != 0) & jnp.isfinite(injection)
    delta_mu, injection = jnp.where(given, delta_mu, 1.0), jnp.where(given, injection, 0.0)
    size = jnp.abs(delta_mu)
    linear = kernel.at(wire, mu)
    biases = jnp.stack([delta_mu, -delta_mu])
    starts = jax.vmap(lambda bias: linear.potentials(injection * size, bias / 2, -bias / 2))(biases)
    usable = jnp.all(jnp.isfinite(starts))
    injected, starts = jnp.where(usable, injection * size, 0.0), jnp.where(usable, starts, 0.0)
    if isinstance(law, Series):
        under = _by_series(SeriesConductor(wire, mu, kernel, law.order), linear, effort)
    else:
        window = _window(jnp.where(linear.broadening > 0, starts, 0.0), mu, size, temperature, effort)
        frozen = jax.tree.map(lax.stop_gradient, (wire, mu, *window, temperature))
        if effort.patient and temperature is None:
            temperature = jnp.zeros(())  # one way for all
        fine = effort.patient and issubclass(kernel, Chain)
        tail = max(min(TAIL_LEFT, law.tolerance) * (3e-3 if fine else 0.1), PHASE_ROUNDING * wire.sites)
        panels = Panels.of(*frozen, most=effort.panels, tail=tail, fine=fine)
        exact = ExactConductor(wire, mu, panels, temperature, kernel, fitted=not effort.patient)
        under = _by_integrals(exact, linear, effort, law.tolerance)

    lost = linear.amplification() * POTENTIAL_ROUNDINGS * EPS > TOLERATED
    if isinstance(law, Series):
        leads = linear.leads()
        lost |= leads.conductance_error > TOLERATED * leads.conductance

    def one(of):
        found, flows, error, nodes = under(*of, injected)
        status = jnp.where((found.status == codes.SOLVED) & lost, codes.NOT_RESOLVED, found.status)
        status = jnp.where(usable, status, codes.SINGULAR)
        status = jnp.where(linear.finite & given, status, codes.NOT_FINITE)
        status = jnp.where(inside | ~given, status, codes.OUTSIDE_BAND)
        return found, flows, error, status, nodes

    # One after the other: under `vmap` they would take no less time, and half as long again to compile.
    found, flows, error, status, nodes = lax.map(one, (biases, starts))
    both = lambda tree: jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (2, *jnp.shape(leaf))), tree)
    linear, mu, length, size, injected = both((linear, mu, wire.length, size, injected))
    return Driven(linear, found, flows, error, mu, length, size, injected, status, nodes)


def _by_series(conductor: SeriesConductor, linear: Transmission, effort: Effort):
    """What a bias drives by the series: potentials, flows, no error, order."""

    def under(bias, start, injected):
        problem = Problem(conductor, linear, conductor.mu_bar, conductor.wire.length)
        found = balance(problem, bias, injected, effort.search)
        return found, conductor.flows(found.x), jnp.zeros_like(bias), jnp.asarray(conductor.order)

    return under


def _by_integrals(exact: ExactConductor, linear: Transmission, effort: Effort, tolerance: float):
    """What a bias drives by the exact law: potentials, flows, error of the currents, energies."""
    panels, interior, length = exact.panels, linear.interior, exact.wire.length
    searching = exact.for_search()
    site = jnp.arange(exact.wire.sites)

    def under(bias, start, injected):
        asked = jnp.where(interior, injected * linear.strength, 0.0)
        at = lax.stop_gradient((asked, start))
        if effort.patient:
            found = find(searching, interior, *at, effort.search.newton_steps, effort.rising_steps)
            solved = codes.has_numbers(found.status)
            x = jnp.where(solved, found.x, 0.0)
            flows, errors = searching.look(x, jnp.asarray(True))
        else:
            found, flows, errors = settle(
                searching, lax.stop_gradient(linear), *at, effort.search.newton_steps
            )
            solved = codes.has_numbers(found.status)
            x = jnp.where(solved, found.x, 0.0)
        ends = jnp.where(site == 0, bias / 2, jnp.where(site == length - 1, -bias / 2, 0.0))
        x, flows = attached(exact, interior, asked, ends, solved, x, flows)
        held = jnp.where(linear.broadening > 0, x, 0.0)
        status = found.status
        holds = panels.holds(held) & jnp.all(jnp.abs(exact.mu_bar + held) <= BAND_EDGE)
        status = jnp.where((status == codes.SOLVED) & ~holds, codes.STEP_LIMIT, status)
        unproven = (status == codes.OUTSIDE_BAND) & ~panels.enough
        status = jnp.where(unproven, codes.STEP_LIMIT, status)
        error = lax.stop_gradient(jnp.max(errors))
        resolved = panels.enough & (error <= tolerance * jnp.max(jnp.abs(flows.current)))
        status = jnp.where((status == codes.SOLVED) & ~resolved, codes.NOT_RESOLVED, status)
        return Balance(x, status, found.steps), flows, error, NODES * panels.count

    return under


def _window(held, mu, size, temperature, effort: Effort):
    """Energies that hold the linear potentials, a margin and the thermal tails, clipped to the band."""
    low, high = jnp.minimum(-size / 2, jnp.min(held)), jnp.maximum(size / 2, jnp.max(held))
    tails = 0.0 if temperature is None else TAIL * temperature
    margin = effort.margin * (high - low) + tails  # of no bias at all: inf all the same
    return jnp.maximum(low - margin, -BAND_EDGE - mu), jnp.minimum(high + margin, BAND_EDGE - mu)


_BIASED: dict[str, Callable[[Driven], Array]] = {
    "current": Driven.left_current,
    "right_current": Driven.right_current,
    "potential": Driven.potential,
    "site_current": Driven.site_current,
    "bond_current": Driven.bond_current,
    "heat": Driven.heat,
    "density": Driven.density,
}


def observe_driven(names: Iterable[str], driven: Driven) -> dict[str, Array]:
    """The variables called `names`, and "status", of a wire under both biases.

    Args:
        names: names among `variables.NONLINEAR`.
        driven: what `drive` returns for a positive bias.

    Where the status has no numbers (see `status`), floating ones are NaN.
    """
    names = tuple(names)
    stems = [name.rsplit("_", 1)[0] for name in names]
    wanted = [name for name in _BIASED if name == "current" or name in stems]  # a program has one order

    def one_bias(driven):
        seen = {name: _BIASED[name](driven) for name in wanted}
        for name in ("residual", "outside_band", "quadrature_error"):
            if name in names:
                seen[name] = getattr(driven, name)()
        return {**seen, "status": driven.status, "steps": driven.balance.steps, "nodes": driven.nodes}

    both = jax.vmap(one_bias)(driven)
    forward, reverse = both["current"]
    status = codes.worst(both["status"])
    difference = jnp.abs(reverse) - jnp.abs(forward)
    total = jnp.abs(reverse) + jnp.abs(forward)
    values = {
        "conductance": (forward - reverse) / 2,
        "nonreciprocity": difference,
        "relative_nonreciprocity": jnp.where(
            total > 0, 2 * difference / jnp.where(total > 0, total, 1.0), 0.0
        ),
    }
    for name in ("residual", "outside_band", "quadrature_error", "steps", "nodes"):
        if name in both:
            values[name] = jnp.max(both[name])
    for name in names:
        if name not in values:
            quantity, bias = name.rsplit("_", 1)
            values[name] = both[quantity][0 if bias == "forward" else 1]
    values = {name: values[name] for name in names}
    out = kept(values, without_overflow(status, values.values()), NONLINEAR)
    for name in ("steps", "nodes"):  # known of every point
        if name in values:
            out[name] = values[name].astype(NONLINEAR[name].dtype)
    return out
