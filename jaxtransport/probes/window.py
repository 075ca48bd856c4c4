r"""Integrals of a transmission over energies, from its values at a few Chebyshev nodes.

    int_{w_0}^{w} T(w') dw' = sum_j T(w_j) L_j(w),        w = 2 cos k,   dw = -2 sin k dk

T is interpolated in k = arccos(w/2), where it is analytic up to the band edges; in w the square root of
the reservoirs' band would spoil it. With K nodes k_j on a window of half-width h and s = (k - k_c)/h,

    L_j = -2 sin k_j h C_j(s),     C_j(s) = int l_j ds,     l_j(s) = (2/K) sum'_n T_n(s_j) T_n(s)

where T_n are Chebyshev polynomials and the primed sum halves n = 0. The error falls geometrically in K.
At a temperature, the step of the Fermi function is smeared (integration by parts):

    int l_j f(w; mu) dw  =  W_j(mu) = int L_j(w) (-df/dw) dw

which tends to L_j(mu) as T^2 -> 0, so that K depends on the transmission alone. Energies are clipped to
the band, outside of which nothing is transmitted, and tails to the window, which holds them.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from jaxtransport.reservoir import BAND_EDGE

TAIL = 37.0  # |w - mu| / T beyond which -df/dw < 1e-16 of its peak
THERMAL_NODES = 256  # poles of df/dw at pi T i: the error of Gauss-Legendre on +-37 T is exp(-2 M pi / 37)


def wave_number(energy: Array) -> Array:
    """k = arccos(w / 2), the energy clipped to the band; a finite gradient everywhere."""
    inside = jnp.abs(energy) < BAND_EDGE
    edge = jnp.where(energy > 0, 0.0, jnp.pi)
    return jnp.where(inside, jnp.arccos(jnp.where(inside, energy, 0.0) / BAND_EDGE), edge)


class Window(eqx.Module):
    """K nodes on a window of energies, and the integrals of the functions they carry."""

    centre: Float[Array, ""]  # k_c
    half: Float[Array, ""]  # h
    energies: Float[Array, " node"]  # w_j
    count: int = eqx.field(static=True)

    @classmethod
    def of(cls, low: Array, high: Array, count: int) -> Window:
        """`count` nodes on energies low ... high, clipped to the band."""
        start, end = wave_number(high), wave_number(low)
        centre, half = (start + end) / 2, (end - start) / 2
        return cls(centre, half, 2 * jnp.cos(centre + half * _nodes(count)), count)

    def ends(self) -> tuple[Array, Array]:
        """Lowest and highest energy of the window."""
        return 2 * jnp.cos(self.centre + self.half), 2 * jnp.cos(self.centre - self.half)

    def integrals(self, energy: Array) -> Float[Array, " node *shape"]:
        """L_j at `energy`, shape (K, *energy.shape); zero in the middle of the window."""
        s = (wave_number(energy) - self.centre) / self.half
        C = jnp.tensordot(_integration(self.count), _polynomials(s, self.count + 1), 1)
        weight = -2 * jnp.sin(self.centre + self.half * _nodes(self.count)) * self.half
        return jnp.expand_dims(weight, range(1, C.ndim)) * C

    def thermal_integrals(self, mu: Array, temperature: Array) -> Float[Array, " node *shape"]:
        """W_j at chemical potentials `mu`, shape (K, *mu.shape), tails clipped to the window."""
        warm = temperature > 0
        T = jnp.where(warm, temperature, 1.0)
        bottom, top = self.ends()
        low, high = (jnp.clip(mu + side * TAIL * T, bottom, top) for side in (-1, 1))
        start, end = wave_number(high), wave_number(low)
        z, w = np.polynomial.legendre.leggauss(THERMAL_NODES)
        k = (start + end)[..., None] / 2 + (end - start)[..., None] / 2 * z
        # w - mu = 2 cos k - 2 cos k_mu as a product: a difference would be noise where T is tiny.
        at_mu = wave_number(mu)[..., None]
        above_mu = -4 * jnp.sin((k + at_mu) / 2) * jnp.sin((k - at_mu) / 2)
        beyond = jnp.where(jnp.abs(mu) < BAND_EDGE, 0.0, mu - jnp.sign(mu) * BAND_EDGE)
        peak = _fermi_peak((above_mu - beyond[..., None]) / T) / T
        width = (end - start)[..., None] / 2 * w * 2 * jnp.sin(k)
        share = width * peak
        # Nothing is transmitted beyond the window: what lies there sees the integral up to its ends. The
        # rest adds up to what is left of 1, which the widths of a narrow step have only to 1e-16 / T.
        above, below = _fermi((top - mu) / T), _fermi((mu - bottom) / T)
        total = jnp.sum(share, -1)
        some = total > 1e-3  # else mu is far outside, and the ends have it all
        share = share * jnp.where(some, (1 - above - below) / jnp.where(some, total, 1.0), 1.0)[..., None]
        inside = jnp.sum(self.integrals(2 * jnp.cos(k)) * share, -1)
        here = (..., *(None,) * mu.ndim)
        ends = self.integrals(top)[here] * above + self.integrals(bottom)[here] * below
        return jnp.where(warm, inside + ends, self.integrals(mu))

    def tail(self, values: Float[Array, " node *shape"]) -> Array:
        """Largest of the last two Chebyshev coefficients of values at the nodes: the size of the error."""
        last = _coefficients(self.count)[-2:]
        return jnp.max(jnp.abs(jnp.tensordot(last, values, 1)))


def _nodes(count: int) -> np.ndarray:
    """s_j, zeros of T_K."""
    return np.cos(np.pi * (np.arange(count) + 0.5) / count)


def _coefficients(count: int) -> np.ndarray:
    """From values at the nodes to Chebyshev coefficients, shape (n, node)."""
    n = np.arange(count)[:, None]
    out = 2 / count * np.cos(n * np.pi * (np.arange(count) + 0.5) / count)
    out[0] /= 2
    return out


def _integration(count: int) -> np.ndarray:
    """From T_0 ... T_K to the integrals C_j of the cardinal functions, shape (node, K + 1)."""
    integral = np.zeros((count, count + 1))  # of T_n, in T_0 ... T_K; its constant is left out
    for n in range(count):
        if n == 0:
            integral[0, 1] = 1
        elif n == 1:
            integral[1, 2] = 1 / 4
        else:
            integral[n, n + 1] = 1 / (2 * (n + 1))
            integral[n, n - 1] = -1 / (2 * (n - 1))
    return _coefficients(count).T @ integral


def _polynomials(s: Array, count: int) -> Array:
    """T_0 ... T_{count-1} at s, by the recurrence: polynomials, so that nothing breaks outside |s| <= 1."""

    def step(carry, _):
        before, here = carry
        return (here, 2 * s * here - before), before

    return lax.scan(step, (jnp.ones_like(s), s), None, length=count, unroll=min(count, 8))[1]


def _fermi(z: Array) -> Array:
    """1 / (exp(z) + 1) without overflow."""
    return 0.5 * (1 - jnp.tanh(z / 2))


def _fermi_peak(z: Array) -> Array:
    """-d/dz of it, without overflow."""
    decay = jnp.exp(-jnp.abs(z))
    return decay / (1 + decay) ** 2
