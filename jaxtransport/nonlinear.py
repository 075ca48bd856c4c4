r"""A wire under one bias beyond linear response: balanced potentials, and the quantities derived from them.

    I_l, J_l     of the law (`probes.conductor`), recomputed from the potentials found
    h_l = mu_l I_l - E_l          heat into reservoir l: what its current carries in less what it takes out
    delta n_l = (1/2 pi) sum_l' int |G_ll'|^2 Gamma_l' (f_l' - f_l) dw

with E_l the energy current into the wire; sum E_l = 0, so that sum h_l = sum I_l mu_l.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from jaxtransport import status as codes
from jaxtransport.band import Band
from jaxtransport.budget import Stage
from jaxtransport.green.transmission import EPS, POTENTIAL_ROUNDINGS, TOLERATED, Transmission
from jaxtransport.laws import Law
from jaxtransport.probes.balance import Balance, System
from jaxtransport.probes.conductor import Flows
from jaxtransport.rules import Rules, has_potential, occupations
from jaxtransport.steady import Steady, observe
from jaxtransport.wire import Wire, silenced


class Nonlinear(Steady):
    """A wire, a law, and the potentials of one bias."""

    network: Transmission
    balance: Balance
    flows: Flows  # recomputed from the potentials found
    error: Float[Array, ""]  # of the currents, by the energies that were left out; NaN of the series
    mu_bar: Float[Array, ""]
    length: Int[Array, ""]
    band: Band = eqx.field(static=True)
    size: Float[Array, ""]
    injected: Float[Array, ""]  # 2 pi I_g
    status: Int[Array, ""]
    nodes: Int[Array, ""]  # energies at which transmissions are known, or the order
    rules: Rules | None

    def shifts(self) -> Float[Array, " site"]:
        held = has_potential(self.rules, jnp.ones(self.balance.x.shape, bool))
        return jnp.where(held, self.balance.x, jnp.nan)

    def occupation(self) -> Float[Array, " site"]:
        if self.rules is None:
            return super().occupation()
        n = occupations(self.rules, self.balance.x)
        return self._sites(jnp.where(self.rules.constant, n, jnp.nan), empty=jnp.nan)

    @property
    def _given(self) -> Bool[Array, " site"]:
        """True where the current is given: 0 at probes of any rule."""
        interior = self.network.interior
        return interior if self.rules is None else interior & ~self.rules.fixed

    def carried(self) -> Float[Array, " site"]:
        """Prescribed currents where they are given, elsewhere those that potentials and occupations drive."""
        return jnp.where(self._given, self.injected * self.network.strength, self.flows.current) / self.size

    def left_current(self) -> Float[Array, ""]:
        return self.network.leads.of(self.flows.current)[0] / self.size

    def right_current(self) -> Float[Array, ""]:
        return self.network.leads.of(self.flows.current)[1] / self.size

    def heat(self) -> Float[Array, " site"]:
        heat = self.balance.x * self.flows.current - self.flows.energy
        if self.rules is not None:  # without a current at any energy no heat; without a potential no measure
            heat = jnp.where(self.rules.constant, jnp.nan, jnp.where(self.rules.dephasing, 0.0, heat))
        return self._sites(heat / (2 * jnp.pi), empty=0.0)

    def density(self) -> Float[Array, " site"]:
        return self._sites(self.flows.filling / (2 * jnp.pi), empty=jnp.nan)

    def residual(self) -> Float[Array, ""]:
        prescribed = self.injected * self.network.strength
        unbalanced = jnp.where(self._given, self.flows.current - prescribed, 0.0)
        total = jnp.sum(self.flows.current)  # the currents of the leads must close the sum
        return jnp.maximum(jnp.max(jnp.abs(unbalanced)), jnp.abs(total)) / self.size

    def quadrature_error(self) -> Float[Array, ""]:
        return self.error / self.size


def solve(
    wire: Wire,
    kernel: type[Transmission],
    law: Law,
    stage: Stage,
    mu_bar: Any,
    delta_mu: Any,
    injection: Any,
    temperature: Any = None,
) -> Nonlinear:
    """Balance `wire` under the bias delta_mu and under -delta_mu: arrays with a leading axis of two.

    `temperature` None is zero. Outside the band, and where linear response has no answer, the status says so
    and the numbers are those of the band centre.
    """
    band, half = wire.reservoir.band, jnp.abs(delta_mu) / 2
    inside = band.holds(mu_bar - half) & band.holds(mu_bar + half)
    mu = jnp.where(inside, mu_bar, band.centre)
    given = jnp.isfinite(mu_bar) & jnp.isfinite(delta_mu) & (delta_mu != 0) & jnp.isfinite(injection)
    delta_mu, injection = jnp.where(given, delta_mu, 1.0), jnp.where(given, injection, 0.0)
    size = jnp.abs(delta_mu)
    linear = kernel.at(wire, mu)
    biases = jnp.stack([delta_mu, -delta_mu])
    constants = wire.rules is not None and wire.rules.any_constant  # which exchange at all energies
    starts = jax.vmap(lambda bias: linear.potentials(injection * size, bias / 2, -bias / 2))(biases)
    # With constants they are a guess; else without them there is no answer at all.
    usable = jnp.all(jnp.isfinite(starts)) | constants
    injected = jnp.where(usable, injection * size, 0.0)
    starts = jnp.where(usable & jnp.isfinite(starts), starts, 0.0)
    reach = jnp.asarray(
        jnp.inf if constants else law.reach(size, 0.0 if temperature is None else temperature)
    )
    silent = silenced(wire, mu_bar, reach)
    network = linear
    if not law.at_mu_bar:
        network, starts = _heard(wire, linear, mu, reach, starts)
    system = System(wire, kernel, stage, mu, linear, network, starts, size, temperature)
    under = law.balanced(system)

    lost = jnp.asarray(False) if constants else _lost(linear, law)

    def completed(bias: Array, found: Any) -> tuple[Balance, Flows, Array, Array, Array]:
        found, flows, error, nodes = under.complete(bias, injected, found)
        status = jnp.where((found.status == codes.SOLVED) & lost, codes.NOT_RESOLVED, found.status)
        status = jnp.where(usable, status, codes.SINGULAR)
        status = jnp.where(linear.finite & given, status, codes.NOT_FINITE)
        status = jnp.where((inside & ~silent) | ~given, status, codes.OUTSIDE_BAND)
        return found, flows, error, status, nodes

    def under_bias(found: Balance, flows: Flows, error: Array, status: Array, nodes: Array) -> Nonlinear:
        return Nonlinear(
            network=network,
            balance=found,
            flows=flows,
            error=error,
            mu_bar=mu,
            length=wire.length,
            band=wire.reservoir.middle.band,
            size=size,
            injected=injected,
            status=status,
            nodes=nodes,
            rules=wire.rules,
        )

    # One after the other: under `vmap` they would take no less time, and half as long again to compile.
    found = lax.map(lambda of: under.find(*of, injected), (biases, starts))
    return jax.vmap(under_bias)(*jax.vmap(completed)(biases, found))


def _lost(linear: Transmission, law: Law) -> Array:
    """Whether roundings in linear response leave too few digits."""
    lost = linear.amplification() * POTENTIAL_ROUNDINGS * EPS > TOLERATED
    if law.at_mu_bar:
        response = linear.lead_response()
        lost |= response.conductance_error > TOLERATED * response.conductance
    return lost


def _heard(
    wire: Wire, linear: Transmission, mu_bar: Array, reach: Array, starts: Array
) -> tuple[Transmission, Array]:
    """The network with all reservoirs that exchange within `reach` of mu_bar, and where their search starts.

    At mu_bar itself those between the leads may be silent that exchange beyond an edge of their band.
    """
    reservoir = wire.reservoir
    if reservoir.is_one_kind:
        return linear, starts
    site = jnp.arange(wire.sites)
    lead, band = wire.leads.hold(site), reservoir.middle.band
    interior = ~lead & (site < wire.length) & (wire.coupling > 0) & band.meets(mu_bar, reach)
    low, high = jnp.maximum(-reach, band.bottom - mu_bar), jnp.minimum(reach, band.top - mu_bar)
    starts = jnp.where(interior & ~linear.interior, (low + high) / 2, starts)
    present = jnp.where(interior | (linear.broadening > 0) & lead, 1.0, 0.0)
    strength = jnp.where(interior, wire.strength, 0.0)
    return replace(linear, broadening=present, interior=interior, strength=strength), starts


def observed(names: Iterable[str], both: Nonlinear, law: Law) -> dict[str, Array]:
    """The variables called `names`, and "status", of a wire under both biases (see `steady.observe`).

    Args:
        names: names among those of the law.
        both: what `solve` returns for a positive bias.
        law: the law.
    """
    under: Callable[[Callable[..., Array]], Any] = lambda quantity: tuple(jax.vmap(quantity)(both))
    forward, reverse = under(Nonlinear.left_current)
    difference = jnp.abs(reverse) - jnp.abs(forward)
    total = jnp.abs(reverse) + jnp.abs(forward)
    relative = jnp.where(total > 0, 2 * difference / jnp.where(total > 0, total, 1.0), 0.0)
    of_both = {
        "conductance": (forward - reverse) / 2,
        "nonreciprocity": difference,
        "relative_nonreciprocity": relative,
        "steps": jnp.max(both.balance.steps),
        "nodes": jnp.max(both.nodes),
    }
    return observe(names, under, of_both, codes.worst(both.status), law.variables)
