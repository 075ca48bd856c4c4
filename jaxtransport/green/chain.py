r"""Probe potentials of a chain in O(N), by elimination without a single subtraction.

A(w) = w - H - Sigma is tridiagonal with z_l = w - eps_l - Sigma_l on the diagonal and +t_l beside
it. Its inverse G (Eq. 15) follows from the corners of the wire cut at each bond,

    g_l = 1 / (z_l - t_l^2 g_{l+1})            everything right of bond l-1     (right corner)
    k_l = 1 / (z_l - t_{l-1}^2 k_{l-1})        everything left of bond l        (left corner)

    s_l = |G_ll|^2 = 1 / |z_l - t_{l-1}^2 k_{l-1} - t_l^2 g_{l+1}|^2
    |G_ij|^2 = s_i a_{i+1} a_{i+2} ... a_j     for i < j,      a_l = |t_{l-1} g_l|^2

so the transmissions T_ij = Gamma_i |G_ij|^2 Gamma_j are products along the wire. The reservoirs
form a network of conductances T_ij. Middle reservoirs are eliminated one by one from the left
(star-mesh); what is left after the last one is one conductance between the leads.

    L --- 2 --- 3 --- 4 ...  R         L ------- 3 --- 4 ...  R         L ------------------  R
     \____|_____/            /    ->    \________|____/       /    ->
      \___|_________________/            \____________________/               g = Gamma_N tau

Every sum is of positive terms: Im z_l = Gamma_l / 2 >= 0 and Im g_l <= 0, hence relative accuracy
at any length, disorder and distance from the band edge. Only given currents have a sign, and the real
parts in z_l - t^2 g: on a narrow line they cancel, and what is left is known to 1e-16 over its width. Such
a line may be that of the wire or of a part of it, cut at a site where the wave has a node:

    d log G_ij / d z_l = -G_ll                                   i <= l <= j
                         -G_jj (d z_j / d z_l) = -G_jj t_j^2 dg_{j+1} / dz_l        l > j, and likewise l < i

so corners carry a bound of their rounding error, and its effect on the G_ll of every reservoir gives the
relative error of the transmissions (`sharp_error`).

Corners are kept as g = u - iv, two real numbers: XLA vectorises real
arithmetic, but not complex. The first site has index 0 here; sites from `length` on are cut off.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from jaxtransport.green.pairs import Sides
from jaxtransport.green.transmission import (
    CURRENT_ROUNDINGS,
    EPS,
    POTENTIAL_ROUNDINGS,
    UNIT_DRIVES,
    LeadResponse,
    Scalar,
    Transmission,
)
from jaxtransport.reservoirs.reservoir import Surface
from jaxtransport.wire import Leads, Wire

BLUNT = 8  # relative errors of G_ij in roundings over the square root of N, where no line is narrow

# Of what lies left of a site: u, v, doubt and sharpness of `LeftPart`.
Upto = tuple[Array, Array, Array, Array]


class Point(NamedTuple):
    """Parameters common to all sites of a wire."""

    energy: Array
    surface: Surface  # of all reservoirs
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

    u: Array  # k_{l-1} = u - iv
    v: Array
    theta: Array  # reach of the site to everything right of it, beyond s_l
    rho: Array  # as in `Eliminated`
    tau: Array
    to_left_lead: Array  # B so far
    doubt: Array  # square of the rounding error of k_{l-1}, in roundings
    sharpness: Array  # largest square so far of what roundings do to a G_ij, over the square root of N
    reach: Array  # a_l sum_{m<l} Gamma_m s_m a_m ...: what it exchanges with all sites before it, / Gamma
    amplification: Array  # largest ratio so far of what a probe exchanges to what it still does here


class Eliminated(NamedTuple):
    """The network when the elimination arrives at a site: all reservoirs before it but the lead gone."""

    q: Array  # 1 / (sigma R + tau), the inverse of the site's total conductance / Gamma
    sigma: Array  # reach of the site to everything right of it
    rho: Array  # current that eliminated reservoirs pass on to the site, / Gamma
    tau: Array  # conductance to the left lead, / Gamma


class Side(NamedTuple):
    """All reservoirs on one side of a site, combined."""

    total: Array  # sum of their weights |G_ll'|^2 Gamma_l', up to a factor of the site
    mean: Array  # weighted mean of their potentials
    variance: Array


class Chain(Transmission):
    """The O(N) kernel: a chain at one energy, its middle reservoirs eliminated. Made by `Chain.at`."""

    broadening: Float[Array, " site"]
    interior: Bool[Array, " site"]
    strength: Float[Array, " site"]
    leads: Leads
    length: Int[Array, ""]
    beyond: RightPart  # per site
    ratio: Float[Array, " site"]  # a_{l+1}
    diagonal: Float[Array, " site"]  # s_l = |G_ll|^2
    eliminated: Eliminated  # per site
    tau: Float[Array, ""]  # as it arrives at the right lead
    to_left_lead: Float[Array, ""]  # B: what the strengths draw from the left lead
    rho: Float[Array, ""]  # as it arrives at the right lead
    sharpness: Float[Array, ""]  # as in `LeftPart`, of the whole wire
    amplified: Float[Array, ""]  # likewise
    largest: Float[Array, ""]  # of the strengths

    tolerated = 1e-12  # beyond: `green.conserving`

    @classmethod
    def at(cls, wire: Wire, energy: Float[Array, ""]) -> Chain:
        """Sweep along `wire` at `energy`, to the left for the corners and back to eliminate."""
        site, point = Site.of(wire), Point.of(wire, energy)
        middle = (site.position < wire.length) & ~wire.leads.hold(site.position)
        interior = middle & (wire.coupling > 0)
        strength = jnp.where(interior, wire.strength, 0.0)
        beyond = _right_corners(site, point)
        end, diagonal, eliminated = _eliminate(site, point, beyond, strength)
        return cls(
            broadening=point.surface.dress(wire.coupling)[1],
            interior=interior,
            strength=strength,
            leads=wire.leads,
            length=wire.length,
            beyond=beyond,
            ratio=beyond.ratio(site.right, site.position < wire.length - 1),
            diagonal=diagonal,
            eliminated=eliminated,
            tau=end.tau,
            to_left_lead=end.to_left_lead,
            rho=end.rho,
            sharpness=end.sharpness,
            amplified=end.amplification,
            largest=jnp.max(jnp.abs(wire.strength)),  # not the masked ones: most sweeps share these
        )

    @classmethod
    def pairs_at(cls, wire: Wire, energies: Float[Array, " energy"]) -> tuple[Sides, Float[Array, " energy"]]:
        """Without the elimination: corners from either side are enough."""
        site = Site.of(wire)

        def one(energy: Array) -> tuple[Array, Array, Array]:
            point = Point.of(wire, energy)
            beyond = _right_corners(site, point)
            step = lambda before, at: _from_left(before, at[0], at[1], point)
            (*_, sharpness), diagonal = lax.scan(step, (jnp.zeros_like(energy),) * 4, (site, beyond))
            ratio = beyond.ratio(site.right, site.position < wire.length - 1)
            return ratio, diagonal, sharp_error(sharpness, wire.length)

        ratio, diagonal, sharp = jax.vmap(one, out_axes=-1)(energies)
        return Sides.of(wire.reservoir.broadening(wire.coupling[:, None], energies), ratio, diagonal), sharp

    @property
    def finite(self) -> Array:
        # Non-finite values propagate left, so the leftmost corner suffices.
        return jnp.isfinite(self.beyond.u[0]) & jnp.isfinite(self.beyond.R[0])

    def lead_response(self) -> LeadResponse:
        return self._lead_response(self.tau, self.to_left_lead, self.sharpness)

    def _lead_response(self, tau: Array, r: Array, sharpness: Array) -> LeadResponse:
        Gamma = jnp.take(self.broadening, self.leads.last)
        conductance, onward = Gamma * tau, Gamma * self.rho
        sharp = sharp_error(sharpness, self.length)
        network = network_error(self.length) + sharp
        floor = (CURRENT_ROUNDINGS * EPS + sharp) * self.largest
        errors = (
            network * conductance,
            floor + network * jnp.abs(r),
            floor + network * jnp.abs(onward),
        )
        return LeadResponse(conductance, r, onward, *map(lax.stop_gradient, errors))

    def profile(self) -> tuple[Float[Array, "2 site"], Float[Array, ""]]:
        potential = jax.vmap(self.potentials)(*UNIT_DRIVES)
        relative = POTENTIAL_ROUNDINGS * EPS * self.amplification() + sharp_error(self.sharpness, self.length)
        return potential, lax.stop_gradient(relative * jnp.max(jnp.abs(potential[1])))

    def amplification(self) -> Float[Array, ""]:
        return jnp.maximum(self.amplified, 1.0)

    def potentials(self, injection: Scalar, left: Scalar, right: Scalar) -> Float[Array, " site"]:
        return self._back(injection * self.strength, injection * self.eliminated.rho, left, right)

    def probe_potentials(
        self, currents: Float[Array, " site"], left: Scalar, right: Scalar
    ) -> Float[Array, " site"]:
        given = jnp.where(self.interior, currents, 0.0)
        probe = jnp.where(self.interior, self.broadening, 0.0)

        def step(rho: Array, at: tuple[Array, Array, Array, Eliminated]) -> tuple[Array, Array]:
            a, probe, given, e = at
            return a * (rho + (given + probe * rho) * e.sigma * e.q), rho

        _, rho = lax.scan(step, jnp.zeros_like(self.tau), (self.ratio, probe, given, self.eliminated))
        return self._back(given, rho, left, right)

    def _back(
        self, currents: Float[Array, " site"], rho: Float[Array, " site"], left: Scalar, right: Scalar
    ) -> Float[Array, " site"]:
        """Potentials from the right end to the left: `currents` are 2 pi I_l, rho what they pass on."""
        index = jnp.arange(self.broadening.shape[0])
        given = currents / jnp.where(self.interior, self.broadening, 1.0)

        def step(
            reach: Array, at: tuple[Array, Array, Array, Array, Array, Array, Eliminated]
        ) -> tuple[Array, Array]:
            index, a, Gamma, given, rho, interior, e = at
            c = a * reach  # sum over Gamma x right of here, as this site sees it
            x = e.q * (given + rho + e.sigma * c + e.tau * left)
            x = jnp.where(interior, x, 0.0)
            x = jnp.where(index == 0, left, jnp.where(index == self.length - 1, right, x))
            return Gamma * x + c, x

        at = (index, self.ratio, self.broadening, given, rho, self.interior, self.eliminated)
        _, x = lax.scan(step, jnp.zeros_like(self.tau), at, reverse=True)
        return x

    def product(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        x = jnp.where(self.broadening > 0, x, 0.0)

        def from_right(c: Array, at: tuple[Array, Array]) -> tuple[Array, Array]:
            a, Gx = at
            return Gx + a * c, a * c

        def from_left(e: Array, at: tuple[Array, Array]) -> tuple[Array, Array]:
            a, source = at
            return a * (e + source), e

        Gx = self.broadening * x
        zero = jnp.zeros_like(self.tau)
        _, c = lax.scan(from_right, zero, (self.ratio, Gx), reverse=True)
        _, e = lax.scan(from_left, zero, (self.ratio, self.diagonal * Gx))
        return self.broadening * (self.diagonal * c + e)

    def sharp_error(self) -> Float[Array, ""]:
        return sharp_error(self.sharpness, self.length)

    def _moments(self, x: Float[Array, " site"]) -> tuple[Float[Array, " site"], Float[Array, " site"]]:
        """sum_l' T_ll' (x_l' - x_l) and sum_l' T_ll' (x_l' - x_l)^2, free of cancellation.

        The reservoirs on either side of a site enter as one: their total weight, mean potential and
        variance, each carried along by convex combinations (parallel-axis theorem).
        """
        x = jnp.where(self.broadening > 0, x, 0.0)

        def step(side: Side, at: tuple[Array, Array, Array]) -> tuple[Side, tuple[Array, Array]]:
            x, a, weight = at  # weight: what this site adds for those after it
            total = a * side.total
            first = total * (side.mean - x)
            second = total * ((side.mean - x) ** 2 + side.variance)
            merged = total + weight
            safe = jnp.where(merged > 0, merged, 1.0)
            old, new = total / safe, weight / safe
            mean = old * side.mean + new * x
            variance = old * side.variance + old * new * (side.mean - x) ** 2
            return Side(merged, mean, variance), (first, second)

        nobody = Side(*(jnp.zeros_like(self.tau),) * 3)
        to_left, weight = jnp.roll(self.ratio, 1), self.diagonal * self.broadening
        _, right = lax.scan(step, nobody, (x, self.ratio, self.broadening), reverse=True)
        _, left = lax.scan(step, nobody, (x, to_left, weight))
        first, second = (self.diagonal * r + l for r, l in zip(right, left, strict=True))
        return self.broadening * first, self.broadening * second

    def currents_into(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        return -self._moments(x)[0]

    def heat_sums(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        return self._moments(x)[1]

    def bonds(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        return jnp.cumsum(self.currents_into(x))


def network_error(length: Array) -> Array:
    """Relative error of the network's own numbers, each a product of many: measured to be below this."""
    return 16 * EPS * jnp.sqrt(length)


