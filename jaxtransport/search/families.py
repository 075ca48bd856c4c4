r"""Closed-form families of zeros of one pair (Sec. III C, Eq. 22).

    first      sin((N - 3) k) = 0                                     for any gamma
    second     gamma^2 sin((N - 3) k) = 2 sin k cos((N - 2) k)         k = arccos(mu_bar / 2)

They hold in linear response for a source at site 2 and a drain at N - 1 (or the reverse) of one coupling
gamma, leads of coupling 1, hopping 1 and no on-site energies.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from jaxtransport.parameters import GAMMA, MU_BAR
from jaxtransport.search.current_difference import Model, WireBatch
from jaxtransport.wire import Wire

NONE, FIRST, SECOND, BOTH = range(4)
MEANINGS = "none first second both"
SAME = 1e-9  # tolerance for a vanishing expression, per site: zeros are accurate to 1e-13


def is_pair(wire: Wire) -> bool:
    """True if the closed form for one pair holds for `wire` (host data)."""
    N = int(wire.length)
    coupling, strength = np.asarray(wire.coupling)[:N], np.asarray(wire.strength)[:N]
    if N < 4:
        return False
    expected = np.zeros(N)
    expected[[0, 1, -2, -1]] = 1.0, coupling[1], coupling[1], 1.0
    driven = np.zeros(N)
    driven[1], driven[-2] = strength[1], -strength[1]
    return bool(
        np.array_equal(coupling, expected)
        and np.array_equal(strength, driven)
        and strength[1] != 0
        and not np.any(np.asarray(wire.onsite)[:N])
        and np.all(np.abs(np.asarray(wire.hopping)[: N - 1]) == 1)
    )


def family(N: Any, mu_bar: Any, gamma: Any) -> NDArray[np.int8]:
    """The family of each zero of one pair: `NONE`, `FIRST`, `SECOND` or `BOTH`."""
    k = np.arccos(np.asarray(mu_bar) / 2)
    wave = np.sin((N - 3) * k)
    other = np.asarray(gamma) ** 2 * wave - 2 * np.sin(k) * np.cos((N - 2) * k)
    first, second = (np.abs(value) < SAME * N for value in (wave, other))
    return (FIRST * first + SECOND * second).astype(np.int8)


def families_of(
    searched: NDArray[np.int64], at: NDArray[np.float64], model: Model, batch: WireBatch
) -> NDArray[np.int8]:
    """Family of every zero: 0 where no closed form applies. `searched` is in order."""
    out = np.zeros(len(at), np.int8)
    if not len(at) or not model.law.is_linear:
        return out
    (parameter,) = model.parameters
    if parameter.site is not None or parameter.quantity not in (MU_BAR, GAMMA):
        return out
    wires = jax.tree.map(np.asarray, batch.wire)
    found, first = np.unique(searched, return_index=True)
    for i, start, stop in zip(found, first, [*first[1:], len(at)], strict=True):
        wire = jax.tree.map(lambda leaf: leaf[..., i], wires)  # noqa: B023
        if not is_pair(wire):
            continue
        rows = slice(start, stop)
        value = at[rows]
        mu_bar = value if parameter.quantity == MU_BAR else float(batch.drive[MU_BAR][i])
        gamma = value if parameter.quantity == GAMMA else wire.coupling[1]
        out[rows] = family(int(wire.length), mu_bar, gamma)
    return out
