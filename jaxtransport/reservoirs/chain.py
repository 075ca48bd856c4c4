"""A semi-infinite chain of hopping t and level eps; with t = gamma_o and eps = 0 that of the model (Eq. B14).

    Sigma(w) = (gamma^2 / 2 t^2) (x - i sqrt(4 t^2 - x^2)),     x = w - eps
    Gamma(w) = -2 Im Sigma = (gamma^2 / t^2) sqrt(4 t^2 - x^2)

Its band is |x| < 2 t: outside it no current flows, Gamma is 0, and Sigma shifts the level of the site by
(gamma^2 / 2 t^2) (x - sgn(x) sqrt(x^2 - 4 t^2)).
"""

from __future__ import annotations

from fractions import Fraction

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

    @property
    def edges(self) -> tuple[Fraction, ...]:
        centre, half = Fraction(self.onsite), 2 * Fraction(self.hopping)
        return centre - half, centre + half

    def energies(self, mu_bar: Float[Array, ""]) -> BetweenEdges:
        return BetweenEdges(mu_bar, self.band)

    def at(self, energy: Float[Array, ...]) -> Surface:
        x = (energy - self.onsite) / self.hopping
        out = jnp.abs(x) > 2
        square = 1 - 4 / jnp.where(out, x, 4.0) ** 2
        shift = x * jnp.where(out, 1 - jnp.sqrt(jnp.maximum(square, 1e-300)), 1.0)
        return Surface(shift / (2 * self.hopping), root(x) / self.hopping)

    def finely(self, energy: Double) -> FineSurface:
        t = Double.constant(energy.high, self.hopping)
        x = energy if self.onsite == 0 else energy.add(Double.constant(energy.high, -self.onsite))
        if self.hopping != 1:
            x = x.times(t.inverse())
        root = x.plus(2.0).times(Double(-x.high, -x.low).plus(2.0))
        inside = root.high > 0  # x itself may round to 2
        beyond = Double(-root.high, -root.low).root()
        outer = x.less(Double(*(jnp.sign(x.high) * part for part in beyond)))
        shift = Double(*(jnp.where(inside, a, b) / 2 for a, b in zip(x, outer, strict=True)))
        half_width = root.root().scaled(0.5)
        if self.hopping != 1:
            shift, half_width = shift.times(t.inverse()), half_width.times(t.inverse())
        return FineSurface(shift, half_width)
