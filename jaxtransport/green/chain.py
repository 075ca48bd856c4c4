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

from jaxtransport.green.elimination import (
    Eliminated,
    LeftPart,
    Point,
    RightPart,
    Site,
    corner,
    eliminate,
    from_left,
)
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
from jaxtransport.wire import Leads, Wire

BLUNT = 8  # relative errors of G_ij in roundings over the square root of N, where no line is narrow


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
            step = lambda before, at: from_left(before, at[0], at[1], point)
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
