r"""Energies of several bands: pieces between neighbouring edges, each with a coordinate of its own.

At an edge the self-energy of one kind has a square root, and transmissions are analytic between edges. On a
piece with centre c and unit u

    w = c + 4 u s / (1 - 2 e s + s^2),      -1 <= s <= 1

    e = 0     between two edges a < b: c = (a + b) / 2, u = (b - a) / 4
    e = 1     above an edge b, without end: c = b + 1, u = 1, so that w - b = ((1 + s) / (1 - s))^2
    e = -1    below an edge b, likewise: c = b - 1, b - w = ((1 - s) / (1 + s))^2

in which sqrt(w - a) and sqrt(b - w) are analytic at their edges. With d(s) = 1 - 2 e s + s^2,
y = (w - c) / u and R = sqrt((2 + e y)^2 - y^2) = 2 (1 - s^2) / d(s), which vanishes at the edges,

    s = y / (2 + e y + R)
    w - mu_bar = 4 u sigma (1 - s s_bar) / d(s) d(s_bar)                        sigma = s - s_bar
    sigma = tau d(s_bar) / (1 + tau (e - s_bar)),      tau = (w - mu_bar) / (u (R(w) + R(mu_bar)))

on the piece of mu_bar: a bias of 1e-8 keeps all its digits. On other pieces sigma goes on from edge to edge,
two units a piece. Where no band is open nothing flows, and two units of sigma hold no energy.

The energy of a sigma does not move with mu_bar, as an edge does not. In derivatives mu_bar moves the
potentials instead: by an offset whose value is 0.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float

from jaxtransport.band import Band
from jaxtransport.compute.double import Double
from jaxtransport.reservoirs.energies import FAR, Energies, Everywhere
from jaxtransport.reservoirs.reservoir import Reservoir

End = Fraction | float  # a float where it is infinite
Ends = tuple[End, End]


class _Pieces(NamedTuple):
    """Numbers of all pieces, or with traced entries of some."""

    bottom: Array
    bottom_low: Array  # what rounding leaves out
    top: Array
    top_low: Array
    centre: Array
    centre_low: Array
    unit: Array
    unit_low: Array
    bend: Array  # e
    gap: Array  # between its top and the bottom of the next
    at: Array  # where s = 0 lies in the coordinate of all pieces: whole numbers

    def some(self, index: Array) -> _Pieces:
        return _Pieces(*(jnp.asarray(numbers)[index] for numbers in self))

    def d(self, s: Array) -> Array:
        return jnp.maximum(1 - 2 * self.bend * s + s * s, jnp.where(self.bend == 0, 1.0, 1 / FAR))

    def ends(self, mu: Array) -> tuple[Array, Array]:
        """Bottom and top from an energy, 0 where there is none."""
        bottom, top = (self.bottom - mu) + self.bottom_low, (self.top - mu) + self.top_low
        return jnp.where(self.bend < 0, 0.0, bottom), jnp.where(self.bend > 0, 0.0, top)

    def root(self, ends: tuple[Array, Array], x: Array) -> Array:
        """R of an energy; 0 beyond the edges, with a finite gradient everywhere."""
        above = jnp.where(self.bend < 0, 4.0, (x - ends[0]) / self.unit)
        below = jnp.where(self.bend > 0, 4.0, (ends[1] - x) / self.unit)
        square = above * below
        inside = (above > 0) & (below > 0)
        return jnp.where(inside, jnp.sqrt(jnp.where(inside, square, 1.0)), 0.0)

    def finely(self, y: Double) -> Double:
        """w of y, to 32 digits."""
        centre, unit = self._fine(y)
        return y.times(unit).add(centre)

    def y(self, w: Double) -> Double:
        """y, to 32 digits."""
        centre, unit = self._fine(w)
        return w.less(centre).times(unit.inverse())

    def _fine(self, like: Double) -> tuple[Double, Double]:
        constant: Callable[..., Double] = partial(Double.constant, like.high)
        return constant(self.centre, self.centre_low), constant(self.unit, self.unit_low)

    def s(self, w: Array) -> Array:
        y = (w - self.centre) / self.unit
        root = self.root(self.ends(w), jnp.zeros_like(w))
        return jnp.clip(y / (2 + self.bend * y + root), -1.0, 1.0)

    def shares(self, ends: tuple[Array, Array], x: Array) -> tuple[Array, Array]:
        """1 + s and 1 - s, each with all its digits near its edge."""
        R = self.root(ends, x)
        half_infinite = 2 * R / (2 + R)
        from_edge: Callable[[Array], Array] = lambda distance: jnp.where(
            self.bend == 0, (distance / self.unit + R) / (2 + R), half_infinite
        )
        return from_edge(x - ends[0]), from_edge(ends[1] - x)


@functools.lru_cache(maxsize=64)
def _numbers(ends: tuple[Ends, ...]) -> tuple[_Pieces, np.ndarray]:
    """Numbers of all pieces; the piece of every unit of the coordinate, the nearest one in a gap."""
    rows, units = [], []
    for number, (a, b) in enumerate(ends):
        if number and a > ends[number - 1][1]:
            units += [number - 1, number]
        at = len(units) + 1
        units += [number, number]
        centre, unit, bend = (a + b) / 2, (b - a) / 4, 0
        if math.isinf(b):
            centre, unit, bend = a + 1, 1, 1
        elif math.isinf(a):
            centre, unit, bend = b - 1, 1, -1
        centre_low, unit_low = (exact - Fraction(float(exact)) for exact in (centre, unit))
        gap = ends[number + 1][0] - b if number + 1 < len(ends) else 0
        ends_low = (0 if math.isinf(end) else end - Fraction(float(end)) for end in (a, b))
        low, high = zip((a, b), ends_low, strict=True)
        rows.append([float(x) for x in (*low, *high, centre, centre_low, unit, unit_low, bend, gap, at)])
    return _Pieces(*np.array(rows).T), np.array(units)


class Pieces(Energies):
    """Energies of bands with edges, in pieces."""

    mu_bar: Float[Array, ""]
    band: Band = eqx.field(static=True)
    ends: tuple[Ends, ...] = eqx.field(static=True)  # bottom and top of each piece, rising
    knots: tuple[float, ...] = eqx.field(static=True, default=())  # where panels have to end, too

    @property
    def _all(self) -> _Pieces:
        return _numbers(self.ends)[0]

    @property
    def _mu(self) -> Array:
        return lax.stop_gradient(jnp.asarray(self.mu_bar, float))

    @property
    def _moved(self) -> Array:
        """0, with the derivative of mu_bar."""
        return self.mu_bar - self._mu

    @property
    def _own(self) -> _Pieces:
        """The piece of mu_bar."""
        return self._all.some(self._number(self._mu))

    def _number(self, w: Array) -> Array:
        """Of the piece that an energy lies in, or else the one before."""
        return jnp.searchsorted(jnp.asarray(self._all.bottom[1:]), w, side="right")

    def _of(self, sigma: Array) -> tuple[_Pieces, Array, Array]:
        """The piece that a coordinate lies in, s there, and whether there is such a piece."""
        own = self._own
        s = own.s(self._mu) + sigma
        here = jnp.abs(s) <= 1  # whatever rounding makes of s + at
        piece = self._at(jnp.where(here, own.at, s + own.at))
        s = s - (piece.at - own.at)
        return piece, jnp.clip(s, -1.0, 1.0), jnp.abs(s) < 1.5

    def _at(self, s: Array) -> _Pieces:
        """The piece of the coordinate of all, or the nearest one."""
        units = _numbers(self.ends)[1]
        unit = jnp.clip(jnp.floor(s), 0, len(units) - 1).astype(int)
        return self._all.some(jnp.asarray(units)[unit])

    def breaks(self) -> Float[Array, " break"]:
        own, mu = self._own, self._mu
        at = jnp.asarray(self._all.at) - own.at
        edges = jnp.concatenate([at - 1, at + 1]) - own.s(mu)
        return jnp.concatenate([edges, self.offset(jnp.asarray(self.knots) - mu)]) if self.knots else edges

    def covers(self, sigma: Float[Array, ...]) -> Bool[Array, ...]:
        return self._of(sigma)[2]

    def middle(self) -> Double:
        own, mu = self._own, self._mu
        first = own.s(mu)
        y = own.y(Double.exactly(mu))
        s = Double.exactly(first)
        d = s.times(s).less(s.scaled(2.0).times(Double.exactly(own.bend))).plus(1.0)
        rest = s.scaled(4.0).less(y.times(d))
        slope = 4 + 2 * own.bend * y.high - 2 * y.high * first
        return Double.sum(first, -(rest.high + rest.low) / jnp.maximum(slope, 1e-8)).plus(own.at)

    def offset(self, x: Float[Array, ...]) -> Float[Array, ...]:
        own, all_pieces, mu = self._own, self._all, self._mu
        s_bar = own.s(mu)
        x = x + self._moved
        w = mu + x
        number = self._number(w)
        before = all_pieces.some(number)
        beyond = w - before.top
        nearer = (beyond > 0) & (beyond > before.gap / 2) & (number < len(self.ends) - 1)
        piece = all_pieces.some(number + nearer)
        under, over = w <= piece.bottom, w >= piece.top
        inside = ~(under | over) & (jnp.abs(x) < FAR)
        downwards = under | (w <= -FAR)

        here = inside & (piece.at == own.at)
        near_x, zero = jnp.where(here, x, 0.0), jnp.zeros_like(mu)
        both = own.unit * (own.root(own.ends(mu), zero) + own.root(own.ends(mu), near_x))
        tau = near_x / jnp.where(both > 0, both, 1.0)
        near = tau * own.d(s_bar) / (1 + tau * (own.bend - s_bar))

        x = jnp.where(inside, x, piece.centre - mu)
        above, below = (jnp.where(inside, share, 0.0) for share in piece.shares(piece.ends(mu), x))
        from_bottom = jnp.where(inside, (piece.bend > 0) | ((piece.bend == 0) & (above < below)), downwards)
        at = piece.at - own.at
        other = jnp.where(from_bottom, (at - 1 - s_bar) + above, (at + 1 - s_bar) - below)
        return jnp.where(here, near, other)

    def above(self, sigma: Float[Array, ...]) -> Float[Array, ...]:
        own, mu = self._own, self._mu
        piece, s, _ = self._of(sigma)
        s_bar = own.s(mu)
        near = 4 * own.unit * sigma * (1 - s * s_bar) / (piece.d(s) * own.d(s_bar))
        (bottom, top), (up, down) = piece.ends(mu), self._shares(sigma, piece)
        rate = jnp.where(piece.bend == 0, 2.0, 1.0) * piece.unit / piece.d(s)
        from_bottom = (piece.bend > 0) | ((piece.bend == 0) & (s < 0))
        other = jnp.where(from_bottom, bottom + rate * up * up, top - rate * down * down)
        return jnp.where(piece.at == own.at, near, other) - self._moved

    def stretch(self, sigma: Float[Array, ...]) -> Float[Array, ...]:
        piece, s, _ = self._of(sigma)
        up, down = self._shares(sigma, piece)
        return 4 * piece.unit * jnp.maximum(up * down, 0.0) / piece.d(s) ** 2

    def _shares(self, sigma: Float[Array, ...], piece: _Pieces) -> tuple[Array, Array]:
        """1 + s and 1 - s on a piece."""
        own = self._own
        at, s_bar = piece.at - own.at, own.s(self._mu)
        up, down = sigma - (at - 1 - s_bar), (at + 1 - s_bar) - sigma
        return jnp.clip(up, 0.0, 2.0), jnp.clip(down, 0.0, 2.0)

    def finely(self, s: Double) -> Double:
        piece = self._at(s.high)
        s = s.plus(-piece.at)
        d = s.times(s).less(s.scaled(2.0).times(Double.exactly(piece.bend))).plus(1.0)
        d = Double(jnp.maximum(d.high, 1 / FAR), d.low)
        return piece.finely(s.scaled(4.0).times(d.inverse()))


def energies_of(mu_bar: Float[Array, ""], reservoir: Reservoir) -> Energies:
    """Energies at which one of the reservoirs carries current, in pieces between the edges of all."""
    edges = [part.edges for part in (reservoir.leads, reservoir.middle)]
    bands: list[Ends] = [(known[0], known[-1]) if known else (-math.inf, math.inf) for known in edges]
    if bands == [(-math.inf, math.inf)] * 2:
        return Everywhere(mu_bar)
    points: list[End] = sorted({*itertools.chain(*edges, *bands)})
    pieces = itertools.pairwise(points)
    open_to = tuple((a, b) for a, b in pieces if any(bottom <= a and b <= top for bottom, top in bands))
    return Pieces(mu_bar, reservoir.span, open_to, tuple(map(float, reservoir.knots)))
