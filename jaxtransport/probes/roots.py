r"""All real roots of the third order for a wire with two middle reservoirs (Eq. B35, for any such wire).

    p_s(x) - q(y) = xi_s,     p_d(y) - q(x) = xi_d,         x, y = mu - mu_bar of the two

with cubics p_a(x) = sum_m x^m / m! sum_{l' != a} T^(m-1)_al', q(x) = sum_m T^(m-1)_sd x^m / m!, and xi of
Eq. B36. For a given x both are cubics in y; they have a common root where their resultant, a polynomial
of degree 9 in x, vanishes. Its coefficients come from ten values on a circle, its roots from a companion
matrix, and Newton's method polishes the pairs. Of the nine pairs that may be real, the physical one is
connected to linear response; it is the smallest.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from jaxtransport.compute import linalg
from jaxtransport.green.dense import Dense
from jaxtransport.probes.series import SeriesConductor
from jaxtransport.wire import Wire

ORDER, ROOTS = 3, 9
RADIUS = 2.0  # of the circle: about as far from mu_bar as roots that fit the band
REAL = 1e-8  # an imaginary part above this is no rounding
POLISH = 6


def real_roots(
    wire: Wire, mu_bar: Array, delta_mu: Array, injected: Array, terminals: tuple[int, int]
) -> Float[Array, "root terminal"]:
    """All real (mu_s, mu_d) at which the third order balances, by distance from mu_bar; NaN for the rest.

    Args:
        wire: with reservoirs on the leads and on two sites in between.
        mu_bar, delta_mu: as for `solve`; delta_mu < 0 is the reverse bias.
        injected: 2 pi I_g.
        terminals: indices of the two sites, from 0.
    """
    matrices = SeriesConductor(wire, mu_bar, Dense, ORDER).expanded().T
    s, d = terminals
    last = wire.length - 1
    p, xi = [], []
    for a in (s, d):
        rows = [T[a] / m for m, T in enumerate(matrices, 1)]
        leads = sum(
            row[0] * (delta_mu / 2) ** m + jnp.take(row, last) * (-delta_mu / 2) ** m
            for m, row in enumerate(rows, 1)
        )
        p.append(jnp.stack([jnp.sum(row) for row in rows]))
        xi.append(injected * wire.strength[a] + leads)
    q = jnp.stack([T[s, d] / m for m, T in enumerate(matrices, 1)])
    pairs = _pairs(p[0], p[1], q, xi[0], xi[1])
    real = jnp.all(jnp.abs(pairs.imag) < REAL, axis=1)
    x = jnp.where(real[:, None], pairs.real, jnp.nan)
    order = jnp.argsort(jnp.where(real, jnp.max(jnp.abs(pairs), axis=1), jnp.inf))
    return mu_bar + x[order]


def _cubic(c: Array, x: Array) -> Array:
    """c_1 x + c_2 x^2 + c_3 x^3."""
    return x * (c[0] + x * (c[1] + x * c[2]))


def _slope(c: Array, x: Array) -> Array:
    return c[0] + x * (2 * c[1] + x * 3 * c[2])


def _pairs(p_s: Array, p_d: Array, q: Array, xi_s: Array, xi_d: Array) -> Array:
    """Nine complex pairs (x, y). Their derivatives are those of the last polishing step: exact at a root."""
    given = p_s, p_d, q, xi_s, xi_d
    frozen = lax.stop_gradient(given)
    x, y = _guesses(*frozen).T
    polished = lax.fori_loop(0, POLISH - 1, lambda _, pair: _polished(*frozen, *pair), (x, y))
    return jnp.stack(_polished(*given, *polished), axis=1)


def _polished(
    p_s: Array, p_d: Array, q: Array, xi_s: Array, xi_d: Array, x: Array, y: Array
) -> tuple[Array, Array]:
    """A step of Newton's method, by Cramer's rule."""
    F, G = _cubic(p_s, x) - _cubic(q, y) - xi_s, _cubic(p_d, y) - _cubic(q, x) - xi_d
    F_x, F_y, G_x, G_y = _slope(p_s, x), -_slope(q, y), -_slope(q, x), _slope(p_d, y)
    determinant = F_x * G_y - F_y * G_x
    return x - (F * G_y - G * F_y) / determinant, y - (G * F_x - F * G_x) / determinant


def _guesses(p_s: Array, p_d: Array, q: Array, xi_s: Array, xi_d: Array) -> Array:
    """The pairs from the roots of the resultant; without derivatives."""

    def cubics(x: Array) -> tuple[Array, Array]:
        """The two cubics in y that vanish together, highest power first."""
        first = jnp.array([q[2], q[1], q[0], 0]) + 0j
        second = jnp.array([p_d[2], p_d[1], p_d[0], 0]) + 0j
        return first.at[3].set(xi_s - _cubic(p_s, x)), second.at[3].set(-xi_d - _cubic(q, x))

    def resultant(x: Array) -> Array:
        rows = []
        for cubic in cubics(x):
            rows += [jnp.concatenate([jnp.zeros(k), cubic, jnp.zeros(2 - k)]) for k in range(3)]
        return linalg.determinant(jnp.stack(rows))

    circle = RADIUS * np.exp(2j * np.pi * np.arange(ROOTS + 1) / (ROOTS + 1))
    values = jax.vmap(resultant)(jnp.asarray(circle))
    powers = circle[:, None] ** -np.arange(ROOTS + 1)  # the mean of p(z) / z^m over a circle is coefficient m
    xs = linalg.roots((values @ powers / (ROOTS + 1))[::-1])

    def partner(x: Array) -> Array:
        first, second = cubics(x)
        ys = linalg.roots(second)
        return ys[jnp.argmin(jnp.abs(jnp.polyval(first, ys)))]

    return jnp.stack([xs, jax.vmap(partner)(xs)], axis=1)