def sharp_error(sharpness: Array, length: Array) -> Array:
    """Relative error of transmissions on a narrow line of the wire, or of a part that a node cuts off."""
    return 4 * EPS * jnp.sqrt(length) * jnp.maximum(jnp.sqrt(sharpness) - BLUNT, 0.0)


def _right_corners(site: Site, point: Point) -> RightPart:
    """`RightPart` of every site, in one sweep from the right end."""
    nothing = RightPart(*(jnp.zeros_like(point.energy),) * 4)
    step = lambda beyond, site: (corner(beyond, site, point), beyond)
    return lax.scan(step, nothing, site, reverse=True)[1]


def corner(beyond: RightPart, site: Site, point: Point) -> RightPart:
    """`RightPart` of the site before, from that of this one."""
    x, y, Gamma = denominator(site, point)
    doubt = x * x + site.right * site.right * beyond.doubt
    x, y = x - site.right * beyond.u, y + site.right * beyond.v
    n = _inverse_square(x, y, site.position < point.length)
    return RightPart(x * n, y * n, site.left * n * (Gamma + beyond.R), lax.stop_gradient(n * (n * doubt + 1)))


def _eliminate(
    site: Site, point: Point, beyond: RightPart, strength: Array
) -> tuple[LeftPart, Array, Eliminated]:
    """Left corners and star-mesh elimination, in one sweep from the left end.

    Returns what arrives at the right lead (`LeftPart`), and per site s_l and `Eliminated`.
    """
    step = lambda before, at: eliminate(before, at[0], at[1], at[2], point)
    nothing = LeftPart(*(jnp.zeros_like(point.energy),) * 10)
    end, (diagonal, eliminated) = lax.scan(step, nothing, (site, beyond, strength))
    return end, diagonal, eliminated


