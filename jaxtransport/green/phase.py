r"""The phase of det(w - H - Sigma) along a chain: it shows all levels, however narrow.

    d_l = z_l - t_l^2 / d_{l+1},        phi(w) = sum_l arg d_l,        0 <= arg d_l <= pi

The pivots d_l = 1 / g_l of the elimination from the right have Im d_l >= 0, so that every argument is known
without unwrapping. Over a level of width Gamma_n the phase falls by pi, as an arctangent of that width: a
transmission shows a narrow level only at energies that meet it, its phase at any two on either side.

Along a long wire with many reservoirs the phase is smoother than transmissions are: those over n sites go as
e^{2 i k n}, damped, and what is left of them at an end of the wire cancels in the determinant. They show in

    R_l = a_{l+1} (Gamma_{l+1} + R_{l+1})      what site l exchanges with all right of it, / Gamma_l s_l
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from jaxtransport.green.elimination import Point, Site, denominator
from jaxtransport.wire import Wire


class Turning(NamedTuple):
    """A sum of angles between 0 and pi: e^{i phi} = c + is, and whole turns."""

    c: Array
    s: Array
    turns: Array

    @classmethod
    def none(cls, zero: Array) -> Turning:
        return cls(zero + 1, zero, zero)

    def by(self, x: Array, y: Array, inside: Array) -> Turning:
        """On by the argument of x + iy, y >= 0, where `inside`."""
        size = 1 / jnp.where(inside, jnp.sqrt(x * x + y * y), 1.0)
        c, s = jnp.where(inside, x * size, 1.0), jnp.where(inside, y * size, 0.0)
        sine = self.c * s + self.s * c
        # By at most pi: past a whole turn if it leaves the lower half.
        turns = self.turns + ((self.s < 0) & (sine >= 0))
        return Turning(self.c * c - self.s * s, sine, turns)

    def angle(self) -> Array:
        angle = jnp.arctan2(self.s, self.c)
        return 2 * jnp.pi * self.turns + jnp.where(angle < 0, angle + 2 * jnp.pi, angle)


class Sight(NamedTuple):
    """Quantities that show how smooth transmissions are around an energy."""

    phase: Float[Array, ""]  # phi(w), from 0 to N pi; sites beyond the wire add nothing
    beyond: Float[Array, " site"]  # R_l in gamma_o


def sight(wire: Wire, energy: Float[Array, ""]) -> Sight:
    """The phase and R_l at one energy."""
    point = Point.of(wire, energy)

    def step(
        before: tuple[Array, Array, Turning, Array], site: Site
    ) -> tuple[tuple[Array, Array, Turning, Array], Array]:
        u, v, turning, weight = before  # 1 / d_{l+1} = u - iv, Gamma_{l+1} + R_{l+1}
        inside = site.position < point.length
        beyond = site.right * (u * u + v * v) * weight
        x, y, Gamma = denominator(site, point)
        x, y = x - site.right * u, y + site.right * v
        n = 1 / jnp.where(inside, x * x + y * y, jnp.inf)
        return (x * n, y * n, turning.by(x, y, inside), Gamma + beyond), beyond

    zero = jnp.zeros_like(energy)
    start = (zero, zero, Turning.none(zero), zero)
    (_, _, turning, _), beyond = lax.scan(step, start, Site.of(wire), reverse=True)
    return Sight(turning.angle(), beyond)
