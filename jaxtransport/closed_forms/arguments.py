"""Arguments of the closed forms: as arrays, and refused by name where no formula has an answer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxtransport.errors import InputError

Array = NDArray[np.float64]


def energy(mu_bar: Any) -> Any:
    """mu_bar, inside the band."""
    m = np.asarray(mu_bar, float)
    if not np.all(np.abs(m) < 2):
        raise InputError(f"mu_bar = {mu_bar}: no state carries a current there; pass |mu_bar| < 2 gamma_o")
    return m


def squared_coupling(gamma: Any) -> Any:
    """gamma^2 of couplings that are not zero: without one a current has no way in."""
    g = np.asarray(gamma, float)
    if not np.all((g > 0) & np.isfinite(g)):
        raise InputError(f"gamma = {gamma}: pass a coupling > 0, in gamma_o")
    return g**2


def length(N: Any) -> Any:
    """N as floats, at least 4. Lengths between integers are let through where a formula has values."""
    n = np.asarray(N, float)
    if not np.all((n >= 4) & np.isfinite(n)):
        raise InputError(f"N = {N}: pass lengths of at least 4 sites")
    return n


def whole_length(N: Any) -> Any:
    """N as floats, whole numbers from 4."""
    n = length(N)
    if not np.all(n == np.round(n)):
        raise InputError(f"N = {N}: pass whole numbers of sites")
    return n


def even_length(N: Any) -> Any:
    """N as floats, even: sources and drains in pairs on all middle sites."""
    n = length(N)
    if not np.all(n % 2 == 0):
        raise InputError(f"N = {N}: pairs of source and drain on all middle sites need an even N")
    return n


def probability(p: Any) -> Any:
    """p of a lattice, 0 < p <= 1."""
    value = np.asarray(p, float)
    if not np.all((value > 0) & (value <= 1)):
        raise InputError(f"p = {p}: pass a probability, 0 < p <= 1")
    return value


def alternating(l: Any) -> Any:
    """(-1)^l: + on sources, - on drains."""
    return np.where(np.asarray(l) % 2 == 0, 1.0, -1.0)
