"""Makers of the wires that the suite tries."""

from __future__ import annotations

import numpy as np
from hypothesis import settings

import jaxtransport as jt

# Derandomized, so that a run tries the same wires everywhere; no deadline, since the first example compiles.
PROPERTY = settings(max_examples=30, deadline=None, derandomize=True, database=None)


def disordered(
    seed: int,
    N: int,
    *,
    disorder: float = 1.0,
    bare: float = 0.3,
    contact: tuple[float, float] | None = None,
    flux: bool = False,
) -> jt.Wire:
    """Everything at random: onsite energies in +-`disorder`, hopping in .6 ... 1.4, reservoirs.

    Args:
        bare: share of the middle sites that hold no reservoir; the others are sources, drains and
            probes (I = 0) in equal parts, with couplings in .2 ... 1 and strengths in .3 ... 2.
        contact: couplings of the leads; drawn from .5 ... 1.2 if left out.
        flux: hopping with random phases.
    """
    rng = np.random.default_rng(seed)
    role = rng.choice(list("SDP."), size=N, p=[(1 - bare) / 3] * 3 + [bare])
    role[[0, -1]] = "L"
    at = {r: [l + 1 for l in range(N) if role[l] == r] for r in "SDP"}
    hopping = rng.uniform(0.6, 1.4, N - 1)
    if flux:
        hopping = hopping * np.exp(1j * rng.uniform(-np.pi, np.pi, N - 1))
    gamma = np.where(role == ".", 0.0, rng.uniform(0.2, 1.0, N))
    return jt.Wire.custom(
        N,
        sources=at["S"],
        drains=at["D"],
        probes=at["P"],
        gamma=gamma,
        contact=tuple(rng.uniform(0.5, 1.2, 2)) if contact is None else contact,
        onsite=rng.uniform(-disorder, disorder, N),
        hopping=hopping,
        strengths=rng.uniform(0.3, 2.0, len(at["S"]) + len(at["D"])),
    )


def localized(seed: int, N: int, spacing: int, disorder: float, gamma: float = 0.5) -> jt.Wire:
    """Strong disorder, and sources and drains only every `spacing` sites."""
    rng = np.random.default_rng(seed)
    return jt.Wire.spaced(N, spacing, gamma=gamma, onsite=rng.uniform(-disorder, disorder, N))


def mirrored(seed: int, half: int) -> jt.Wire:
    """A wire of 2 * half sites that is its own mirror image, injections included, in balance."""
    rng = np.random.default_rng(seed)
    both = lambda v: np.concatenate([v, v[::-1]])  # noqa: E731
    left = np.arange(2, half + 1)
    sources, drains = left[0::2], left[1::2]
    mirror = lambda sites: [int(l) for l in (*sites, *(2 * half + 1 - sites))]  # noqa: E731
    # Sources inject 2 in all on either side, drains take 2.
    share = np.zeros(2 * half)
    for sites in (sources, drains):
        part = rng.uniform(0.5, 1.5, len(sites))
        share[sites - 1] = 2 * part / part.sum()
    share = share[:half] + share[:half][::-1] * 0
    strengths = both(share)[both(share) > 0]
    return jt.Wire.custom(
        2 * half,
        sources=mirror(sources),
        drains=mirror(drains),
        gamma=both(rng.uniform(0.2, 1.0, half)),
        contact=0.8,
        onsite=both(rng.uniform(-1, 1, half)),
        hopping=np.concatenate([h := rng.uniform(0.6, 1.4, half - 1), [0.9], h[::-1]]),
        strengths=strengths,
    )


def ring(seed: int, sites: int, flux: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """H of a disordered ring threaded by `flux`, couplings and strengths; leads on sites 0 and 2."""
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
