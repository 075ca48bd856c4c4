r"""Curves of zeros in a plane of two parameters.

    start     zeros along a lattice of lines in both directions (`search.points`), which finds every curve
              that crosses one; and descent on (delta I)^2 from many points, for loops between the lines
    follow    each curve once, through folds, until it closes or leaves the window (`search.follow`)

A start that lies on a curve already followed is skipped: it is projected onto that curve from the
nearest point of it, and is the same if that leads back to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from numpy.typing import NDArray

from jaxtransport.compute.batches import in_batches
from jaxtransport.coordinates import Coordinate
from jaxtransport.search.barriers import careful
from jaxtransport.search.chebyshev_cover import Floats, starting
from jaxtransport.search.current_difference import BATCH_BYTES, CurrentDifference, Model, WireBatch
from jaxtransport.search.follow import CLOSED, LEFT, Frame, correct, follow, height
from jaxtransport.search.points import cells, rounding, zeros_on

LINES = 33  # in each direction
MAP = 161  # points of the map in each direction; half of it beyond linear response
STARTS, DESCENT, RATE = 64, 150, 0.02
SAME = 1e-6  # of the window


@dataclass(frozen=True)
class Curve:
    """One curve of zeros."""

    points: Floats  # (n, 2), the two parameters
    residual: Floats  # (n,), |Delta I| in I_o
    closed: bool
    whole: bool  # closes, or leaves the window at both ends
    multiplicity: int


@dataclass(frozen=True)
class Curves:
    """All curves in a window, and a map of Delta I there."""

    curves: list[Curve] = field(default_factory=list)
    axes: tuple[Floats, Floats] = (np.zeros(0), np.zeros(0))
    nonreciprocity: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # I_o, on the axes
    flat: bool = False


class Plane:
    """The window of two parameters of one wire as a unit square."""

    def __init__(self, model: Model, batch: WireBatch, bounds: list[tuple[float, float]]) -> None:
        model = careful(model, batch, bounds)
        self.model, self.batch, self.bounds = model, batch, bounds
        self.difference = CurrentDifference(model, batch)
        ends = np.array(
            [[p.scan.to(b) for b in pair] for p, pair in zip(model.parameters, bounds, strict=True)]
        )
        self.low, self.width = ends[:, 0], ends[:, 1] - ends[:, 0]
        self.frame = Frame(jnp.asarray(self.low), jnp.asarray(self.width))
        point = model.point_bytes(batch.wire.sites)
        self.batch_size = 8 * max(1, min(8, BATCH_BYTES // point // 8))
        self.floor = float(rounding(model, batch, bounds)[0])

    def coordinates(self, s: Floats) -> Floats:
        """Parameters at points s, both of shape (2, n)."""
        u = self.low[:, None] + self.width[:, None] * s
        return np.stack([p.scan.back(u[i]) for i, p in enumerate(self.model.parameters)])

    def parts(self, s: Floats):
        at = self.coordinates(s)
        return self.difference.values(np.zeros(at.shape[1], int), at)

    def slopes(self, s: Floats) -> tuple[Floats, Floats]:
        """delta I and its gradient in s."""
        at = self.coordinates(s)
        parts, slope = self.difference.slopes(np.zeros(at.shape[1], int), at)
        stretch = np.stack([p.scan.stretch(at[i]) for i, p in enumerate(self.model.parameters)])
        return np.asarray(parts.delta_I), slope * stretch * self.width[:, None]

    def along_lines(self, axis: int) -> tuple[Floats, NDArray[np.bool_]]:
        """Zeros on `LINES` lines along an axis: points (n, 2), and which of them are touches."""
        other = 1 - axis
        at = np.linspace(0, 1, LINES)

        def place(whose, where):
            s = np.empty((2, len(where)))
            s[axis], s[other] = where, at[whose]
            return s

        def slopes(whose, where):
            value, slope = self.slopes(place(whose, where))
            return value, slope[axis]

        low, high, floor = np.zeros(LINES), np.ones(LINES), np.full(LINES, self.floor)
        count = np.repeat(cells(self.model, self.batch, self.bounds, axis), LINES)
        begin = starting(low, high, count)
        values = lambda whose, where: np.asarray(self.parts(place(whose, where)).delta_I)
        _, _, zeros = zeros_on(values, slopes, begin, low, high, floor)
        return place(zeros.whose, zeros.where).T, zeros.multiplicity == 2


def find_curves(model: Model, batch: WireBatch, bounds: list[tuple[float, float]]) -> Curves:
    """Every curve of zeros of Delta I of one wire in a window of two parameters."""
    plane = Plane(model, batch, bounds)
    axes, value = _map(plane)
    if not np.any(np.abs(value[np.isfinite(value)]) > 2 * plane.floor):
        return Curves([], axes, value, flat=True)
    seeds: list[tuple[int | None, Floats]] = []
    for axis in (1, 0):
        points, touches = plane.along_lines(axis)
        seeds += [(None, points[~touches]), (axis, points[touches])]
    seeds.append((None, _descended(plane)))
    curves: list[tuple[Floats, int, int, int | None]] = []
    for along in (None, 1, 0):
        # A touch seen along either axis is the same double line.
        waiting = np.concatenate([points for kind, points in seeds if (kind is None) == (along is None)])
        if along is not None:
            waiting = _apart_from(plane, waiting, curves, along)
            waiting = _touching(plane, waiting, along)
        curves += _followed(plane, waiting, along)
    return Curves([_finished(plane, *curve) for curve in curves], axes, value)


def _followed(plane: Plane, waiting: Floats, along: int | None) -> list[tuple[Floats, int, int, int | None]]:
    """Every curve through the starts, each once."""
    out: list[tuple[Floats, int, int, int | None]] = []
    waiting, directions = _corrected(plane, waiting, along)
    while len(waiting):
        start, direction = waiting[0], directions[0]
        waiting, directions = waiting[1:], directions[1:]
        if not np.isfinite(start).all():
            continue
        points, ahead, behind = follow(plane.model, plane.batch, plane.frame, along, start, direction)
        if len(points) < 2:
            continue
        out.append((points, ahead, behind, along))
        new = ~_on(plane, waiting, points, along)
        waiting, directions = waiting[new], directions[new]
    return out


def _on(plane: Plane, starts: Floats, points: Floats, along: int | None) -> NDArray[np.bool_]:
    """Whether each start lies on the curve given by `points`."""
    if not len(starts):
        return np.zeros(0, bool)
    distance = np.linalg.norm(starts[:, None] - points[None], axis=2)
    nearest = distance.argmin(axis=1)
    out = distance.min(axis=1) <= 0.02
    rows = np.flatnonzero(out)
    if not len(rows):
        return out
    before, after = (
        points[np.maximum(nearest[rows] - 1, 0)],
        points[np.minimum(nearest[rows] + 1, len(points) - 1)],
    )
    tangent = after - before
    tangent /= np.linalg.norm(tangent, axis=1)[:, None]
    here = points[nearest[rows]]
    for _ in range(4):
        ahead = np.sum((starts[rows] - here) * tangent, axis=1)[:, None]
        here, _ = _corrected(plane, here + ahead * tangent, along)
    with np.errstate(invalid="ignore"):
        out[rows] = np.linalg.norm(here - starts[rows], axis=1) <= SAME
    return out


def _corrected(plane: Plane, s: Floats, along: int | None) -> tuple[Floats, Floats]:
    """Points moved onto the nearest curve, and its directions, in batches of one compiled shape."""
    if not len(s):
        return np.zeros((0, 2)), np.zeros((0, 2))
    moved = lambda rows: correct(plane.model, plane.batch, plane.frame, along, jnp.asarray(s[rows]))
    return in_batches(moved, len(s), plane.batch_size)


def _apart_from(plane, waiting, curves, along):
    """Touches that are not on double lines already followed."""
    for points, _, _, kind in curves:
        if kind is not None and len(waiting):
            waiting = waiting[~_on(plane, waiting, points, kind)]
    return waiting


def _touching(plane: Plane, starts: Floats, along: int) -> Floats:
    """Whether delta I has a curvature along the axis at each start: there its derivative is followed."""
    if not len(starts):
        return starts
    moved, _ = _corrected(plane, starts, along)
    with np.errstate(invalid="ignore"):
        return starts[np.linalg.norm(moved - starts, axis=1) <= SAME]


@partial(jax.jit, static_argnums=0)
def _descend(model, batch, frame, starts):
    """Descent on (delta I)^2 from every start, kept in the square."""
    rule = optax.adam(optax.cosine_decay_schedule(RATE, DESCENT))

    def one(s):
        loss = lambda s: height(model, batch, frame, None, s) ** 2

        def step(carry, _):
            s, memory = carry
            change, memory = rule.update(jax.grad(loss)(s), memory)
            return (optax.projections.projection_box(s + change, 0.0, 1.0), memory), None

        (s, _), _ = lax.scan(step, (s, rule.init(s)), None, length=DESCENT)
        return s

    return jax.vmap(one)(starts)


def _descended(plane: Plane) -> Floats:
    """Zeros that descent finds from points spread over the window."""
    number = STARTS if plane.model.law.is_linear else STARTS // 4
    spread = np.random.default_rng(0).random((number, 2))
    found = np.asarray(_descend(plane.model, plane.batch, plane.frame, jnp.asarray(spread)))
    found, _ = _corrected(plane, found[np.isfinite(found).all(axis=1)], None)
    with np.errstate(invalid="ignore"):
        return found[((found >= 0) & (found <= 1)).all(axis=1)]


def _finished(plane: Plane, points: Floats, ahead: int, behind: int, along: int | None) -> Curve:
    """The curve in its parameters, cut at the window, with the residual Delta I on it."""
    s = points.copy()
    if ahead == LEFT:
        s[-1] = _at_edge(plane, s[-2], s[-1], along)
    if behind == LEFT:
        s[0] = _at_edge(plane, s[1], s[0], along)
    at = plane.coordinates(s.T)
    residual = np.abs(plane.parts(s.T).nonreciprocity())
    closed = ahead == CLOSED
    whole = closed or (ahead == LEFT and behind == LEFT)
    return Curve(at.T, residual, closed, whole, 1 if along is None else 2)


def _at_edge(plane: Plane, inside: Floats, outside: Floats, along: int | None) -> Floats:
    """Point where the curve from one point to the next leaves the square."""
    with np.errstate(divide="ignore", invalid="ignore"):
        edge = np.where(outside > 1, 1.0, 0.0)
        share = np.where((outside > 1) | (outside < 0), (edge - inside) / (outside - inside), np.inf)
    for axis in np.argsort(share):  # near a corner the chord may point at the wrong edge
        if not np.isfinite(share[axis]):
            break
        s = inside + share[axis] * (outside - inside)
        s[axis] = edge[axis]
        for _ in range(4 if along is None else 0):
            value, slope = plane.slopes(s[:, None])
            step = -value[0] / slope[1 - axis, 0] if slope[1 - axis, 0] else np.nan
            if not abs(step) <= 0.05:
                break
            s[1 - axis] += step
        if -1e-12 <= s[1 - axis] <= 1 + 1e-12:
            return np.clip(s, 0.0, 1.0)
    return inside


def _map(plane: Plane) -> tuple[tuple[Floats, Floats], Floats]:
    number = MAP if plane.model.law.is_linear else MAP // 2 + 1
    even = [np.linspace(*bounds, number) for bounds in plane.bounds]
    inside = [_open(p, values) for p, values in zip(plane.model.parameters, even, strict=True)]
    first, second = np.meshgrid(*inside, indexing="ij")
    parts = plane.difference.values(np.zeros(first.size, int), np.stack([first.ravel(), second.ravel()]))
    return (even[0], even[1]), np.asarray(parts.nonreciprocity()).reshape(first.shape)


def _open(parameter: Coordinate, values: Floats) -> Floats:
    """Values a little inside the band, whose edges carry no current."""
    band = parameter.band
    within = np.clip(values, band.bottom + 1e-9, band.top - 1e-9)
    return within if parameter.scan is band else values
