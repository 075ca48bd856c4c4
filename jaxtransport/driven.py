r"""A wire under one bias beyond linear response: potentials that balance, and everything read off them.

    I_l, J_l     of the law (`probes.conductor`), recomputed from the potentials found
    h_l = mu_l I_l - E_l          heat into reservoir l: what its current carries in less what it takes out
    delta n_l = (1/2 pi) sum_l' int |G_ll'|^2 Gamma_l' (f_l' - f_l) dw

with E_l the energy current into the wire; sum E_l = 0, so that sum h_l = sum I_l mu_l.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxtransport import status as codes
from jaxtransport.green.transmission import EPS, POTENTIAL_ROUNDINGS, TOLERATED, Transmission
from jaxtransport.observables import bond_currents, kept, without_overflow
from jaxtransport.probes.balance import Balance, Problem, Search, balance
from jaxtransport.probes.conductor import Conductor, ExactConductor, Flows, SeriesConductor
from jaxtransport.probes.laws import Exact, Series
from jaxtransport.probes.window import TAIL, Window
from jaxtransport.reservoir import in_band
from jaxtransport.variables import NONLINEAR
from jaxtransport.wire import Wire

RESOLVED = 1e-11  # of the largest current: what the last coefficients of the transmissions may carry


class Driven(eqx.Module):
    """A wire, a law, and the potentials of one bias. Sites and bonds beyond the wire are NaN."""

    linear: Transmission
    balance: Balance
    flows: Flows  # recomputed from the potentials found
    mu_bar: Float[Array, ""]
    length: Int[Array, ""]
    size: Float[Array, ""]  # |delta_mu|
    injected: Float[Array, ""]  # 2 pi I_g
    status: Int[Array, ""]
    nodes: int = eqx.field(static=True)  # energies at which transmissions are known

    def _sites(self, values, *, bare):
        site = jnp.arange(values.shape[0])
        held = jnp.where(self.linear.broadening > 0, values, bare)
        return jnp.where(site < self.length, held, jnp.nan)

    def left_current(self):
        return self.flows.current[0] / self.size

    def right_current(self):
        return jnp.take(self.flows.current, self.length - 1) / self.size

    def potential(self):
        return self._sites(self.mu_bar + self.balance.x, bare=jnp.nan)

    def site_current(self):
        return self._sites(self.flows.current / self.size, bare=0.0)

    def bond_current(self):
        J = bond_currents(self.flows.current, self.length) / self.size
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

    def outside_band(self):
        return jnp.any(jnp.abs(self.potential()) >= 2).astype(jnp.int8)


@dataclass(frozen=True)
class Effort:
    """How hard to try: nodes of the exact law, the window around the linear potentials, the search."""

    nodes: int
    margin: float  # of the window, over what the linear potentials span
    search: Search


UNFINISHED = (codes.STEP_LIMIT, codes.DIVERGED)  # what more effort may help

# From the cheapest to the last: most points of a sweep are done with the first.
EFFORTS = (
    Effort(24, 0.3, Search(newton_steps=8)),
    Effort(96, 1.0, Search(newton_steps=12, continuation=True)),
    Effort(384, 1.0, Search(newton_steps=12, continuation=True)),
)
FIRST_NODES_WARM = 64  # thermal tails take a wide window, whatever the potentials


def efforts(warm: bool) -> tuple[Effort, ...]:
    """What to try in turn, at zero temperature or above it."""
    first, *more = EFFORTS
    return (replace(first, nodes=FIRST_NODES_WARM) if warm else first, *more)


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
    """Balance `wire` under a signed bias; `temperature` None is zero.

    Outside the band, and where linear response has no answer, the status says so and the numbers are
    those of the band centre.
    """
    inside = in_band(mu_bar - jnp.abs(delta_mu) / 2) & in_band(mu_bar + jnp.abs(delta_mu) / 2)
    mu = jnp.where(inside, mu_bar, 0.0)
    size = jnp.abs(delta_mu)
    given = jnp.isfinite(mu_bar) & jnp.isfinite(delta_mu) & (size > 0) & jnp.isfinite(injection)
    delta_mu, injection = jnp.where(given, delta_mu, 1.0), jnp.where(given, injection, 0.0)
    injected = injection * jnp.abs(delta_mu)
    linear = kernel.at(wire, mu)
    start = linear.potentials(injected, delta_mu / 2, -delta_mu / 2)
    usable = jnp.all(jnp.isfinite(start))
    injected = jnp.where(usable, injected, 0.0)
    nodes = 1
    conductor: Conductor
    if isinstance(law, Series):
        conductor = SeriesConductor(wire, mu, kernel, law.order)
        nodes = law.order
    else:
        window = _window(jnp.where(usable, start, 0.0), linear, mu, delta_mu, temperature, effort)
        conductor = ExactConductor.of(wire, kernel, mu, window, temperature)
        nodes = effort.nodes
    problem = Problem(conductor, linear, mu, wire.length, bounded=isinstance(law, Exact))
    found = balance(problem, delta_mu, injected, effort.search)
    flows = conductor.flows(found.x)
    status = found.status
    if isinstance(conductor, ExactConductor):
        scale = jnp.maximum(jnp.max(jnp.abs(flows.current)), jnp.abs(delta_mu) * 1e-3)
        good = (conductor.unresolved(found.x) <= RESOLVED * scale) & conductor.holds(found.x)
        status = jnp.where((status == codes.SOLVED) & ~good, codes.STEP_LIMIT, status)
    leads = linear.leads()
    lost = linear.amplification() * POTENTIAL_ROUNDINGS * EPS > TOLERATED
    lost |= leads.conductance_error > TOLERATED * leads.conductance
    status = jnp.where((status == codes.SOLVED) & lost, codes.NOT_RESOLVED, status)
    status = jnp.where(usable, status, codes.SINGULAR)
    status = jnp.where(linear.finite & given, status, codes.NOT_FINITE)
    status = jnp.where(inside | ~given, status, codes.OUTSIDE_BAND)
    return Driven(linear, found, flows, mu, wire.length, jnp.abs(delta_mu), injected, status, nodes)


_BIASED: dict[str, Callable[[Driven], Array]] = {
    "current": Driven.left_current,
    "right_current": Driven.right_current,
    "potential": Driven.potential,
    "site_current": Driven.site_current,
    "bond_current": Driven.bond_current,
    "heat": Driven.heat,
    "density": Driven.density,
}


def observe_driven(names: Iterable[str], under: Callable[[Array], Driven]) -> dict[str, Array]:
    """The variables called `names`, and "status", of a wire under both biases.

    Args:
        names: names among `variables.NONLINEAR`.
        under: the wire under the bias of a given sign.

    Where the status has no numbers (see `status`), floating ones are NaN.
    """
    names = tuple(names)
    wanted = {name.rsplit("_", 1)[0] for name in names} & set(_BIASED) | {"current"}

    def one_bias(sign):
        driven = under(sign)
        seen = {name: _BIASED[name](driven) for name in wanted}
        for name in ("residual", "outside_band"):
            if name in names:
                seen[name] = getattr(driven, name)()
        nodes = jnp.asarray(driven.nodes)
        return {**seen, "status": driven.status, "steps": driven.balance.steps, "nodes": nodes}

    both = jax.vmap(one_bias)(jnp.array([1.0, -1.0]))
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
    for name in ("residual", "outside_band", "steps", "nodes"):
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


def _window(start, linear, mu, delta_mu, temperature, effort: Effort) -> Window:
    """Energies that hold the linear potentials, a margin and the thermal tails, clipped to the band."""
    held = linear.broadening > 0
    reach = jnp.abs(delta_mu) / 2
    low = jnp.minimum(-reach, jnp.min(jnp.where(held, start, 0.0)))
    high = jnp.maximum(reach, jnp.max(jnp.where(held, start, 0.0)))
    margin = effort.margin * (high - low) + (0.0 if temperature is None else TAIL * temperature)
    return Window.of(mu + low - margin, mu + high + margin, effort.nodes)
