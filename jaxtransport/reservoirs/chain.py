"""A semi-infinite chain of hopping t and level eps; with t = gamma_o and eps = 0 that of the model (Eq. B14).

    Sigma(w) = (gamma^2 / 2 t^2) (x - i sqrt(4 t^2 - x^2)),     x = w - eps
    Gamma(w) = -2 Im Sigma = (gamma^2 / t^2) sqrt(4 t^2 - x^2)

Its band is |x| < 2 t: outside it no current flows, Gamma is 0, and Sigma shifts the level of the site by
(gamma^2 / 2 t^2) (x - sgn(x) sqrt(x^2 - 4 t^2)).
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxtransport import band
from jaxtransport.compute.double import Double
from jaxtransport.reservoirs.energies import BetweenEdges, root
from jaxtransport.reservoirs.reservoir import FineSurface, Reservoir, Surface


class SemiInfiniteChain(Reservoir):
    """A chain whose first site couples to the wire."""

    hopping: float = eqx.field(static=True, default=1.0)  # t, in gamma_o
    onsite: float = eqx.field(static=True, default=0.0)  # eps, in gamma_o

    @property
    def band(self) -> band.Band:
        return band.Band(self.onsite - 2 * self.hopping, self.onsite + 2 * self.hopping)

    def energies(self, mu_bar: Float[Array, ""]) -> BetweenEdges:
        return BetweenEdges(mu_bar, self.band)

    def at(self, energy: Float[Array, ...]) -> Surface:
        x = (energy - self.onsite) / self.hopping
        out = jnp.abs(x) > 2
        square = 1 - 4 / jnp.where(out, x, 4.0) ** 2
        shift = x * jnp.where(out, 1 - jnp.sqrt(jnp.maximum(square, 1e-300)), 1.0)
        return Surface(shift / (2 * self.hopping), root(x) / self.hopping)

    def finely(self, s: Double) -> FineSurface:
        zero, one = jnp.zeros_like(s.high), jnp.ones_like(s.high)
        square = s.times(s)
        share = square.plus(1.0).inverse()
        half = s.times(share)
        half = Double(2 * half.high, 2 * half.low)
        x = Double(2 * half.high, 2 * half.low)
        half_width = Double(one, zero).less(square).times(share)
        if self.hopping == 1 and self.onsite == 0:
            return FineSurface(x, half, half_width)
        t = Double(one * self.hopping, zero)
        over = t.inverse()
        return FineSurface(x.times(t).plus(self.onsite), half.times(over), half_width.times(over))
