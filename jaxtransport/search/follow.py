r"""Following a curve h(s) = 0 in a plane: predictor and corrector.

    predict    s + d t,    t along the curve, at right angles to grad h
    correct    s <- s - h grad h / |grad h|^2           Newton's method, the smallest such change

with h = delta I, or where delta I touches 0 without a change of sign, its derivative along one axis. A
step is taken again at half its length where the corrector strays or the curve turns too much; t keeps
its sense, so folds are passed like any other point. s lies in the unit square.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array

from jaxtransport.coordinates import Coordinate
from jaxtransport.search.current_difference import Model, WireBatch

LONGEST, SHORTEST = 0.01, 1e-7
TURN = 0.15  # radians a step, at most
CORRECTIONS = 8
SETTLED = 1e-9  # of the window: a Newton step below it leaves an error of its square
MOST_POINTS = 4000
ATTEMPTS = 3 * MOST_POINTS

LEFT, CLOSED, LOST, LIMIT = range(4)  # end of a curve: at the window, closed, not corrected, too long


class Frame(NamedTuple):
    """The unit square as a window of the scanned coordinates."""

    low: Array  # (2,)
    width: Array  # (2,)

    def coordinates(self, parameters: tuple[Coordinate, ...], s: Array) -> Array:
        """Parameters at s."""
        u = self.low + self.width * s
        return jnp.stack([p.scan.back(u[i], jnp) for i, p in enumerate(parameters)])


def height(model: Model, batch: WireBatch, frame: Frame, along: int | None, s: Array) -> Array:
    """h at s: delta I of the one problem, or its derivative along axis `along`."""
    problem = jax.tree.map(lambda leaf: leaf[..., 0], batch)
    value = lambda s: model.parts(problem, frame.coordinates(model.parameters, s)).delta_I
    if along is None:
        return value(s)
    return jax.jvp(value, (s,), (jnp.eye(2)[along],))[1]


def _with_slope(model, batch, frame, along, s):
    value = lambda s: height(model, batch, frame, along, s)
    each = jax.vmap(lambda d: jax.jvp(value, (s,), (d,)), out_axes=(None, 0))
    return each(jnp.eye(2))


@partial(jax.jit, static_argnums=(0, 3))
def correct(model: Model, batch: WireBatch, frame: Frame, along: int | None, s: Array) -> tuple[Array, Array]:
    """Points s, shape (n, 2), moved onto the curve (NaN where that fails), and its direction there."""
    return jax.vmap(lambda s: _corrected(model, batch, frame, along, s))(s)


def _corrected(model, batch, frame, along, s):
    """A point on the curve, and the unit tangent there."""

    def step(carry):
        s, _, _, number = carry
        h, slope = _with_slope(model, batch, frame, along, s)
        square = jnp.sum(slope**2)
        safe = jnp.where(square > 0, square, 1.0)
        move = jnp.where(square > 0, -h * slope / safe, jnp.nan)
        tangent = jnp.stack([-slope[1], slope[0]]) / jnp.sqrt(safe)
        return s + move, tangent, jnp.sqrt(jnp.sum(move**2)), number + 1

    def unsettled(carry):
        *_, moved, number = carry  # false for NaN: lost
        return (number == 0) | ((moved > SETTLED) & (moved < 1) & (number < CORRECTIONS))

    start = (s, jnp.zeros(2), jnp.zeros(()), jnp.zeros((), int))
    s, tangent, moved, _ = lax.while_loop(unsettled, step, start)
    return jnp.where(moved <= SETTLED, s, jnp.nan), tangent


class _State(NamedTuple):
    s: Array
    tangent: Array
    step: Array
    number: Array  # of points so far
    attempts: Array
    ended: Array  # -1 while on the way
    points: Array  # (MOST_POINTS, 2)


@partial(jax.jit, static_argnums=(0, 3))
def _follow(model, batch, frame, along, begin, direction):
    """Both ways from `begin`: points, their number and how each way ended."""

    def one(heading):
        first = jnp.zeros((MOST_POINTS, 2)).at[0].set(begin)
        zero = jnp.zeros((), int)
        start = _State(begin, heading, zero + LONGEST / 4, zero + 1, zero, zero - 1, first)

        def advance(state):
            predicted = state.s + state.step * state.tangent
            s, tangent = _corrected(model, batch, frame, along, predicted)
            cosine = jnp.sum(tangent * state.tangent)
            tangent = jnp.where(cosine < 0, -tangent, tangent)
            turn = jnp.arccos(jnp.clip(jnp.abs(cosine), 0.0, 1.0))
            strayed = jnp.sqrt(jnp.sum((s - predicted) ** 2)) > 0.3 * state.step
            fine = jnp.all(jnp.isfinite(s)) & ~strayed & (turn <= TURN)
            outside = jnp.any((s < 0) | (s > 1))
            home = s - begin
            ahead = jnp.sum(home * heading)
            near = jnp.sqrt(jnp.sum(home**2)) < 1.5 * state.step
            closed = near & (state.number > 8) & (jnp.sum(tangent * heading) > 0.5) & (ahead <= 0)
            step = jnp.where(fine, jnp.where(turn < TURN / 3, 1.4, 1.0), 0.5) * state.step
            ended = jnp.where(fine & outside, LEFT, jnp.where(fine & closed, CLOSED, -1))
            ended = jnp.where(~fine & (step < SHORTEST), LOST, ended)
            number = state.number + fine
            attempts = state.attempts + 1
            full = (number >= MOST_POINTS) | (attempts >= ATTEMPTS)
            ended = jnp.where((ended < 0) & full, LIMIT, ended)
            row = jnp.where(fine, state.number, MOST_POINTS)  # a row beyond the end is dropped
            return _State(
                jnp.where(fine, s, state.s),
                jnp.where(fine, tangent, state.tangent),
                jnp.minimum(step, LONGEST),
                number,
                attempts,
                ended,
                state.points.at[row].set(s, mode="drop"),
            )

        return lax.while_loop(lambda state: state.ended < 0, advance, start)

    return jax.vmap(one)(jnp.stack([direction, -direction]))


def follow(
    model: Model,
    batch: WireBatch,
    frame: Frame,
    along: int | None,
    start: np.ndarray,
    direction: np.ndarray,
) -> tuple[np.ndarray, int, int]:
    """The whole curve through `start`, a point on it, where it has this direction.

    Returns:
        Points, shape (n, 2), in order, the last beyond the window where it leaves it (and the first so);
        how the curve ends ahead, and how behind.
    """
    ways = _follow(model, batch, frame, along, jnp.asarray(start), jnp.asarray(direction))
    ahead, behind = (np.asarray(ways.points[i])[: int(ways.number[i])] for i in range(2))
    ended = [int(code) for code in ways.ended]
    if ended[0] == CLOSED:
        return np.concatenate([ahead[:-1], ahead[:1]]), CLOSED, CLOSED
    return np.concatenate([behind[:0:-1], ahead]), ended[0], ended[1]
