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

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from jaxtransport.green.along import each
from jaxtransport.green.dephasing import Dephased, along_chain, dephasing_sites
from jaxtransport.green.elimination import (
    Corner,
    Eliminated,
    LeftPart,
    Point,
    RightPart,
    Site,
    corner,
    eliminate,
    from_left,
)
from jaxtransport.green.pairs import Pairs, Sides
from jaxtransport.green.transmission import (
    CURRENT_ROUNDINGS,
    EPS,
    POTENTIAL_ROUNDINGS,
    Drives,
    LeadResponse,
    Potentials,
    Scalar,
    Transmission,
)
from jaxtransport.wire import Leads, Wire

BLUNT = 8  # relative errors of G_ij in roundings over the square root of N, where no line is narrow


class Given(NamedTuple):
    """What the potentials follow from: given currents, and the leads."""

    own: Float[Array, " site"] | None  # as in `Eliminated`; None for 0
    left: Scalar = 0.0
    right: Scalar = 0.0


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
    right_broadening: Float[Array, ""]  # Gamma of the right lead: no need for all of them
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
        last, held = wire.length - 1, wire.leads.hold
        broadening = each(
            lambda l, gamma: point.surface.dress(gamma, held(l))[1], site.position, wire.coupling
        )
        interior = each(lambda l, Gamma: (l <= last) & ~held(l) & (Gamma > 0), site.position, broadening)
        beyond = _right_corners(site, point)
        end, diagonal, eliminated = _eliminate(site, point, beyond, wire.strength)
        return cls(
            broadening=broadening,
            interior=interior,
            strength=each(lambda here, b: jnp.where(here, b, 0.0), interior, wire.strength),
            leads=wire.leads,
            length=wire.length,
            beyond=beyond,
            ratio=each(lambda l, right, part: part.ratio(right, l < last), site.position, site.right, beyond),
            diagonal=diagonal,
            eliminated=eliminated,
            right_broadening=point.surface.dress(jnp.take(wire.coupling, wire.leads.last), True)[1],
            tau=end.tau,
            to_left_lead=end.to_left_lead,
            rho=end.rho,
            sharpness=end.sharpness,
            amplified=end.amplification,
            largest=jnp.max(jnp.abs(wire.strength)),  # not the masked ones: most sweeps share these
        )

    @classmethod
    def pairs_at(cls, wire: Wire, energies: Float[Array, " energy"]) -> tuple[Pairs, Float[Array, " energy"]]:
        """Without the elimination: corners from either side are enough."""
        site = Site.of(wire)

        def one(energy: Array) -> tuple[Array, Array, Array]:
            point = Point.of(wire, energy)
            beyond = _right_corners(site, point)
            step = lambda before, at: from_left(before, at[0], at[1], point)
            (*_, sharpness), diagonal = lax.scan(step, (jnp.zeros_like(energy),) * 5, (site, beyond))
            ratio = beyond.ratio(site.right, site.position < wire.length - 1)
            return ratio, diagonal, sharp_error(sharpness, wire.length)

        ratio, diagonal, sharp = jax.vmap(one, out_axes=-1)(energies)
        lead = wire.leads.hold(site.position)[:, None]
        Gamma = wire.reservoir.broadening(wire.coupling[:, None], energies, lead)
        return along_chain(Gamma, ratio, diagonal, dephasing_sites(wire)), sharp

    @property
    def finite(self) -> Array:
        # Non-finite values propagate left, so the leftmost corner suffices.
        return jnp.isfinite(self.beyond.u[0]) & jnp.isfinite(self.beyond.R[0])

    def lead_response(self) -> LeadResponse:
        return self._lead_response(self.tau, self.to_left_lead, self.sharpness)

    def _lead_response(self, tau: Array, r: Array, sharpness: Array) -> LeadResponse:
        conductance, onward = self.right_broadening * tau, self.right_broadening * self.rho
        sharp = sharp_error(sharpness, self.length)
        network = network_error(self.length) + sharp
        floor = (CURRENT_ROUNDINGS * EPS + sharp) * self.largest
        errors = (
            network * conductance,
            floor + network * jnp.abs(r),
            floor + network * jnp.abs(onward),
        )
        return LeadResponse(conductance, r, onward, *map(lax.stop_gradient, errors))

    def profile(self) -> Potentials:
        x, (_, largest) = self._back(Given(None, 0.5, -0.5), Given(self.eliminated.own))
        relative = POTENTIAL_ROUNDINGS * EPS * self.amplification() + sharp_error(self.sharpness, self.length)
        return Potentials(Drives(*x), largest, lax.stop_gradient(relative * largest))

    def driven_by(self, potential: Drives) -> Drives:
        """By sums over either side: 2 pi I_l = Gamma_l [s_l (R_l x_l - c_l) + W_l x_l - e_l].

        c_l and e_l are sums of Gamma x right and left of l, R_l and W_l those of Gamma. Accurate
        on the scale of the potentials, and without the division that `currents_into` needs.
        """
        zero = jnp.zeros_like(self.tau)
        both: Callable[..., tuple[Array, ...]] = lambda of_one, *pairs: tuple(map(of_one, *pairs))

        def from_right(reach: tuple[Array, ...], at: tuple[Array, ...]) -> tuple[Any, Any]:
            a, Gamma, s, R, *x = at
            c = both(lambda reach: a * reach, reach)
            flow = both(lambda x, c: s * (R * x - c), x, c)
            return both(lambda x, c: Gamma * x + c, x, c), flow

        def from_left(before: tuple[Array, tuple[Array, ...]], at: tuple[Any, ...]) -> tuple[Any, Any]:
            (W, e), (a, Gamma, s, flow, *x) = before, at
            weight = s * Gamma
            current = both(lambda flow, x, e: Gamma * (flow + W * x - e), flow, x, e)
            return (a * (W + weight), both(lambda x, e: a * (e + weight * x), x, e)), current

        along = (self.ratio, self.broadening, self.diagonal)
        _, flow = lax.scan(from_right, (zero, zero), (*along, self.beyond.R, *potential), reverse=True)
        _, current = lax.scan(from_left, (zero, (zero, zero)), (*along, flow, *potential))
        return Drives(*current)

    def amplification(self) -> Float[Array, ""]:
        return jnp.maximum(self.amplified, 1.0)

    def potentials(self, injection: Scalar, left: Scalar, right: Scalar) -> Float[Array, " site"]:
        return self._back(Given(injection * self.eliminated.own, left, right))[0][0]

    def probe_potentials(
        self, currents: Float[Array, " site"], left: Scalar, right: Scalar
    ) -> Float[Array, " site"]:
        return self._back(Given(self._own(currents), left, right))[0][0]

    def _own(self, currents: Float[Array, " site"]) -> Float[Array, " site"]:
        """As in `Eliminated`, of other given `currents`."""
        probe = jnp.where(self.interior, self.broadening, 0.0)
        given = jnp.where(self.interior, currents, 0.0)
        alone = given / jnp.where(self.interior, self.broadening, 1.0)

        def step(rho: Array, at: tuple[Array, Array, Array, Array, Eliminated]) -> tuple[Array, Array]:
            a, probe, given, alone, e = at
            return a * (rho + (given + probe * rho) * e.to_right), (rho + alone) * e.q

        along = (self.ratio, probe, given, alone, self.eliminated)
        return lax.scan(step, jnp.zeros_like(self.tau), along)[1]

    def _back(self, *all_given: Given) -> tuple[tuple[Float[Array, " site"], ...], tuple[Array, ...]]:
        """Potentials from the right end to the left for each `Given`, and the largest of each."""
        zero = jnp.zeros_like(self.tau)

        def step(before: tuple[Any, Any], at: tuple[Any, ...]) -> tuple[Any, Any]:
            (reaches, most), (index, a, Gamma, e, owns) = before, at
            onward, potentials = [], []
            for reach, given, own in zip(reaches, all_given, owns, strict=True):
                c = a * reach  # sum over Gamma x right of here, as this site sees it
                x = e.to_right * c + e.to_left * given.left
                x = self.leads.at(index, given.left, given.right, x if own is None else x + own)
                onward.append(Gamma * x + c)
                potentials.append(x)
            largest = lambda most, x: jnp.maximum(most, lax.stop_gradient(jnp.abs(x)))
            return (tuple(onward), tuple(map(largest, most, potentials))), tuple(potentials)

        index = jnp.arange(self.broadening.shape[0])
        along = (index, self.ratio, self.broadening, self.eliminated)
        start = (zero,) * len(all_given)
        (_, most), x = lax.scan(
            step, (start, start), (*along, tuple(given.own for given in all_given)), reverse=True
        )
        return x, most

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

    def potentials_of(
        self, free: Bool[Array, " site"], given: Float[Array, " site"]
    ) -> Float[Array, " site"]:
        here = free & (self.broadening > 0)
        made = Dephased.of(self.sides(), self.broadening, self.ratio, self.diagonal, here)
        return made.filled(jnp.zeros_like(self.broadening), given=given)

    def links(self) -> Float[Array, "site site"]:
        """Gamma_i s_i a_{i+1} ... a_j Gamma_j for i < j, and the same for j < i."""

        def onward(i: Array) -> Array:
            def step(reach: Array, at: tuple[Array, ...]) -> tuple[Array, Array]:
                j, a, Gamma, s = at
                return a * jnp.where(j == i, Gamma * s, reach), reach * Gamma

            return lax.scan(step, jnp.zeros_like(self.tau), along)[1]

        index = jnp.arange(self.broadening.shape[0])
        along = (index, self.ratio, self.broadening, self.diagonal)
        upper = lax.map(onward, index)
        return upper + upper.T

    def sharp_error(self) -> Float[Array, ""]:
        return sharp_error(self.sharpness, self.length)

    def sides(self) -> Sides:
        """What lies on either side of every reservoir."""
        return Sides.of(self.broadening, self.ratio, self.diagonal)

    def currents_into(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        return self.sides().currents_into(jnp.where(self.broadening > 0, x, 0.0))

    def heat_sums(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        return self.heats(lambda x: (x,), x)[0][0]

    def heats(self, x_of: Callable[..., tuple[Array, ...]], *along: Array) -> tuple[tuple[Array, ...], Array]:
        """From the mean and the variance of the potentials on either side, by the parallel-axis theorem."""
        zero = jnp.zeros_like(self.tau)
        nothing = ((zero, zero),) * len(jax.eval_shape(x_of, *(values[0] for values in along)))

        def pass_by(sides: Any, x: tuple[Array, ...], own: Array, others: Array) -> tuple[Any, list[Array]]:
            """Means and variances with this site; mean squares of the distances to those before it."""
            both = own + others
            unit = 1 / jnp.where(both > 0, both, 1.0)
            share, rest = own * unit, others * unit  # each by itself: 1 - share loses digits
            after, squares = [], []
            for (mean, variance), here in zip(sides, x, strict=True):
                away = here - mean
                square = away * away
                after.append((mean + share * away, rest * (variance + share * square)))
                squares.append(square + variance)
            return tuple(after), squares

        def from_right(sides: Any, at: tuple[Array, ...]) -> tuple[Any, tuple[Array, ...]]:
            Gamma, R, s, *at_site = at
            sides, squares = pass_by(sides, held(Gamma, at_site), Gamma, R)
            return sides, tuple(s * R * square for square in squares)

        def from_left(before: Any, at: tuple[Any, ...]) -> tuple[Any, tuple[Array, ...]]:
            (W, most, sides), (here, a, Gamma, s, R, right, *at_site) = before, at
            own = s * Gamma
            most = jnp.maximum(most, jnp.where(here, Gamma * (s * R + W), 0.0))
            sides, squares = pass_by(sides, held(Gamma, at_site), own, W)
            heat = tuple(Gamma * (r + W * square) for r, square in zip(right, squares, strict=True))
            return (a * (W + own), most, sides), heat

        def held(Gamma: Array, at_site: Any) -> tuple[Array, ...]:
            return tuple(jnp.where(Gamma > 0, x, 0.0) for x in x_of(*at_site))

        Gamma, s, R = self.broadening, self.diagonal, self.beyond.R
        _, right = lax.scan(from_right, nothing, (Gamma, R, s, *along), reverse=True)
        onward = (self.interior, self.ratio, Gamma, s, R, right, *along)
        (_, most, _), heats = lax.scan(from_left, (zero, zero, nothing), onward)
        return heats, most

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
    nothing = Corner(*(jnp.zeros_like(point.energy),) * 5)
    step = lambda beyond, site: (corner(beyond, site, point), beyond.part())
    return lax.scan(step, nothing, site, reverse=True)[1]


def _eliminate(
    site: Site, point: Point, beyond: RightPart, strength: Array
) -> tuple[LeftPart, Array, Eliminated]:
    """Left corners and star-mesh elimination, in one sweep from the left end.

    Returns what arrives at the right lead (`LeftPart`), and per site s_l and `Eliminated`.
    """
    step = lambda before, at: eliminate(before, at[0], at[1], at[2], point)
    nothing = LeftPart(*(jnp.zeros_like(point.energy),) * 11)
    end, (diagonal, eliminated) = lax.scan(step, nothing, (site, beyond, strength))
    return end, diagonal, eliminated
