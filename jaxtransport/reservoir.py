"""Self-energy of a semi-infinite chain, the reservoir of the model (Eq. B14).

    Sigma(w) = (gamma^2 / 2) (w - i sqrt(4 - w^2)),     Gamma(w) = -2 Im Sigma = gamma^2 sqrt(4 - w^2)

for a chain of hopping gamma_o = 1 coupled with amplitude gamma. Its band is |w| < 2: outside it
no current flows, and Gamma is 0 here.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

BAND_EDGE = 2.0


def in_band(energy: Float[Array, ...]) -> Array:
    """True where |energy| < 2 gamma_o."""
    return jnp.abs(energy) < BAND_EDGE


def band_root(energy: Float[Array, ...]) -> Float[Array, ...]:
    """sqrt(4 - w^2) in the band and 0 outside, with a finite gradient everywhere."""
    # The product keeps full relative precision at the band edge, where 4 - w^2 would cancel.
    square = (BAND_EDGE - energy) * (BAND_EDGE + energy)
    inside = square > 0
    return jnp.where(inside, jnp.sqrt(jnp.where(inside, square, 1.0)), 0.0)


def level_shift(coupling: Float[Array, ...], energy: Float[Array, ...]) -> Float[Array, ...]:
    """Re Sigma = gamma^2 w / 2, in gamma_o."""
    return coupling**2 * energy / 2


def broadening(coupling: Float[Array, ...], energy: Float[Array, ...]) -> Float[Array, ...]:
    """Gamma = gamma^2 sqrt(4 - w^2) >= 0, in gamma_o; 0 for no coupling and outside the band."""
    return coupling**2 * band_root(energy)
