r"""Energies at which transmissions are computed: panels of Gauss nodes, as many as the levels need.

    int T dw = sum_panels sum_j w_j T(w_j)            16 Gauss-Legendre nodes a panel

Panels lie in a coordinate in which transmissions are analytic up to the band edges (`reservoirs.energies`),
counted from mu_bar: sigma = 0 ends a panel, so that a bias of 1e-8 keeps all its digits.

No level can hide: a panel is cut in two until the phase of the determinant (`green.phase`) is a polynomial on
it. A polynomial to 1e-11 on 16 nodes implies that all levels are at some distance, on the scale of the panel.
A panel that still hides a level is not cut below a length h = LEAST: it carries (pi / 2) Gamma_n at most,
and at a distance d < h from it the phase falls by Gamma_n / 2 d^2, which bounds this current.

Where the phase turns by more than TURN, what a site exchanges with all sites on one side has to be a
polynomial too: what transmissions over n sites, e^{2 i k n}, leave at an end of the wire cancels in the
determinant.

Above T = 0 a panel is either so short that Gauss nodes carry the Fermi function too (up to SHORT T), or so
long that few of them meet its step (from LONG T on; `probes.occupation`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from jaxtransport.budget import NODES, TAIL
from jaxtransport.compute.double import Double
from jaxtransport.green.fine import Fine
from jaxtransport.green.phase import Sight, sight
from jaxtransport.reservoirs.energies import Energies
from jaxtransport.wire import Wire

AT, WEIGHT = np.polynomial.legendre.leggauss(NODES)  # on [-1, 1]
# From values at the nodes to Legendre coefficients, shape (n, node).
COEFFICIENTS = (np.polynomial.legendre.legvander(AT, NODES - 1) * WEIGHT[:, None]).T * (
    np.arange(NODES)[:, None] + 0.5
)
TAIL_LEFT = 1e-11  # what the last coefficients of the phase may be; sums of nodes err by its square
SHORT, LONG = 1.8 * np.pi, 2 * TAIL  # lengths in units of T: a step meets two long panels at most
TURN = 2.0  # of the phase on a panel: e^{2 i k n} along the whole wire is a polynomial to J_15(2) = 1e-12
SHARE = 0.01  # of what a site exchanges with one side, that a panel has in a current
LEAST = 1e-13  # gamma_o: length of a panel that is not cut any more
AT_ONCE = 8  # panels looked at together
PARTS = 7  # that a window starts with on either side of mu_bar, at most
DEPTH = 64  # of what may wait to be looked at: a level as narrow as doubles tell apart


class Nodes(NamedTuple):
    """The nodes of panels, each array of shape (panel, node)."""

    sigma: Double
    above: Array  # w - mu_bar
    slope: Array  # dw / dsigma
    weight: Array  # w_j of an integral over energies


class Panels(eqx.Module):
    """Panels that cover a window of energies once; those from `count` on are empty."""

    start: Float[Array, " panel"]  # sigma
    end: Float[Array, " panel"]
    length: Float[Array, " panel"]  # in energy
    count: Int[Array, ""]
    energies: Energies
    low: Float[Array, ""]  # w - mu_bar of the window's ends
    high: Float[Array, ""]
    enough: Bool[Array, ""]  # False if there was no room for as many as are needed
    hidden: Float[Array, ""]  # current that levels may carry which are too narrow to be seen
    fine: bool = eqx.field(static=True)  # whether transmissions are to be those of `green.fine`

    @classmethod
    def of(
        cls,
        wire: Wire,
        mu_bar: Any,
        low: Any,
        high: Any,
        temperature: Array | None,
        *,
        most: int,
        tail: float = TAIL_LEFT,
        fine: bool = False,
    ) -> Panels:
        """At most `most` >= 2 panels for energies mu_bar + low ... mu_bar + high in the band, low < 0 < high.

        `tail`: what the last coefficients of the phase may be where transmissions are interpolated.
        """
        energies = wire.reservoir.energies(mu_bar)
        bottom, top = energies.offset(low), energies.offset(high)
        index = np.arange(PARTS + 1)
        on_side: Callable[[Array, Array], Array] = lambda end, length: (
            end * jnp.minimum(index / _parts(length, temperature, most), 1.0)
        )
        edges = jnp.concatenate([on_side(bottom, -low)[::-1], on_side(top, high)[1:]])
        parts, number = _cut_at(energies, edges)
        waiting = jnp.zeros((2, parts.shape[1] + DEPTH + 2 * AT_ONCE - 2 * PARTS))
        waiting = waiting.at[:, : parts.shape[1]].set(parts)
        zero = jnp.zeros_like(mu_bar)
        first = _Cutting(
            waiting,
            number,
            jnp.zeros((3, most)),
            jnp.asarray(0),
            jnp.asarray(True),
            zero,
        )
        s_bar = energies.middle()

        def of_node(sigma: Double, above: Array) -> Sight:
            if fine:
                return Fine.at(wire, energies.finely(s_bar.add(sigma))).sight
            return sight(wire, mu_bar + above)

        summed = tail**0.5 / (100 if fine else 10)  # nodes that are only summed err by its square
        cut = lambda state: _cut(state, of_node, energies, temperature, tail, summed)
        found = lax.while_loop(lambda state: state.left > 0, cut, first)
        start, end, length = found.done
        count = jnp.minimum(found.done_count, most)  # breaks alone may make more
        told = (found.enough & (found.done_count <= most), found.hidden)
        return cls(start, end, length, count, energies, low, high, *told, fine)

    def holds(self, x: Array) -> Array:
        """True if all potentials are in the window, unless that ends with the band."""
        below, above = self.open()
        return ((jnp.min(x) >= self.low) | ~below) & ((jnp.max(x) <= self.high) | ~above)

    def open(self) -> tuple[Array, Array]:
        """Whether there are energies of the band below and above the window."""
        mu_bar, band = self.energies.mu_bar, self.energies.band
        rounding = 1e-12 * (band.half if band.has_edges else 1.0)
        return mu_bar + self.low > band.bottom + rounding, mu_bar + self.high < band.top - rounding

    def some(self, number: Int[Array, " some"]) -> tuple[Array, Array]:
        """Starts and ends of the panels of some numbers; empty ones beyond the last."""
        there = number < self.count
        index = jnp.minimum(number, self.start.shape[0] - 1)
        return jnp.where(there, self.start[index], 0.0), jnp.where(there, self.end[index], 0.0)


def _parts(length: Array, temperature: Array | None, most: int) -> Array:
    """Initial division of one side of mu_bar, into PARTS parts at most.

    Parts that are just long enough for the temperature, or whose halves of halves get just short enough.
    """
    few = min(2, most // 2)
    if temperature is None or most < 2 * PARTS:
        return jnp.asarray(few)
    wanted = length / jnp.maximum(temperature, 1e-30)
    short = wanted / SHORT
    times = jnp.ceil(jnp.log2(jnp.maximum(short, 1.0) / PARTS))
    parts = jnp.where(wanted < few * LONG, jnp.ceil(short * 2.0**-times), jnp.floor(wanted / LONG))
    return jnp.where(wanted < (PARTS + 1) * LONG, jnp.clip(parts, few, PARTS), few)


def _cut_at(energies: Energies, edges: Array) -> tuple[Array, Array]:
    """The parts between `edges`, cut where transmissions may not be analytic; (start and end, part).

    Those without energies come last. Also the number of the others.
    """
    breaks = energies.breaks()
    if breaks is None:
        return jnp.stack([edges[:-1], edges[1:]]), jnp.asarray(len(edges) - 1)
    points = jnp.sort(jnp.concatenate([edges, jnp.clip(breaks, edges[0], edges[-1])]))
    start, end = points[:-1], points[1:]
    there = (start < end) & energies.covers((start + end) / 2)
    order = jnp.argsort(~there, stable=True)
    return jnp.stack([start, end])[:, order], jnp.sum(there)


class _Cutting(NamedTuple):
    waiting: Array  # (start and end, panel): to be looked at, the last ones first
    left: Array
    done: Array  # (start, end and length, panel)
    done_count: Array
    enough: Array
    hidden: Array


def nodes(energies: Energies, start: Array, end: Array) -> Nodes:
    """The nodes of some panels."""
    middle = Double.sum(start / 2, end / 2)
    half = (end - start)[:, None] / 2
    sigma = Double(middle.high[:, None], middle.low[:, None]).plus(half * AT)
    rate = energies.stretch(sigma.high)
    return Nodes(sigma, energies.above(sigma.high), rate, half * rate * WEIGHT)


def _last(values: Array) -> Array:
    """The last four coefficients of values at the nodes of panels, without their signs."""
    # One by one: too small for a product of BLAS.
    return jnp.abs(jnp.stack([jnp.sum(values * row, -1) for row in COEFFICIENTS[-4:]], -1))


def tails(values: Array) -> Array:
    """The largest of the last three coefficients of values at the nodes of panels, (..., node)."""
    return jnp.max(_last(values)[..., 1:], -1)


def left_out(values: Array) -> Array:
    """Error of a polynomial through values at the nodes of panels, (..., node).

    Coefficients go on falling: the last two, times what one of them is of the one before; twice, for those
    beyond.
    """
    pairs = _last(values).reshape(*values.shape[:-1], 2, 2)
    before, last = jnp.max(pairs, -1)[..., 0], jnp.max(pairs, -1)[..., 1]
    return last * jnp.minimum(1.0, 2 * jnp.sqrt(last / jnp.maximum(before, last + jnp.finfo(float).tiny)))


def _cut(
    state: _Cutting,
    of_node: Callable[[Double, Array], Sight],
    energies: Energies,
    temperature: Array | None,
    allowed: float,
    summed: float,
) -> _Cutting:
    """Take the last panels that wait: those that are good are done, of the others both halves wait.

    `allowed` is what may be left of a polynomial where transmissions are interpolated, else it is `summed`.
    """
    waiting, left, done, count, enough, hidden = state
    index = left - 1 - jnp.arange(AT_ONCE)
    start, end = waiting[:, jnp.maximum(index, 0)]
    taken = (index >= 0) & (start < end)
    left = jnp.maximum(left - AT_ONCE, 0)

    at = nodes(energies, start, end)
    flat = jax.tree.map(jnp.ravel, (at.sigma, at.above))
    by_panel = lambda values: values.reshape(*values.shape[:-1], *at.above.shape)
    phases, beyond = map(by_panel, jax.vmap(of_node, out_axes=-1)(*flat))
    turns = jnp.abs(phases[:, 0] - phases[:, -1]) > TURN
    tail = jnp.maximum(tails(phases), jnp.where(turns, SHARE * jnp.max(tails(beyond), 0), 0.0))
    length = jnp.sum(at.weight, 1)
    resolved, fits = tail <= allowed, jnp.asarray(True)
    if temperature is not None:
        short = length <= SHORT * temperature
        resolved = jnp.where(short, tail <= summed, resolved)
        fits = short | (length >= LONG * temperature)
    good = fits & (resolved | (length <= LEAST))
    fall = 2 * jnp.min(jnp.abs(jnp.diff(phases)) / np.diff(AT), 1)  # length |dphi/dw| where it is least
    hidden = hidden + jnp.sum(jnp.where(taken & good & ~resolved, jnp.pi * length * fall, 0.0))

    # Without room for both halves a panel stays as it is: its integral has a value, and no digits.
    cut = taken & ~good
    total = count + left + jnp.sum(taken) + jnp.sum(cut)
    room = (total <= done.shape[1]) & (left + 2 * jnp.sum(cut) <= waiting.shape[1])
    keep, cut = taken & (good | ~room), cut & room
    here = jnp.where(keep, count + jnp.cumsum(keep) - 1, done.shape[1])
    done = done.at[:, here].set(jnp.stack([start, end, length]), mode="drop")
    here = jnp.where(cut, left + 2 * jnp.cumsum(cut) - 2, waiting.shape[1])
    middle = (start + end) / 2
    waiting = waiting.at[:, here].set(jnp.stack([start, middle]), mode="drop")
    waiting = waiting.at[:, here + 1].set(jnp.stack([middle, end]), mode="drop")
    left, count = left + 2 * jnp.sum(cut), count + jnp.sum(keep)
    enough &= room | jnp.all(good | ~taken)
    return _Cutting(waiting, left, done, count, enough, hidden)
