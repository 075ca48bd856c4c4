r"""What the wires of a search are like in its windows, where a function or a pattern builds them.

    weakest     of contacts and bonds, and the highest on-site energy: barriers
    strength    sum_l |s_l|: the scale of delta I
    turns       sum_l |d eps_l| / 2 + sum_l |d log t_l| / 2 along one coordinate: how far waves can turn,
                as k moves by half of what an energy does, mid-band

All of them from wires at some points of the windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxtransport.search.chebyshev_cover import Floats
from jaxtransport.search.current_difference import Model, WireBatch, wires_at
from jaxtransport.search.wires import generic
from jaxtransport.wire import Wire

SAMPLES = 17

Bounds = Sequence[tuple[float, float]]


class Survey(NamedTuple):
    """Wires of every problem at some points, along the last axis: problem by problem."""

    wires: Wire
    problems: int

    def strength(self) -> Floats:
        """The largest sum_l |s_l| of every problem."""
        return np.abs(self.wires.strength).sum(axis=0).reshape(self.problems, -1).max(axis=1)

    def turns(self) -> Floats:
        """Phase that waves along the wire gain from the first point to the last, of every problem."""
        N = np.asarray(self.wires.length)
        out = np.zeros(self.problems)
        with np.errstate(divide="ignore", invalid="ignore"):
            levels, bonds = self.wires.onsite, np.log(np.abs(self.wires.hopping))
        for values, last in ((levels, N), (bonds, N - 1)):
            held = np.where(np.arange(len(values))[:, None] < last, values, 0.0)
            steps = np.abs(np.diff(held.reshape(len(values), self.problems, -1))) / 2
            out += np.minimum(np.pi, np.nansum(steps, axis=2)).sum(axis=0)
        return out


def spread(model: Model, batch: WireBatch, bounds: Bounds) -> Survey:
    """Wires all over the windows; each number of half of them is an end of its window."""
    share = np.random.default_rng(0).uniform(-0.5, 1.5, (len(bounds), SAMPLES)).clip(0, 1)
    return _at(model, batch, bounds, share)


def along(model: Model, batch: WireBatch, bounds: Bounds, axis: int) -> Survey:
    """Wires along one coordinate, in order, where the others are somewhere in their windows."""
    share = np.empty((len(bounds), SAMPLES))
    share[:] = [[generic((0.0, 1.0))]] * len(bounds)
    share[axis] = np.linspace(0, 1, SAMPLES)
    return _at(model, batch, bounds, share)


def _at(model: Model, batch: WireBatch, bounds: Bounds, share: Floats) -> Survey:
    low, high = np.array(bounds).T[:, :, None]
    count = len(batch)
    index = np.repeat(np.arange(count), SAMPLES)
    at = np.tile(low + (high - low) * share, count)
    wires = wires_at(model, batch, jnp.asarray(index), jnp.asarray(at))
    return Survey(jax.tree.map(np.asarray, wires), count)
