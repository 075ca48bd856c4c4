"""A semi-infinite chain of hopping gamma_o, the reservoir of the model (Eq. B14).

    Sigma(w) = (gamma^2 / 2) (w - i sqrt(4 - w^2)),     Gamma(w) = -2 Im Sigma = gamma^2 sqrt(4 - w^2)

Its band is |w| < 2: outside it no current flows, and Gamma is 0 here.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxtransport import band
from jaxtransport.compute.double import Double
from jaxtransport.reservoirs.energies import BetweenEdges, root
from jaxtransport.reservoirs.reservoir import FineSurface, Reservoir, Surface


class SemiInfiniteChain(Reservoir):
    """A chain whose first site couples to the wire."""

    @property
    def band(self) -> band.Band:
        return band.CHAIN

    def energies(self, mu_bar: Float[Array, ""]) -> BetweenEdges:
        return BetweenEdges(mu_bar, band.CHAIN)

    def at(self, energy: Float[Array, ...]) -> Surface:
        return Surface(energy / 2, root(energy))

    def finely(self, s: Double) -> FineSurface:
        zero, one = jnp.zeros_like(s.high), jnp.ones_like(s.high)
        square = s.times(s)
        share = square.plus(1.0).inverse()
        half = s.times(share)
        half = Double(2 * half.high, 2 * half.low)
        energy = Double(2 * half.high, 2 * half.low)
        return FineSurface(energy, half, Double(one, zero).less(square).times(share))
