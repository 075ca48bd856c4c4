"""Makers of the wires that the suite tries, in plain NumPy: no small compilations, however many lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from hypothesis import settings

import jaxtransport as jt
from jaxtransport import layout as layouts
from jaxtransport.layout import Layout

# Derandomized, so that a run tries the same wires everywhere; no deadline, since the first example compiles.
PROPERTY = settings(max_examples=20, deadline=None, derandomize=True, database=None)


def make(
    layout: Layout,
    *,
    gamma: Any,
    contact: Any = 1.0,
    onsite: Any = 0.0,
    hopping: Any = 1.0,
    strengths: Sequence[float] | None = None,
    sites: int | None = None,
) -> jt.Wire:
    """`Wire.from_layout`, padded to `sites` entries; `test_wire` shows that the two are the same."""
    N, sites = layout.N, sites or layout.N
    coupling = np.where(layout.occupied(), gamma, 0.0)
    coupling[[0, -1]] = contact
    hopping = np.asarray(hopping)
    pad = lambda values, n: np.concatenate([values, np.zeros(n - len(values), values.dtype)])
    return jt.Wire(
        onsite=pad(np.broadcast_to(np.asarray(onsite, float), N), sites),
        hopping=pad(np.broadcast_to(hopping * 1.0, N - 1), sites - 1),
        coupling=pad(coupling, sites),
        strength=pad(layout.strength(strengths), sites),
        length=np.asarray(N),
    )


def disordered(
    seed: int,
    N: int,
    *,
    sites: int | None = None,
    disorder: float = 1.0,
    bare: float = 0.3,
    flux: bool = False,
) -> jt.Wire:
    """Everything at random: onsite energies in +-`disorder`, hopping in .6 ... 1.4, contacts, reservoirs.

    Args:
        bare: share of the middle sites that hold no reservoir; the others are sources, drains and
            probes (I = 0) in equal parts, with couplings in .2 ... 1 and strengths in .3 ... 2.
        flux: hopping with random phases.
    """
    rng = np.random.default_rng(seed)
    role = rng.choice(list("SDP."), size=N, p=[(1 - bare) / 3] * 3 + [bare])
    at = {r: [l for l in range(2, N) if role[l - 1] == r] for r in "SDP"}
    hopping = rng.uniform(0.6, 1.4, N - 1)
    if flux:
        hopping = hopping * np.exp(1j * rng.uniform(-np.pi, np.pi, N - 1))
    return make(
        layouts.custom(N, at["S"], at["D"], at["P"]),
        gamma=rng.uniform(0.2, 1.0, N),
        contact=rng.uniform(0.5, 1.2, 2),
        onsite=rng.uniform(-disorder, disorder, N),
        hopping=hopping,
        strengths=rng.uniform(0.3, 2.0, len(at["S"]) + len(at["D"])),
        sites=sites,
    )


def barred(seed: int, sites: int = 16, *, gamma: float = 0.01) -> jt.Wire:
    """Sources, drains and probes behind barriers: contacts from 1e-9 on, bonds from 1e-5, levels up to 6.

    Every kind of barrier is there or not; couplings are `gamma` ... 1. Every third wire is a standard layout,
    whose sources and drains balance.
    """
    rng = np.random.default_rng(seed)
    N = int(rng.integers(4, sites + 1))
    if seed % 3 == 0:
        N -= N % 2
        layout = (layouts.pair, layouts.dimers)[rng.integers(2)](N)
    else:
        role = rng.choice(list("SDP."), size=N, p=rng.dirichlet(np.ones(4)))
        layout = layouts.custom(N, *([l for l in range(2, N) if role[l - 1] == r] for r in "SDP"))
    decades = lambda low, n: 10.0 ** rng.uniform(low, 0, n)
    weak = rng.random(N - 1) < rng.choice([0.0, 0.3, 1.0])
    strengths = rng.uniform(0.3, 2.0, len(layout.terminals)) if rng.random() < 0.5 else None
    return make(
        layout,
        gamma=decades(np.log10(gamma), N) if rng.random() < 0.7 else 0.5,
        contact=decades(-9, 2) if rng.random() < 0.8 else 1.0,
        onsite=rng.uniform(-2, 2, N) * rng.choice([0.0, 1.0, 3.0]),
        hopping=np.where(weak, decades(-5, N - 1), 1.0),
        strengths=strengths,
        sites=sites,
    )


def localized(seed: int, N: int, spacing: int, disorder: float) -> jt.Wire:
    """Strong disorder, and sources and drains only every `spacing` sites."""
    rng = np.random.default_rng(seed)
    return make(layouts.spaced(N, spacing), gamma=0.5, onsite=rng.uniform(-disorder, disorder, N))


def mirrored(seed: int, half: int, *, sites: int | None = None, excess: float = 0.0) -> jt.Wire:
    """A wire of 2 * half sites that is its own mirror image (half >= 3).

    Sources inject 2 (1 + excess) I_g in all, drains take 2 I_g.
    """
    rng = np.random.default_rng(seed)
    both = lambda v: np.concatenate([v, v[::-1]])
    sides = lambda sites: [*sites, *(2 * half + 1 - l for l in sites)]
    middle = range(2, half + 1)
    strength = np.zeros(half)
    for here, total in ((middle[0::2], 1 + excess), (middle[1::2], 1.0)):
        share = rng.uniform(0.5, 1.5, len(here))
        strength[[l - 1 for l in here]] = total * share / share.sum()
    hopping = rng.uniform(0.6, 1.4, half - 1)
    return make(
        layouts.custom(2 * half, sides(middle[0::2]), sides(middle[1::2])),
        gamma=both(rng.uniform(0.2, 1.0, half)),
        contact=0.8,
        onsite=both(rng.uniform(-1, 1, half)),
        hopping=np.concatenate([hopping, [0.9], hopping[::-1]]),
        strengths=both(strength)[1:-1],
        sites=sites,
    )


def ring(seed: int, flux: float, sites: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """H of a disordered ring threaded by `flux`, couplings and strengths; leads belong on 0 and 2."""
    rng = np.random.default_rng(seed)
    H = np.diag(rng.uniform(-0.5, 0.5, sites)).astype(complex)
    for l, t in enumerate(rng.uniform(0.7, 1.3, sites)):
        m = (l + 1) % sites
        H[l, m] = -t * np.exp(1j * flux / sites)
        H[m, l] = np.conj(H[l, m])
    coupling = rng.uniform(0.4, 1.0, sites)
    coupling[[3, sites - 1]] = 0.0
    strength = np.where(coupling > 0, rng.uniform(-1, 1, sites), 0.0)
    strength[[0, 2]] = 0.0
    return H, coupling, strength


def stack(wires: Sequence[jt.Wire]) -> jt.Wire:
    """Wires of equally many entries, stacked along a leading axis for `jax.vmap`."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *wires)
