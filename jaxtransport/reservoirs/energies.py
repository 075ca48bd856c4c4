r"""Coordinates of energies in which transmissions are analytic, counted from mu_bar without a subtraction.

Between the edges of a band everything is rational in s, from -1 to 1; in units of a quarter of its width

    w = 4 s / (1 + s^2),      sqrt(4 - w^2) = 2 (1 - s^2) / (1 + s^2)

and with sigma = s - s_bar, where s_bar belongs to mu_bar,

    w - mu_bar = 4 sigma (1 - s s_bar) / (1 + s^2)(1 + s_bar^2)
    sigma = tau (1 + s_bar^2) / (1 - s_bar tau)             tau = x / (sqrt(4 - w^2) + sqrt(4 - mu_bar^2))

so that a bias of 1e-8 keeps all its digits. Without edges the coordinate is that of the whole line,

    w - mu_bar = 2 sigma / (1 - sigma^2),      -1 < sigma < 1

in which everything that is rational in w stays so, and energies without end are two points.
"""

from __future__ import annotations

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxtransport.band import EVERYWHERE, Band
from jaxtransport.compute.double import Double

FAR = 1e15  # gamma_o: there an energy counts as infinite


class Energies(eqx.Module):
    """Energies w by a coordinate s; sigma = s - s_bar counts from mu_bar."""

    mu_bar: eqx.AbstractVar[Float[Array, ""]]  # in gamma_o
    band: eqx.AbstractVar[Band]

    @abc.abstractmethod
    def middle(self) -> Double:
        """s_bar, to 32 digits."""

    @abc.abstractmethod
    def offset(self, x: Float[Array, ...]) -> Float[Array, ...]:
        """sigma of the energies mu_bar + x, clipped to the band; with a finite gradient everywhere."""

    @abc.abstractmethod
    def above(self, sigma: Float[Array, ...]) -> Float[Array, ...]:
        """w - mu_bar."""

    @abc.abstractmethod
    def stretch(self, sigma: Float[Array, ...]) -> Float[Array, ...]:
        """dw / dsigma."""

    @abc.abstractmethod
    def finely(self, s: Double) -> Double:
        """w of a coordinate that is known to 32 digits, likewise."""

    def breaks(self) -> Float[Array, " break"] | None:
        """sigma where transmissions may not be analytic; None if they are throughout."""
        return None

    def covers(self, sigma: Float[Array, ...]) -> Bool[Array, ...]:
        """False where no energy belongs to a sigma."""
        return jnp.ones_like(sigma, bool)


class BetweenEdges(Energies):
    """Energies of a band with two edges."""

    mu_bar: Float[Array, ""]
    band: Band = eqx.field(static=True)

    @property
    def _unit(self) -> float:
        return self.band.half / 2

    @property
    def _mu(self) -> Array:
        """mu_bar in units of a quarter of the band's width, from its centre."""
        return (self.mu_bar - self.band.centre) / self._unit

    @property
    def _s_bar(self) -> Array:
        return self._mu / (2 + root(self._mu))

    def middle(self) -> Double:
        first, mu = self._s_bar, self._mu
        nothing = jnp.zeros_like(first)
        square = Double.product(first, first).plus(1.0)
        rest = Double(4 * first, nothing).less(square.times(Double(mu, nothing)))
        return Double.sum(first, -(rest.high + rest.low) / jnp.maximum(4 - 2 * mu * first, 1e-8))

    def offset(self, x: Float[Array, ...]) -> Float[Array, ...]:
        mu, x = self._mu, x / self._unit
        w = mu + x
        inside = jnp.abs(w) < 2
        x = jnp.where(inside, x, jnp.sign(w) * 2 - mu)
        tau = x / (root(jnp.where(inside, w, 2.0)) + root(mu))
        s_bar = self._s_bar
        return tau * (1 + s_bar**2) / (1 - s_bar * tau)

    def above(self, sigma: Float[Array, ...]) -> Float[Array, ...]:
        s_bar = self._s_bar
        s = s_bar + sigma
        return self._unit * (4 * sigma * (1 - s * s_bar) / ((1 + s * s) * (1 + s_bar**2)))

    def stretch(self, sigma: Float[Array, ...]) -> Float[Array, ...]:
        s = self._s_bar + sigma
        return self._unit * (jnp.maximum(4 * (1 - s) * (1 + s), 0.0) / (1 + s * s) ** 2)

    def finely(self, s: Double) -> Double:
        # 4 s / (1 + s^2), in powers of two alone
        w = s.times(s.times(s).plus(1.0).inverse()).scaled(4.0)
        if self._unit == 1 and self.band.centre == 0:
            return w
        unit, centre = (Double.constant(s.high, value) for value in (self._unit, self.band.centre))
        return w.times(unit).add(centre)


class Everywhere(Energies):
    """Energies of a band without edges; s counts from mu_bar."""

    mu_bar: Float[Array, ""]
    band: Band = eqx.field(static=True, default=EVERYWHERE)

    def middle(self) -> Double:
        return Double(jnp.zeros_like(self.mu_bar), jnp.zeros_like(self.mu_bar))

    def offset(self, x: Float[Array, ...]) -> Float[Array, ...]:
        finite = jnp.abs(x) < FAR
        near = jnp.where(finite, x, 0.0)
        return jnp.where(finite, near / (1 + jnp.sqrt(1 + near * near)), jnp.sign(x))

    def above(self, sigma: Float[Array, ...]) -> Float[Array, ...]:
        return 2 * sigma / jnp.maximum((1 - sigma) * (1 + sigma), 1 / FAR)

    def stretch(self, sigma: Float[Array, ...]) -> Float[Array, ...]:
        return 2 * (1 + sigma * sigma) / jnp.maximum((1 - sigma) * (1 + sigma), 1 / FAR) ** 2

    def finely(self, s: Double) -> Double:
        square = s.times(s)
        rest = Double(-square.high, -square.low).plus(1.0)
        return s.times(rest.inverse()).scaled(2.0).plus(self.mu_bar)


def root(w: Float[Array, ...]) -> Float[Array, ...]:
    """sqrt(4 - w^2) for |w| < 2 and 0 beyond, with a finite gradient everywhere."""
    # The product keeps full relative precision at the edges, where 4 - w^2 would cancel.
    square = (2 - w) * (2 + w)
    inside = square > 0
    return jnp.where(inside, jnp.sqrt(jnp.where(inside, square, 1.0)), 0.0)
