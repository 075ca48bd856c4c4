r"""Currents that given potentials drive, beyond linear response.

Every law is a sum over energies at which the network of transmissions is known, or differentiated:

    linear      2 pi I_l = sum_l' T_ll'(mu_bar)(x_l - x_l')
    series      2 pi I_l = sum_{m=1..n} (1/m!) sum_l' T^(m-1)_ll' (x_l^m - x_l'^m)           (Eq. B26)
    exact       2 pi I_l = sum_l' int T_ll'(w) [f_l(w) - f_l'(w)] dw                         (Eq. B22)
                         = sum_j sum_l' T_ll'(w_j) [W_j(mu_l) - W_j(mu_l')]

The same sums of w - mu_bar times T give the energy that flows in, and of T / Gamma_l the density.
"""

from __future__ import annotations

import abc
import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxtransport.green.transmission import Transmission
from jaxtransport.probes.window import TAIL, Window
from jaxtransport.reservoir import BAND_EDGE
from jaxtransport.wire import Wire

Profile = Float[Array, " site"]


class Flows(NamedTuple):
    """What given potentials drive, each times 2 pi and per site."""

    current: Profile  # I_l, positive into the wire
    energy: Profile  # energy current into the wire, energies counted from mu_bar
    filling: Profile  # excess density over local equilibrium at mu_l; 0 without reservoir


def _flows(transmission: Transmission, y: Profile, above: Array) -> Flows:
    """What one energy contributes, `above` mu_bar, for integrals y_l of the occupation.

    sum_l' |G_ll'|^2 Gamma_l' (y_l' - y_l) is -(sum_l' T_ll' (y_l - y_l')) / Gamma_l.
    """
    current, Gamma = transmission.exchange(y), transmission.broadening
    held = Gamma > 0
    filling = jnp.where(held, -current / jnp.where(held, Gamma, 1.0), 0.0)
    return Flows(current, above * current, filling)


class Conductor(eqx.Module):
    """A wire and a law: what potentials x_l = mu_l - mu_bar drive. x on bare sites is never used."""

    @abc.abstractmethod
    def exchange(self, x: Profile) -> Profile:
        """2 pi I_l, positive into the wire."""

    @abc.abstractmethod
    def flows(self, x: Profile) -> Flows:
        """Everything else with it."""


class SeriesConductor(Conductor):
    """Currents to the n-th order in the potentials, Eq. B26."""

    wire: Wire
    mu_bar: Float[Array, ""]
    kernel: type[Transmission] = eqx.field(static=True)
    order: int = eqx.field(static=True)

    def _sum(self, of, x):
        """sum_m d^(m-1)/dw^(m-1) of(transmission at w, x, m), nested from the highest order inwards."""

        def from_order(m):
            def term(w):
                value = of(self.kernel.at(self.wire, w), x, m)
                if m == self.order:
                    return value
                _, slope = jax.jvp(from_order(m + 1), (w,), (jnp.ones_like(w),))
                return jax.tree.map(jnp.add, value, slope)

            return term

        return from_order(1)(self.mu_bar)

    def exchange(self, x):
        return self._sum(lambda t, x, m: t.exchange(x**m / math.factorial(m)), x)

    def flows(self, x):
        """The energy goes to order n + 1, where the m-th term of (w - mu_bar) T is m T^(m-1) / (m + 1)!.

        It takes no further derivative, and at n = 1 it makes the heat that of Eq. B52.
        """

        def of(t, x, m):
            driven = _flows(t, x**m / math.factorial(m), jnp.zeros(()))
            return driven._replace(energy=t.exchange(m * x ** (m + 1) / math.factorial(m + 1)))

        return self._sum(of, x)


class ExactConductor(Conductor):
    """Currents by the full integral over energies, at K nodes of a window that holds all potentials."""

    transmissions: Transmission  # at the nodes; every array with a leading axis K
    window: Window
    mu_bar: Float[Array, ""]
    temperature: Float[Array, ""] | None  # None: zero, known beforehand

    @classmethod
    def of(
        cls, wire: Wire, kernel: type[Transmission], mu_bar, window: Window, temperature
    ) -> ExactConductor:
        """The transmissions of `wire` at the nodes of `window`."""
        at_nodes = jax.vmap(lambda w: kernel.at(wire, w))(window.energies)
        return cls(at_nodes, window, mu_bar, temperature)

    def _integrals(self, x):
        mu = self.mu_bar + x
        if self.temperature is None:
            return self.window.integrals(mu)
        return self.window.thermal_integrals(mu, self.temperature)

    def exchange(self, x):
        return jnp.sum(jax.vmap(lambda t, y: t.exchange(y))(self.transmissions, self._integrals(x)), 0)

    def flows(self, x):
        above = self.window.energies - self.mu_bar
        return jax.tree.map(
            lambda terms: jnp.sum(terms, 0), jax.vmap(_flows)(self.transmissions, self._integrals(x), above)
        )

    def unresolved(self, x) -> Array:
        """What the last coefficients of the currents carry: the size of the error of 2 pi I_l."""
        flows = jax.vmap(lambda t: t.exchange(x))(self.transmissions)
        slopes = flows * jnp.sin(jnp.arccos(self.window.energies / 2))[:, None]
        return self.window.tail(slopes) * self.window.half

    def holds(self, x) -> Array:
        """True if the window holds all potentials (and, unless it ends with the band, their tails)."""
        reach = 0.0 if self.temperature is None else TAIL * self.temperature
        mu = self.mu_bar + jnp.where(self.transmissions.broadening[0] > 0, x, 0.0)
        low, high = self.window.ends()
        edge = BAND_EDGE * (1 - 1e-12)
        below = (jnp.min(mu) - reach >= low) | (low <= -edge)
        above = (jnp.max(mu) + reach <= high) | (high >= edge)
        return below & above
