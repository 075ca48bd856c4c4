r"""A reservoir whose self-energy is a table: cubics between its rows (`tabulated`).

    Sigma(w) = sum_k c_k (w - w_i)^k,     w_i <= w < w_{i+1}

It is absolute: these reservoirs couple with 1. It is analytic between rows alone, so that panels of energies
end at each. Beyond the table nothing is known: there the reservoir is silent, and Re Sigma stays as it is.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from fractions import Fraction

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxtransport import band, tabulated
from jaxtransport.compute.double import Double
from jaxtransport.reservoirs.energies import Energies
from jaxtransport.reservoirs.pieces import energies_of
from jaxtransport.reservoirs.reservoir import FineSurface, Reservoir, Surface

Row = tuple[float, ...]


@functools.lru_cache(maxsize=16)
def _cubics(rows: Row, values: Row) -> np.ndarray:
    """c_k of each interval, (power, interval), with those below and above the table."""
    below, above = np.zeros((2, 4, 1))
    below[0], above[0] = values[0], values[-1]
    return np.concatenate([below, tabulated.coefficients(rows, values), above], 1)


class Tabulated(Reservoir):
    """A self-energy known at some energies. Made by `Tabulated.of`."""

    rows: Row = eqx.field(static=True)  # omega, rising
    re: Row = eqx.field(static=True)
    im: Row = eqx.field(static=True)

    @classmethod
    def of(cls, energies: Sequence[float], re: Sequence[float], im: Sequence[float]) -> Tabulated:
        """From the numbers of a table as `tabulated.read` returns it."""
        return cls(*(tuple(map(float, column)) for column in (energies, re, im)))

    def doubt(self) -> str:
        """What is odd about its numbers, or nothing."""
        return tabulated.doubt({"energies": self.rows, "re": self.re, "im": self.im})

    @property
    def band(self) -> band.Band:
        return band.Band(self.rows[0], self.rows[-1])

    @property
    def knots(self) -> tuple[Fraction, ...]:
        return tuple(map(Fraction, self.rows[1:-1]))

    def energies(self, mu_bar: Float[Array, ""]) -> Energies:
        return energies_of(mu_bar, self)

    def at(self, energy: Float[Array, ...]) -> Surface:
        interval, row = self._interval(energy)
        u = energy - row
        re, im = (
            ((c[3] * u + c[2]) * u + c[1]) * u + c[0]
            for c in (jnp.asarray(_cubics(self.rows, values))[:, interval] for values in (self.re, self.im))
        )
        inside = (interval > 0) & (interval < len(self.rows))
        return Surface(re, jnp.where(inside, jnp.maximum(-2 * im, 0.0), 0.0))

    def finely(self, energy: Double) -> FineSurface:
        interval, row = self._interval(energy.high)
        u = energy.less(Double.exactly(row))

        def value(values: Row) -> Double:
            c = jnp.asarray(_cubics(self.rows, values))[:, interval]
            total = Double.exactly(c[3])
            for power in (2, 1, 0):
                total = total.times(u).add(Double.exactly(c[power]))
            return total

        im, inside = value(self.im), (interval > 0) & (interval < len(self.rows))
        carries = inside & (im.high < 0)
        return FineSurface(value(self.re), Double(*(jnp.where(carries, -part, 0.0) for part in im)))

    def _interval(self, energy: Float[Array, ...]) -> tuple[Int[Array, ...], Float[Array, ...]]:
        """Number of the interval, from 0 below the table; the row that its cubic counts from."""
        interval = jnp.searchsorted(jnp.asarray(self.rows), energy, side="right")
        return interval, jnp.asarray((self.rows[0], *self.rows))[interval]
