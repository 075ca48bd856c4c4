r"""One site of the sweeps along a chain: `green.chain` has the equations, and goes along all of them.

corner       g_l = 1 / (z_l - t_l^2 g_{l+1}),   R_{l-1} = a_l (Gamma_l + R_l)     from the right end
from_left    likewise k_l, and s_l                                                from the left end
eliminate    the same, with the site's reservoir eliminated from the network (star-mesh)
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from jaxtransport.reservoirs.apart import Surfaces
from jaxtransport.reservoirs.reservoir import Surface
from jaxtransport.wire import Wire

# Of what lies left of a site: u, v, doubt and sharpness of `LeftPart`.
Upto = tuple[Array, Array, Array, Array, Array]


class Point(NamedTuple):
    """Parameters common to all sites of a wire."""

    energy: Array
    surface: Surface | Surfaces  # of all reservoirs
    length: Array

    @classmethod
    def of(cls, wire: Wire, energy: Array) -> Point:
        """A wire's at one energy."""
        return cls(energy, wire.reservoir.at(energy), wire.length)


class Site(NamedTuple):
    """Inputs of one step of the recursion."""

    position: Array  # from 0
    onsite: Array
    coupling: Array
    left: Array  # |t_{l-1}|^2 to the site before
    right: Array  # |t_l|^2 to the site after

    @classmethod
    def of(cls, wire: Wire) -> Site:
        """All sites of a wire."""
        hopping = jnp.real(wire.hopping * jnp.conj(wire.hopping))
        left, right = jnp.pad(hopping, (1, 0)), jnp.pad(hopping, (0, 1))
        return cls(jnp.arange(wire.sites), wire.onsite, wire.coupling, left, right)


class RightPart(NamedTuple):
    """The part of the wire right of a site."""

    u: Array  # g_{l+1} = u - iv
    v: Array
    R: Array  # R_l = a_{l+1} (Gamma_{l+1} + R_{l+1}) = sum_{j>l} T_lj / (Gamma_l s_l)
    doubt: Array  # square of the rounding error of g_{l+1}, in units of rounding

    def ratio(self, right: Array, inside: Array) -> Array:
        """a_{l+1} = |t_l g_{l+1}|^2; 1 from the last site on, so that sums pass through."""
        return jnp.where(inside, right * (self.u * self.u + self.v * self.v), 1.0)


class LeftPart(NamedTuple):
    """The wire left of a site, all its reservoirs but the lead eliminated."""

    x: Array  # k_{l-1} = (x - iy) n
    y: Array
    n: Array
    theta: Array  # reach of the site to everything right of it, beyond s_l: sigma = s_l + theta
    rho: Array  # current that eliminated reservoirs pass on to the site, / Gamma
    tau: Array  # conductance to the left lead, / Gamma
    to_left_lead: Array  # B so far
    doubt: Array  # square of the rounding error of k_{l-1}, in roundings
    sharpness: Array  # largest square so far of what roundings do to a G_ij, over the square root of N
    reach: Array  # a_l sum_{m<l} Gamma_m s_m a_m ...: what it exchanges with all sites before it, / Gamma
    amplification: Array  # largest ratio so far of what a probe exchanges to what it still does here


class Eliminated(NamedTuple):
    """The network when the elimination arrives at a site: all reservoirs before it but the lead gone."""

    q: Array  # 1 / (sigma R + tau), the inverse of a probe's total conductance / Gamma; 0 of other sites
    to_right: Array  # sigma q: its potential is that share of the sum right of it,
    to_left: Array  # tau q: that of the left lead,
    own: Array  # (rho + b / Gamma) q: and what given currents add to it


def denominator(site: Site, point: Point) -> tuple[Array, Array, Array]:
    """Re z_l, Im z_l = Gamma_l / 2 and Gamma_l of z_l = w - eps_l - Sigma_l."""
    lead = (site.position == 0) | (site.position == point.length - 1)
    shift, Gamma = point.surface.dress(site.coupling, lead)
    return point.energy - site.onsite - shift, Gamma / 2, Gamma


