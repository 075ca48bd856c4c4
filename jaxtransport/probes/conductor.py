r"""Currents that given potentials drive, beyond linear response.

    2 pi I_l = sum_l' int T_ll'(w) [f_l(w) - f_l'(w)] dw                         (Eq. B22)
             = sum_j sum_l' T_ll'(w_j) [D_j(x_l) - D_j(x_l')]

for the exact law, from the transmissions at the nodes w_j of panels; `probes.series` expands it at mu_bar.

The same sums of w - mu_bar times T give the energy that flows in, and of T / Gamma_l the density.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from jaxtransport.budget import KEPT_BYTES, TAIL, TOGETHER
from jaxtransport.compute.double import Double
from jaxtransport.green.chain import Chain
from jaxtransport.green.dephasing import dephasing_sites
from jaxtransport.green.fine import Fine
from jaxtransport.green.pairs import Pairs
from jaxtransport.green.transmission import EPS, Transmission
from jaxtransport.probes.occupation import COLDEST, Steps, Weights, filled
from jaxtransport.probes.panels import (
    SHORT,
    Nodes,
    Panels,
    left_out,
    nodes,
    tails,
)
from jaxtransport.reservoirs.energies import Energies
from jaxtransport.rules import has_potential, occupations
from jaxtransport.wire import Wire

Profile = Float[Array, " site"]

NOISE = 32 * EPS
SUMMED = 1e-13  # relative: what 16 nodes leave out of a Fermi function on a short panel


class Flows(NamedTuple):
    """Currents driven by given potentials, each times 2 pi and per site."""

    current: Profile  # I_l, positive into the wire
    energy: Profile  # energy current into the wire, energies counted from mu_bar
    filling: Profile  # excess density over local equilibrium at mu_l; 0 without reservoir


class Conductor(eqx.Module):
    """A wire and a law: what potentials x_l = mu_l - mu_bar drive. x on bare sites is never used."""

    @abc.abstractmethod
    def flows(self, x: Profile) -> Flows:
        """Currents, and everything else with them."""

    def currents_into(self, x: Profile) -> Profile:
        """2 pi I_l alone."""
        return self.flows(x).current


class Known(NamedTuple):
    """Transmissions at the nodes of some panels."""

    pairs: Pairs
    sharp: Float[Array, " energy"]  # their relative rounding error


class ExactConductor(Conductor):
    """Currents by the full integral over energies, TOGETHER panels at a time (`probes.panels`).

    A sum over all reservoirs is O(N) an energy. For a search transmissions are kept if there is room for
    those at all energies (`budget`), and otherwise recomputed for every use.
    """

    wire: Wire
    mu_bar: Float[Array, ""]
    panels: Panels
    temperature: Float[Array, ""] | None  # None: zero, known beforehand
    kernel: type[Transmission] = eqx.field(static=True)
    searching: bool = eqx.field(static=True, default=False)  # True: without derivatives
    kept: Known | None = None  # of all groups of panels, first axis
    fitted: bool = eqx.field(static=True, default=True)  # panels are those of this temperature, all of them

    @property
    def _energies(self) -> Energies:
        return self.wire.reservoir.energies(self.mu_bar)

    @property
    def _groups(self) -> int:
        """Of panels, at most."""
        return -(-self.panels.start.shape[0] // TOGETHER)

    @property
    def _there(self) -> Array:
        """Groups that have a panel."""
        return -(-self.panels.count // TOGETHER)

    def for_search(self) -> ExactConductor:
        """The same where only the search for potentials sees it: derivatives are those in x alone."""
        frozen = replace(jax.tree.map(lax.stop_gradient, self), searching=True)
        shapes = jax.eval_shape(lambda: frozen._known(jnp.asarray(0)))
        if (
            self._groups * sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(shapes))
            > KEPT_BYTES
        ):
            return frozen
        room = jax.tree.map(lambda leaf: jnp.zeros((self._groups, *leaf.shape), leaf.dtype), shapes)
        add = lambda i, kept: jax.tree.map(lambda all, here: all.at[i].set(here), kept, frozen._known(i))
        return replace(frozen, kept=lax.fori_loop(0, self._there, add, room))

    def flows(self, x: Profile) -> Flows:
        weights = self._weights(x, slopes=False)
        return self._sum(lambda i, x: self._flows(i, weights(i, x).D), x, self._nothing)

    def look(self, x: Profile, closely: Array) -> tuple[Flows, Profile]:
        """The currents; if `closely` all flows, and what quadrature and rounding leave out: an estimate."""

        weights = self._weights(x, slopes=False)

        def of(i: Array, x: Profile) -> tuple[Flows, Profile]:
            D = weights(i, x).D
            current: Callable[[], Array] = lambda: jnp.sum(self._exchange(i, D), 1)
            brief = lambda: (self._nothing._replace(current=current()), jnp.zeros_like(x))
            return lax.cond(closely, lambda: self._closely(i, x, D), brief)

        flows, error = self._sum(of, x, (self._nothing, jnp.zeros_like(x)))
        return flows, error + self._beyond(x) + self.panels.hidden

    def residual(self, x: Profile) -> tuple[Profile, Float[Array, "site site"]]:
        """2 pi I_l, and its derivatives with respect to all x_m."""

        weights = self._weights(x, slopes=True)

        def of(i: Array, x: Profile) -> tuple[Profile, Array]:
            D, V = weights(i, x)
            return jnp.sum(self._exchange(i, D), 1), self._known(i).pairs.weighted(V)

        N = x.shape[0]
        current, weighted = self._sum(of, x, (jnp.zeros(N), jnp.zeros((N, N))))
        # Rows and columns of T have the same sum: what all potentials are raised by drives nothing.
        return current, jnp.diag(jnp.sum(weighted, 1)) - weighted.T

    def rates(self, x: Profile, dx: Profile) -> Flows:
        """Rates of change of the flows for those of the potentials."""
        weights = self._weights(x, slopes=True)
        return self._sum(lambda i, x: self._flows(i, weights(i, x).slope * dx[:, None]), x, self._nothing)

    @property
    def _nothing(self) -> Flows:
        return Flows(*(jnp.zeros(self.wire.sites),) * 3)

    def _sum(self, of: Callable[[Array, Profile], Any], x: Profile, nothing: Any) -> Any:
        """Of all groups of panels; for reverse mode, which goes back along them, of all there could be."""
        if self.searching:
            more = lambda i, total: jax.tree.map(jnp.add, total, of(i, x))
            return lax.fori_loop(0, self._there, more, nothing)

        @jax.checkpoint
        def add(total: Any, i: Array) -> tuple[Any, None]:
            more = lax.cond(i < self._there, lambda: of(i, x), lambda: jax.tree.map(jnp.zeros_like, nothing))
            return jax.tree.map(jnp.add, total, more), None

        return lax.scan(add, nothing, jnp.arange(self._groups))[0]

    @staticmethod
    def _numbers(i: Array) -> Array:
        """Of the panels of a group."""
        return i * TOGETHER + jnp.arange(TOGETHER)

    def _at(self, i: Array) -> Nodes:
        return nodes(self._energies, *self.panels.some(self._numbers(i)))

    def _known(self, i: Array) -> Known:
        if self.kept is not None:
            return jax.tree.map(lambda all: all[i], self.kept)
        at = self._at(i)
        if self.panels.fine and self.searching and issubclass(self.kernel, Chain):
            s_bar = self._energies.middle()
            sigma = jax.tree.map(jnp.ravel, at.sigma)
            energy = self._energies.finely(Double(*(part[..., None] for part in s_bar)).add(sigma))
            fine = jax.vmap(lambda energy: Fine.at(self.wire, energy), out_axes=-1)(energy)
            return Known(fine.pairs(dephasing_sites(self.wire)), jnp.zeros(sigma.high.shape))
        return Known(*self.kernel.pairs_at(self.wire, self.mu_bar + at.above.ravel()))

    def _exchange(self, i: Array, y: Float[Array, "site ... energy"]) -> Array:
        if self.kept is not None:
            return self.kept.pairs.currents_into(y, i)
        return self._known(i).pairs.currents_into(y)

    def _weights(self, x: Profile, *, slopes: bool) -> Callable[[Array, Profile], Weights]:
        """Of potentials x, at the nodes of a group, arrays of shape (site, energy).

        Beyond the window currents go on along their tangents, so that Newton's method finds back. (At T = 0
        those are flat there.)
        """
        panels, T, rules = self.panels, self.temperature, self.wire.rules
        within: Callable[[Array], Array] = lambda x: jnp.clip(x, panels.low, panels.high)
        steps = None
        if T is not None:
            steps = Steps.of(self._energies, panels, within(x), T, slopes=slopes, fitted=self.fitted)

        def of_group(i: Array, x: Profile) -> Weights:
            inside, number = within(x), self._numbers(i)
            D, V = Weights.of(self._energies, panels, number, inside, T, steps, slopes=slopes)
            if V is not None:
                D = D + V * (x - inside)[:, None, None]
            if rules is not None and rules.any_constant:
                full, weight = filled(self._energies, panels, number, T, steps)
                constant, n = (each[:, None, None] for each in (rules.constant, occupations(rules, x)))
                D = jnp.where(constant, n * weight - full, D)
                V = None if V is None else jnp.where(constant, weight, V)
            return jax.tree.map(lambda values: values.reshape(x.shape[0], -1), Weights(D, V))

        return of_group

    def _flows(self, i: Array, y: Float[Array, "site energy"]) -> Flows:
        return self._added(self._at(i), self._exchange(i, y))

    def _added(self, at: Nodes, current: Float[Array, "site energy"]) -> Flows:
        above = at.above.ravel()
        lead = self.wire.leads.hold(jnp.arange(self.wire.sites))[:, None]
        Gamma = self.wire.reservoir.broadening(self.wire.coupling[:, None], self.mu_bar + above, lead)
        occupied = Gamma > 0
        filling = jnp.where(occupied, -current / jnp.where(occupied, Gamma, 1.0), 0.0)
        return Flows(jnp.sum(current, 1), current @ above, jnp.sum(filling, 1))

    def _closely(self, i: Array, x: Profile, D: Float[Array, "site energy"]) -> tuple[Flows, Profile]:
        """The flows of a group, and what quadrature and rounding leave out of them.

        D is no polynomial where there is a step. So the integrand is that of currents along the potentials,
        T_ll' (x_l - x_l') / (largest x - smallest), times what the occupations differ by at most, there; and
        that of occupations that are the same at all energies.
        """
        at, known, rules = self._at(i), self._known(i), self.wire.rules
        low, _, span, differ = self._extent(x)
        held = has_potential(rules, self.wire.coupling > 0)
        potentials = jnp.where(held, x - low, 0.0)  # none of one potential alone
        drives = [D, jnp.broadcast_to((potentials / span)[:, None], D.shape)]
        constants = rules is not None and rules.any_constant
        if rules is not None and constants:
            below = jnp.where(at.above.ravel() < 0, 1.0, 0.0)
            drives.append(jnp.where(rules.constant[:, None], occupations(rules, x)[:, None], below))
        current, *rates = lax.map(lambda y: self._exchange(i, y), jnp.stack(drives))
        total = known.pairs.total()
        start, end = self.panels.some(self._numbers(i))
        meets, differing = self._met(i, at, x, differ)
        left = self._left_out(at, rates[0], total * jnp.max(jnp.abs(potentials)) / span, meets) @ differing
        if constants:
            left += self._left_out(at, rates[1], total, meets) @ (end - start)
        return self._added(at, current), left + jnp.abs(current) @ known.sharp

    def _met(self, i: Array, at: Nodes, x: Profile, differ: Array) -> tuple[Array, Array]:
        """Whether a step meets an interpolated panel; by how much occupations differ there, times sigma."""
        start, end = self.panels.some(self._numbers(i))
        energies = self._energies
        low, high, _, _ = self._extent(x)
        T = jnp.asarray(COLDEST) if self.temperature is None else jnp.maximum(self.temperature, COLDEST)
        away = jnp.maximum(energies.above(start) - high, low - energies.above(end))
        differ = jnp.minimum(differ, 4 * differ * jnp.exp(-jnp.maximum(away, 0.0) / T))
        step: Callable[[Array, int], Array] = lambda x, side: energies.offset(x + side * TAIL * T)
        shared = jnp.clip(jnp.minimum(end, step(high, 1)) - jnp.maximum(start, step(low, -1)), 0.0)
        held = has_potential(self.wire.rules, self.wire.coupling > 0)[:, None]
        meets = (step(x, 1)[:, None] > start) & (step(x, -1)[:, None] < end) & held
        return jnp.any(meets, 0) & ~(jnp.sum(at.weight, 1) <= SHORT * T), differ * shared

    @staticmethod
    def _left_out(at: Nodes, rate: Array, rounded: Array, interpolated: Array) -> Float[Array, "site panel"]:
        """What polynomials leave out of the integral of a rate, over the length of a panel in sigma.

        Args:
            rounded: terms that cancel in it, of which roundings are shares.
            interpolated: whether a panel's nodes are not only summed.
        """
        by_panel: Callable[[Array], Array] = lambda values: values.reshape(-1, *at.above.shape)
        of_sigma = by_panel(rate) * at.slope
        largest = jnp.max(jnp.abs(of_sigma), -1)
        # Potentials that agree up to rounding drive nothing that a polynomial could miss.
        noise = NOISE * jnp.max(by_panel(rounded) * at.slope, -1)
        tail, missed = (jnp.maximum(f(of_sigma) - noise, 0.0) for f in (tails, left_out))  # (site, panel)
        square = tail * tail / jnp.where(largest > 0, largest, 1.0) + SUMMED * largest
        return jnp.where(interpolated, missed, square)

    def _extent(self, x: Profile) -> tuple[Array, Array, Array, Array]:
        """The least and the largest potential of a reservoir, their span, and how far occupations differ."""
        occupied = has_potential(self.wire.rules, self.wire.coupling > 0)
        if self.wire.rules is not None:  # there may be none with a potential
            occupied = occupied | ~jnp.any(occupied)
            x = jnp.where(has_potential(self.wire.rules, occupied), x, 0.0)
        low, high = jnp.min(jnp.where(occupied, x, jnp.inf)), jnp.max(jnp.where(occupied, x, -jnp.inf))
        span = jnp.maximum(high - low, jnp.finfo(float).tiny)
        if self.temperature is None:
            return low, high, span, jnp.ones(())
        T = self.temperature
        return low, high, span, jnp.minimum(1.0, span / jnp.where(T > 0, 4 * T, span))

    def _beyond(self, x: Profile) -> Array:
        """Bound of the current of thermal tails beyond the window: T_ll' summed over l' is at most 1."""
        if self.temperature is None:
            return jnp.zeros(())
        T = jnp.maximum(self.temperature, COLDEST)
        low, high, _, differ = self._extent(x)
        tail: Callable[[Array, Array], Array] = lambda room, open: jnp.where(
            open, T * jnp.exp(-jnp.maximum(room, 0.0) / T), 0.0
        )
        below, above = self.panels.open()
        return differ * (tail(low - self.panels.low, below) + tail(self.panels.high - high, above))
