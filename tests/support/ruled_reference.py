"""Wires with rules of probes once more: plain NumPy matrices on Gauss panels, roots by SciPy.

    2 pi I_l = int sum_l' T_ll'(w) [f_l(w) - f_l'(w)] dw
    f_l = Fermi function of mu_l | n_l at all w | at dephasing probes what makes I_l(w) vanish

Nothing is shared with the package but the numbers of the wire. Sites count from 0.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from support import reference

POTENTIAL, DEPHASING, WHITE, FIXED = range(4)
AT, WEIGHT = np.polynomial.legendre.leggauss(24)


@dataclass(frozen=True)
class Ruled:
    """A wire, the rule of every site, the occupations that are given, and its reservoirs."""

    chain: reference.Chain
    code: np.ndarray
    occupation: np.ndarray
    wide: bool

    @classmethod
    def of(cls, wire) -> Ruled:
        chain = reference.chain_of(wire)
        N = chain.N
        wide = type(wire.reservoir).__name__ == "WideBand"
        if wire.rules is None:
            return cls(chain, np.zeros(N, int), np.zeros(N), wide)
        return cls(chain, np.asarray(wire.rules.code)[:N], np.asarray(wire.rules.occupation)[:N], wide)

    @property
    def held(self) -> np.ndarray:
        """Sites with a potential."""
        return (self.chain.coupling > 0) & (self.code == POTENTIAL)

    @property
    def free(self) -> np.ndarray:
        """Sites whose potential or occupation is found."""
        inner = np.ones(self.chain.N, bool)
        inner[[0, -1]] = False
        return inner & (self.chain.coupling > 0) & (self.code != FIXED) & (self.code != DEPHASING)


def transmissions(ruled: Ruled, w: np.ndarray) -> np.ndarray:
    """T_ll' at energies w, (energy, site, site)."""
    w = np.asarray(w, float)[:, None]
    gamma2 = ruled.chain.coupling**2
    if ruled.wide:
        sigma = -1j * gamma2 * np.ones_like(w)
    else:
        sigma = gamma2 / 2 * (w - 1j * np.sqrt((2 - w) * (2 + w)))
    A = -reference.hamiltonian(ruled.chain) + np.eye(ruled.chain.N) * (w - sigma)[:, None, :]
    Gamma = -2 * sigma.imag
    T = Gamma[:, :, None] * np.abs(np.linalg.inv(A)) ** 2 * Gamma[:, None, :]
    return T * (1 - np.eye(ruled.chain.N))


def energies(ruled: Ruled, mu: np.ndarray, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights over all energies, in sin or tan, cut at all potentials."""
    to = np.arctan if ruled.wide else (lambda w: np.arcsin(np.clip(w / 2, -1, 1)))
    longest = 0.05 if temperature == 0 else min(0.05, 0.8 * temperature)
    edges = np.unique(np.concatenate([[-np.pi / 2], to(mu), [np.pi / 2]]))
    parts = [np.linspace(a, b, 2 + int((b - a) / longest)) for a, b in itertools.pairwise(edges)]
    ends = np.concatenate([p[:-1] for p in parts] + [edges[-1:]])
    half = np.diff(ends) / 2
    theta = ((ends[1:] + ends[:-1])[:, None] / 2 + half[:, None] * AT).ravel()
    weight = (half[:, None] * WEIGHT).ravel()
    if ruled.wide:
        return np.tan(theta), weight / np.cos(theta) ** 2
    return 2 * np.sin(theta), weight * 2 * np.cos(theta)


def occupied(ruled: Ruled, y: np.ndarray, w: np.ndarray, temperature: float, T: np.ndarray) -> np.ndarray:
    """f_l(w), (energy, site): y holds potentials and occupations."""
    away = w[:, None] - y
    fermi = (
        np.where(away < 0, 1.0, 0.0) if temperature == 0 else 0.5 * (1 - np.tanh(away / (2 * temperature)))
    )
    n = np.where(ruled.code == FIXED, ruled.occupation, y)
    f = np.where(ruled.code == POTENTIAL, fermi, n)
    quiet = np.flatnonzero(ruled.code == DEPHASING)
    if len(quiet):
        others = np.setdiff1d(np.arange(ruled.chain.N), quiet)
        inner = np.eye(len(quiet)) * T.sum(2)[:, quiet, None] - T[:, quiet][:, :, quiet]
        given = np.einsum("kpo,ko->kp", T[:, quiet][:, :, others], f[:, others])
        f[:, quiet] = np.linalg.solve(inner, given[..., None])[..., 0]
    return f


def currents(ruled: Ruled, y: np.ndarray, temperature: float) -> np.ndarray:
    """2 pi I_l."""
    w, weight = energies(ruled, y[ruled.held], temperature)
    T = transmissions(ruled, w)
    f = occupied(ruled, y, w, temperature, T)
    return np.einsum("k,klm,klm->l", weight, T, f[:, :, None] - f[:, None, :])


def balance(
    ruled: Ruled, mu_bar: float, delta_mu: float, injection: float, temperature: float
) -> tuple[np.ndarray, np.ndarray]:
    """Potentials or occupations (NaN where there is none), and I_l / I_o."""
    asked = injection * abs(delta_mu) * ruled.chain.strength
    y = np.full(ruled.chain.N, float(mu_bar))
    y[ruled.code == WHITE] = 0.5
    y[0], y[-1] = mu_bar + delta_mu / 2, mu_bar - delta_mu / 2

    def full(free):
        out = y.copy()
        out[ruled.free] = free
        return out

    misfit = lambda free: (currents(ruled, full(free), temperature) - asked)[ruled.free]
    if ruled.free.any():
        found = optimize.root(misfit, y[ruled.free], options={"xtol": 1e-13})
        assert np.abs(misfit(found.x)).max() < 1e-11, found.message
        y = full(found.x)
    I = currents(ruled, y, temperature) / abs(delta_mu)
    return np.where(ruled.held | (ruled.free & (ruled.code == WHITE)), y, np.nan), I
