"""A wide band: a reservoir whose density of states is the same at all energies.

    Sigma(w) = -i Gamma / 2,     Gamma = 2 gamma^2, that of a chain of hopping gamma_o at its band centre

It carries current at every energy.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxtransport import band
from jaxtransport.compute.double import Double
from jaxtransport.reservoirs.energies import Everywhere
from jaxtransport.reservoirs.reservoir import FineSurface, Reservoir, Surface

WIDTH = 2.0  # Gamma / gamma^2, in 1/gamma_o


class WideBand(Reservoir):
    """A band without edges."""

    @property
    def band(self) -> band.Band:
        return band.EVERYWHERE

    def energies(self, mu_bar: Float[Array, ""]) -> Everywhere:
        return Everywhere(mu_bar)

    def at(self, energy: Float[Array, ...]) -> Surface:
        return Surface(jnp.zeros_like(energy), jnp.full_like(energy, WIDTH))

    def finely(self, energy: Double) -> FineSurface:
        zero = jnp.zeros_like(energy.high)
        return FineSurface(Double(zero, zero), Double(jnp.full_like(zero, WIDTH / 2), zero))
