r"""Probe potentials of one very long chain, parallel in N: the physics of `green.chain` in averages.

Corners g_l, k_l and s_l = |G_ll|^2 as there. With a_l = |t_{l-1} g_l|^2 the weights of all reservoirs right
and left of a site are

    R_{l-1} = a_l (Gamma_l + R_l)          E_{l+1} = a_{l+1} (E_l + s_l Gamma_l)

and what a site sees of their potentials is two averages, c from the right and e from the left:

    2 pi I_l = Gamma_l [s_l R_l (x_l - c_l) + E_l (x_l - e_l)]                             (Eq. B22)

    c_{l-1} = alpha x_l + (1 - alpha) c_l,         alpha = Gamma_l / (Gamma_l + R_l)
    e_{l+1} = eta x_l + (1 - eta) e_l,             eta = s_l Gamma_l / (s_l Gamma_l + E_l)

A given I_l makes x_l an average of c_l and e_l plus a source: the site scatters two waves,

    c_{l-1} = t c_l + f e_l + b          t + f = 1
    e_{l+1} = T e_l + h c_l + d          T + h = 1

and so does a stretch of sites (Redheffer's star product, here free of subtractions). The wire as a whole
gives c_1 = t x_N + f x_1 + b, thus the current of the left lead, 2 pi I_1 = Gamma_1 s_1 R_1 (x_1 - c_1).

Every recursion goes through the pieces of the wire at the same time (`green.blocked_scan`): sqrt(N) steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from jaxtransport.green import blocked_scan
from jaxtransport.green.blocked_scan import after, before
from jaxtransport.green.chain import network_error, sharp_error
from jaxtransport.green.transmission import (
    BIAS,
    CURRENT_ROUNDINGS,
    EPS,
    INJECTION,
    POTENTIAL_ROUNDINGS,
    Drives,
    LeadResponse,
    Potentials,
    Scalar,
    Transmission,
)
from jaxtransport.wire import Leads, Wire

PerSite = Float[Array, "along piece"]
Number = Array | float


class Corner(NamedTuple):
    """g = u - iv of the wire cut at a bond."""

    u: Array
    v: Array


class Site(NamedTuple):
    """Parameters of g -> 1 / (z - t^2 g)."""

    x: Number  # z = x + iy
    y: Number
    t2: Number


class Mobius(NamedTuple):
    """g -> (a g + b) / (c g + d): what a stretch of sites does to a corner, in pairs of real numbers."""

    a: Number
    a_im: Number
    b: Number
    b_im: Number
    c: Number
    c_im: Number
    d: Number
    d_im: Number


class Scatterer(NamedTuple):
    """Action of a stretch of sites on the averages that reach it."""

    t: Number  # c to c, to the left
    f: Number  # e to c
    T: Number  # e to e, to the right
    h: Number  # c to e
    b: Number  # source of c
    d: Number  # source of e


class ParallelChain(Transmission):
    """A chain at one energy, in pieces; sites as in `green.blocked_scan`. Made by `Long.at`."""

    broadening: Float[Array, " site"]
    interior: Bool[Array, " site"]
    strength: Float[Array, " site"]
    leads: Leads
    length: Int[Array, ""]
    Gamma: PerSite  # `broadening` in pieces, gamma_o
    s: PerSite  # |G_ll|^2, 1/gamma_o^2
    R: PerSite  # weight of all reservoirs right of a site, gamma_o
    E: PerSite  # ... and left of it, 1/gamma_o
    sharpness: Float[Array, ""]  # as in `green.chain`

    @classmethod
    def at(cls, wire: Wire, energy: Float[Array, ""]) -> ParallelChain:
        """Corners and weights of `wire` at `energy`."""
        site = blocked_scan.cut(jnp.arange(wire.sites), wire.sites)
        inside, first, last = site < wire.length, site == 0, site == wire.length - 1
        hopping = jnp.real(wire.hopping * jnp.conj(wire.hopping))
        left = jnp.where(inside & ~first, blocked_scan.cut(jnp.pad(hopping, (1, 0)), 0.0), 0.0)
        right = jnp.where(inside & ~last, blocked_scan.cut(jnp.pad(hopping, (0, 1)), 0.0), 0.0)
        coupling = blocked_scan.cut(wire.coupling, 0.0)
        surface = wire.reservoir.at(energy)
        shift, Gamma = surface.dress(coupling, first | last)
        Gamma = jnp.where(inside, Gamma, 0.0)
        x = energy - blocked_scan.cut(wire.onsite, 0.0) - shift
        x, y = jnp.where(inside, x, 1.0), Gamma / 2  # cut-off sites stand alone, with a corner of 1

        g = _corners(Site(x, y, right), reverse=True)
        k = _corners(Site(x, y, left), reverse=False)
        right_doubt = after(_doubt(x, g, right, reverse=True), 0.0)
        left_doubt = before(_doubt(x, k, left, reverse=False), 0.0)
        x = x - left * before(k.u, 0.0)
        of_parts = left * left * left_doubt + right * right * right_doubt
        cancels = x * x + jnp.where(Gamma > 0, of_parts, 0.0) / wire.length
        x = x - right * after(g.u, 0.0)
        y = y + left * before(k.v, 0.0) + right * after(g.v, 0.0)
        s = 1 / (x * x + y * y)
        sharpness = lax.stop_gradient(jnp.max(jnp.where(inside, s * cancels, 0.0)))
        a = left * (g.u * g.u + g.v * g.v)
        R = after(_affine(a, a * Gamma, reverse=True), 0.0)
        a_next = after(a, 0.0)
        E = before(_affine(a_next, a_next * s * Gamma, reverse=False), 0.0)

        index = jnp.arange(wire.sites)
        broadening = surface.dress(wire.coupling, wire.leads.hold(index))[1]
        interior = (index < wire.length) & ~wire.leads.hold(index) & (broadening > 0)
        return cls(
            broadening=jnp.where(index < wire.length, broadening, 0.0),
            interior=interior,
            strength=jnp.where(interior, wire.strength, 0.0),
            leads=wire.leads,
            length=wire.length,
            Gamma=Gamma,
            s=s,
            R=R,
            E=E,
            sharpness=sharpness,
        )

    @property
    def finite(self) -> Array:
        # Non-finite values propagate, so the leftmost weight suffices.
        return jnp.isfinite(self.R[0, 0]) & jnp.isfinite(self.s[0, 0])

    tolerated = 1e-10  # beyond, the N steps of `green.conserving` are worth their time

    def lead_response(self) -> LeadResponse:
        each = blocked_scan.total(
            _star, _NOTHING, self._scatterers(self._sources(blocked_scan.cut(self.strength, 0.0)))
        )
        wire = blocked_scan.total(_star, _NOTHING, each)
        lead = self.Gamma[0, 0] * self.s[0, 0] * self.R[0, 0]
        Gamma, E = (blocked_scan.joined(part, self.broadening.shape[0]) for part in (self.Gamma, self.E))
        other = jnp.take(Gamma, self.leads.last) * jnp.take(E, self.leads.last)
        g, r, onward = lead * wire.t, lead * wire.b, other * wire.d
        sharp = sharp_error(self.sharpness, self.length)
        network = network_error(self.length) + sharp
        floor = (CURRENT_ROUNDINGS * EPS + sharp) * jnp.max(jnp.abs(self.strength))
        errors = network * g, floor + network * jnp.abs(r), floor + network * jnp.abs(onward)
        return LeadResponse(g, r, onward, *map(lax.stop_gradient, errors))

    def profile(self) -> Potentials:
        """A source is amplified by the reflections between a site and those before it, `weight`."""
        one: Callable[..., tuple[Array, Number]] = lambda injection, *leads: self._settled(
            injection * self.strength, *leads
        )
        (phi, weight), (psi, _) = one(*BIAS), one(*INJECTION)
        relative = POTENTIAL_ROUNDINGS * EPS * jnp.max(weight) + sharp_error(self.sharpness, self.length)
        largest = jnp.max(jnp.abs(psi))
        return Potentials(Drives(phi, psi), largest, lax.stop_gradient(relative * largest))

    def amplification(self) -> Float[Array, ""]:
        zero = jnp.zeros(())
        return jnp.max(self._settled(0 * self.strength, zero, zero)[1])

    def potentials(self, injection: Scalar, left: Scalar, right: Scalar) -> Float[Array, " site"]:
        return self.probe_potentials(injection * self.strength, left, right)

    def probe_potentials(
        self, currents: Float[Array, " site"], left: Scalar, right: Scalar
    ) -> Float[Array, " site"]:
        return self._settled(currents, left, right)[0]

    def _settled(
        self, currents: Float[Array, " site"], left: Scalar, right: Scalar
    ) -> tuple[Float[Array, " site"], Number]:
        """The potentials, and how much reflections amplify a source at each site."""
        probe = blocked_scan.cut(self.interior, False)
        own = self._sources(blocked_scan.cut(currents, 0.0))
        site = self._scatterers(own)
        upto = blocked_scan.sweep(_star, _star, _NOTHING, site, _NOTHING)
        behind = Scatterer(*(before(part, none) for part, none in zip(upto, _NOTHING, strict=True)))
        # What comes from the left lead and from the sources behind a site, and c on either side of the site:
        into = behind.T * left + behind.d
        weight = 1 / (site.t + site.f * behind.T)
        slope, rest = site.t * weight, (site.f * into + site.b) * weight
        passed_on = _affine(slope, rest, start=right, reverse=True)
        c, e = after(passed_on, right), behind.h * passed_on + into
        _, from_right, from_left = self._weights()
        x = jnp.where(probe, from_right * c + from_left * e + own, 0.0)
        x = blocked_scan.joined(x, self.broadening.shape[0])
        return self.leads.put(left, right, x), weight

    def product(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        x = self._held(x)
        c, e = self._averages(x)
        return self._joined(self.Gamma * (self.s * self.R * c + self.E * e))

    def currents_into(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        x = self._held(x)
        c, e = self._averages(x)
        return self._joined(self.Gamma * (self.s * self.R * (x - c) + self.E * (x - e)))

    def heat_sums(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        x = self._held(x)
        c, e = self._averages(x)
        alpha, past_alpha, eta, past_eta = self._shares()
        # Variance of what is on either side, by the parallel-axis theorem.
        right = after(_affine(past_alpha, alpha * past_alpha * (x - c) ** 2, reverse=True), 0.0)
        left = before(_affine(past_eta, eta * past_eta * (x - e) ** 2, reverse=False), 0.0)
        of_right = self.s * self.R * ((x - c) ** 2 + right)
        return self._joined(self.Gamma * (of_right + self.E * ((x - e) ** 2 + left)))

    def bonds(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        return jnp.cumsum(self.currents_into(x))

    def _held(self, x: Float[Array, " site"]) -> PerSite:
        return jnp.where(self.Gamma > 0, blocked_scan.cut(x, 0.0), 0.0)

    def _joined(self, values: PerSite) -> Float[Array, " site"]:
        return blocked_scan.joined(values, self.broadening.shape[0])

    def _shares(self) -> tuple[PerSite, PerSite, PerSite, PerSite]:
        """alpha, 1 - alpha, eta and 1 - eta, each by itself; a site without others in reach lets all pass."""
        out = []
        for own, others in ((self.Gamma, self.R), (self.s * self.Gamma, self.E)):
            some = own > 0
            both = jnp.where(some, own + others, 1.0)
            out += [jnp.where(some, own / both, 0.0), jnp.where(some, others / both, 1.0)]
        return tuple(out)  # type: ignore[return-value]

    def _weights(self) -> tuple[PerSite, PerSite, PerSite]:
        """s R + E of a site, and the shares of either side in it."""
        from_right = self.s * self.R
        total = from_right + self.E
        total = jnp.where(total > 0, total, 1.0)  # a lead may have no others in reach
        return total, from_right / total, self.E / total

    def _sources(self, currents: PerSite) -> PerSite:
        """Shift of the potential of each middle reservoir alone by the given `currents`, 2 pi I_l."""
        probe = blocked_scan.cut(self.interior, False)
        total, _, _ = self._weights()
        return jnp.where(probe, currents, 0.0) / (jnp.where(probe, self.Gamma, 1.0) * total)

    def _scatterers(self, source: PerSite) -> Scatterer:
        """Every site by itself, with its `_sources`; leads and bare sites let all pass."""
        probe = blocked_scan.cut(self.interior, False)
        _, from_right, from_left = self._weights()
        alpha, past_alpha, eta, past_eta = self._shares()
        one = Scatterer(
            t=alpha * from_right + past_alpha,
            f=alpha * from_left,
            T=eta * from_left + past_eta,
            h=eta * from_right,
            b=alpha * source,
            d=eta * source,
        )
        return Scatterer(*(jnp.where(probe, part, none) for part, none in zip(one, _NOTHING, strict=True)))

    def _averages(self, x: PerSite) -> tuple[PerSite, PerSite]:
        """c and e of given potentials."""
        alpha, past_alpha, eta, past_eta = self._shares()
        c = _affine(past_alpha, alpha * x, reverse=True)
        e = _affine(past_eta, eta * x, reverse=False)
        return after(c, 0.0), before(e, 0.0)


_NOTHING = Scatterer(1.0, 0.0, 1.0, 0.0, 0.0, 0.0)
_IDENTITY = Mobius(1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def _star(left: Scatterer, right: Scatterer) -> Scatterer:
    """Two stretches as one. 1 - right.f left.h = right.t + right.f left.T is a sum of positive terms."""
    weight = 1 / (right.t + right.f * left.T)
    # Factors of order 1 before the small ones: a product of two t may be below the smallest double.
    c_between, e_between = right.t * weight, left.T * weight
    source = (right.f * left.d + right.b) * weight  # of c between the two
    return Scatterer(
        t=left.t * c_between,
        f=left.f + left.t * (right.f * e_between),
        T=right.T * e_between,
        h=right.h + right.T * (left.h * c_between),
        b=left.b + left.t * source,
        d=right.d + right.T * (left.h * source + left.d),
    )


def _affine(m: Number, b: Number, *, start: Number = 0.0, reverse: bool) -> PerSite:
    """y at every site, from `start` on: y -> m y + b."""
    step = lambda y, e: e[0] * y + e[1]
    extend = lambda does, e: (e[0] * does[0], e[0] * does[1] + e[1])
    return blocked_scan.sweep(step, extend, (1.0, 0.0), (m, b), start, reverse=reverse)


def _doubt(x: PerSite, corner: Corner, t2: PerSite, *, reverse: bool) -> PerSite:
    """As in `green.chain`: squares of the rounding errors of corners, in roundings."""
    n = corner.u * corner.u + corner.v * corner.v
    return _affine((n * t2) ** 2, n * (n * x * x + 1), reverse=reverse)


def _corners(site: Site, *, reverse: bool) -> Corner:
    """g_l right of every bond if `reverse`, else k_l left of it."""
    alone = Corner(*jnp.zeros(2))
    return blocked_scan.sweep(_corner, _one_more, _IDENTITY, site, alone, apply=_moved, reverse=reverse)


def _corner(g: Corner, site: Site) -> Corner:
    """1 / (z - t^2 g)."""
    x, y = site.x - site.t2 * g.u, site.y + site.t2 * g.v
    n = 1 / (x * x + y * y)
    return Corner(x * n, y * n)


def _one_more(m: Mobius, site: Site) -> Mobius:
    """The product of [[0, 1], [-t^2, z]] and m, made of order 1: only ratios count."""
    c, c_im = (
        site.x * m.c - site.y * m.c_im - site.t2 * m.a,
        site.x * m.c_im + site.y * m.c - site.t2 * m.a_im,
    )
    d, d_im = (
        site.x * m.d - site.y * m.d_im - site.t2 * m.b,
        site.x * m.d_im + site.y * m.d - site.t2 * m.b_im,
    )
    n = 1 / (jnp.abs(c) + jnp.abs(c_im) + jnp.abs(d) + jnp.abs(d_im))
    return Mobius(m.c * n, m.c_im * n, m.d * n, m.d_im * n, c * n, c_im * n, d * n, d_im * n)


def _moved(g: Corner, m: Mobius) -> Corner:
    """(a g + b) / (c g + d) for g = u - iv."""
    p, p_im = m.a * g.u + m.a_im * g.v + m.b, m.a_im * g.u - m.a * g.v + m.b_im
    q, q_im = m.c * g.u + m.c_im * g.v + m.d, m.c_im * g.u - m.c * g.v + m.d_im
    n = 1 / (q * q + q_im * q_im)
    return Corner((p * q + p_im * q_im) * n, (p * q_im - p_im * q) * n)