class Corner(NamedTuple):
    """The same as it is carried: g = (x - iy) n. u and v would be two more loops over a batch."""

    x: Array
    y: Array
    n: Array  # 1 / (x^2 + y^2)
    R: Array
    doubt: Array

    def part(self) -> RightPart:
        return RightPart(self.x * self.n, self.y * self.n, self.R, self.doubt)


def corner(beyond: Corner, site: Site, point: Point) -> Corner:
    """`RightPart` of the site before, from that of this one."""
    x, y, Gamma = denominator(site, point)
    doubt = x * x + site.right * site.right * beyond.doubt
    x, y = x - site.right * (beyond.x * beyond.n), y + site.right * (beyond.y * beyond.n)
    n = _inverse_square(x, y, site.position < point.length)
    return Corner(x, y, n, site.left * n * (Gamma + beyond.R), lax.stop_gradient(n * (n * doubt + 1)))


def eliminate(
    before: LeftPart, site: Site, beyond: RightPart, b: Array, point: Point
) -> tuple[LeftPart, tuple[Array, Eliminated]]:
    """The next site's `LeftPart`; s_l and `Eliminated` of this one. b: its strength, if it is a probe."""
    x, y, n, theta, rho, tau, B, doubt, sharpness, reach, amplification = before
    (x, y, n, doubt, sharpness), s = from_left((x, y, n, doubt, sharpness), site, beyond, point)
    Gamma = denominator(site, point)[2]

    first = site.position == 0
    probe = jnp.where((site.position < point.length - 1) & ~first, Gamma, 0.0)  # leads stay
    sigma = s + theta
    q = jnp.where(probe > 0, 1 / jnp.where(probe > 0, sigma * beyond.R + tau, 1.0), 0.0)
    b = jnp.where(probe > 0, b, 0.0)
    b_here = b + probe * rho
    to_right, to_left = sigma * q, tau * q
    a = beyond.ratio(site.right, site.position < point.length - 1)
    passed_on = LeftPart(
        x,
        y,
        n,
        a * a * (theta + probe * sigma * to_right),
        a * (rho + b_here * to_right),
        a * jnp.where(first, Gamma * s, tau * (1 + probe * to_right)),
        B + b_here * to_left,
        doubt,
        sharpness,
        lax.stop_gradient(a * (reach + Gamma * s)),
        jnp.maximum(amplification, lax.stop_gradient(jnp.where(probe > 0, (s * beyond.R + reach) * q, 0.0))),
    )
    own = (rho + b / jnp.where(probe > 0, Gamma, 1.0)) * q
    return passed_on, (s, Eliminated(q, to_right, to_left, own))


def from_left(before: Upto, site: Site, beyond: RightPart, point: Point) -> tuple[Upto, Array]:
    """The next site's left corner, its doubt, and the sharpness so far; s_l of this site."""
    before_x, before_y, before_n, doubt, sharpness = before
    u, v = before_x * before_n, before_y * before_n
    inside = site.position < point.length
    x, y, Gamma = denominator(site, point)
    of_left = site.left * site.left * doubt
    of_parts = of_left + site.right * site.right * beyond.doubt
    in_doubt = jnp.where(Gamma > 0, of_parts, 0.0) / point.length  # only reservoirs have transmissions
    doubt = x * x + of_left
    x, y = x - site.left * u, y + site.left * v
    n = _inverse_square(x, y, inside)
    s = _inverse_square(x - site.right * beyond.u, y + site.right * beyond.v, inside)
    sharpness = jnp.maximum(sharpness, lax.stop_gradient(s * (x * x + in_doubt)))
    return (x, y, n, lax.stop_gradient(n * (n * doubt + 1)), sharpness), s


def _inverse_square(x: Array, y: Array, inside: Array) -> Array:
    """1 / |x + iy|^2; 0 on the cut-off sites, whose corners so vanish."""
    return 1 / jnp.where(inside, x * x + y * y, jnp.inf)