def eliminate(
    before: LeftPart, site: Site, beyond: RightPart, b: Array, point: Point
) -> tuple[LeftPart, tuple[Array, Eliminated]]:
    """The next site's `LeftPart`; s_l and `Eliminated` of this one, whose strength is b."""
    u, v, theta, rho, tau, B, doubt, sharpness, reach, amplification = before
    (u, v, doubt, sharpness), s = _from_left((u, v, doubt, sharpness), site, beyond, point)
    Gamma = denominator(site, point)[2]

    first = site.position == 0
    probe = jnp.where((site.position < point.length - 1) & ~first, Gamma, 0.0)  # leads stay
    sigma = s + theta
    q = 1 / jnp.where(probe > 0, sigma * beyond.R + tau, 1.0)
    b_here = b + probe * rho
    a = beyond.ratio(site.right, site.position < point.length - 1)
    passed_on = LeftPart(
        u,
        v,
        a * a * (theta + probe * sigma * sigma * q),
        a * (rho + b_here * sigma * q),
        a * jnp.where(first, Gamma * s, tau * (1 + probe * sigma * q)),
        B + b_here * tau * q,
        doubt,
        sharpness,
        lax.stop_gradient(a * (reach + Gamma * s)),
        jnp.maximum(amplification, lax.stop_gradient(jnp.where(probe > 0, (s * beyond.R + reach) * q, 0.0))),
    )
    return passed_on, (s, Eliminated(q, sigma, rho, tau))


def _from_left(before: Upto, site: Site, beyond: RightPart, point: Point) -> tuple[Upto, Array]:
    """The next site's left corner, its doubt, and the sharpness so far; s_l of this site."""
    u, v, doubt, sharpness = before
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
    return (x * n, y * n, lax.stop_gradient(n * (n * doubt + 1)), sharpness), s


def denominator(site: Site, point: Point) -> tuple[Array, Array, Array]:
    """Re z_l, Im z_l = Gamma_l / 2 and Gamma_l of z_l = w - eps_l - Sigma_l."""
    shift, Gamma = point.surface.dress(site.coupling)
    return point.energy - site.onsite - shift, Gamma / 2, Gamma


def _inverse_square(x: Array, y: Array, inside: Array) -> Array:
    """1 / |x + iy|^2; 0 on the cut-off sites, whose corners so vanish."""
    return 1 / jnp.where(inside, x * x + y * y, jnp.inf)
