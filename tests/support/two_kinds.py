"""Leads of one kind and other reservoirs of another, once more: the exact law by adaptive quadrature.

    2 pi I_l = sum_l' int T_ll'(w) [f_l(w) - f_l'(w)] dw                                   (Eq. B22)

Dense NumPy, one energy at a time, cut at every edge and every potential; on each part w = c - h cos(theta),
which resolves a square root at either end. Nothing is shared with the package.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy.integrate import quad_vec
from scipy.optimize import fsolve

from support import reference
from support.tables import Table

Kind = str | tuple[float, float] | Table  # "wide", hopping and level of a chain, or numbers


def table_of(kind: Kind) -> dict:
    if isinstance(kind, Table):
        return kind.given()
    return {"kind": "wide"} if kind == "wide" else {"kind": "chain", "hopping": kind[0], "onsite": kind[1]}


def edges(kind: Kind) -> tuple[float, ...]:
    """Where Sigma is not analytic."""
    if isinstance(kind, Table):
        return kind.energies
    return () if kind == "wide" else (kind[1] - 2 * kind[0], kind[1] + 2 * kind[0])


def sigma(kind: Kind, w: float) -> complex:
    """Sigma / gamma^2: -i, Eq. B14 with its branch that decays, or that of a table, which couples with 1."""
    if isinstance(kind, Table):
        return kind.sigma(w)
    if kind == "wide":
        return -1j
    t, x = kind[0], w - kind[1]
    if abs(x) < 2 * t:
        return (x - 1j * np.sqrt((2 * t - x) * (2 * t + x))) / (2 * t * t)
    return (x - np.sign(x) * np.sqrt(x * x - 4 * t * t)) / (2 * t * t)


def transmissions(chain: reference.Chain, kinds: tuple[Kind, Kind], w: float) -> np.ndarray:
    """T_ll', the diagonal left out."""
    lead = np.isin(np.arange(chain.N), (0, chain.N - 1))
    S = chain.coupling**2 * np.where(lead, *(sigma(kind, w) for kind in kinds))
    G = np.linalg.inv(w * np.eye(chain.N) - reference.hamiltonian(chain) - np.diag(S))
    return reference.transmissions(G, -2 * S.imag) * (1 - np.eye(chain.N))


def linear(chain, kinds, mu_bar, delta_mu, injection) -> tuple[np.ndarray, np.ndarray]:
    """Potentials and I_l / I_o of linear response, by a dense system."""
    T, N = transmissions(chain, kinds, mu_bar), chain.N
    asked = {
        l: injection * abs(delta_mu) / (2 * np.pi) * chain.strength[l] for l in range(1, N - 1) if T[l].any()
    }
    x = reference.balance(T, {0: delta_mu / 2, N - 1: -delta_mu / 2}, asked)
    return mu_bar + x, reference.currents_into(T, x) * 2 * np.pi / abs(delta_mu)


def currents(chain: reference.Chain, kinds: tuple[Kind, Kind], mu: np.ndarray, T: float) -> np.ndarray:
    """2 pi I_l for given potentials."""
    known = mu[chain.coupling > 0]
    low, high = known.min() - 40 * T, known.max() + 40 * T
    tails = [m + k * T for m in known for k in (-20, -10, -5, 0, 5, 10, 20)]
    cuts = {low, high, *(p for p in (*tails, *edges(kinds[0]), *edges(kinds[1])) if low < p < high)}
    points = sorted(cuts)
    total = np.zeros(chain.N)
    for a, b in itertools.pairwise(points):

        def integrand(theta, a=a, b=b):
            w = (a + b) / 2 - (b - a) / 2 * np.cos(theta)
            f = 0.5 * (1 - np.tanh((w - mu) / (2 * T))) if T else (mu > w).astype(float)
            I = (transmissions(chain, kinds, w) * (f[:, None] - f)).sum(1)
            return (b - a) / 2 * np.sin(theta) * I

        total += quad_vec(integrand, 0, np.pi, epsabs=1e-14, epsrel=1e-13, norm="max")[0]
    return total


def balanced(chain, kinds, mu_bar, delta_mu, injection, T, start) -> tuple[np.ndarray, np.ndarray]:
    """Potentials by SciPy's hybrid method from `start`, NaN for those that are silent; I_l / I_o."""
    free = [l for l in range(1, chain.N - 1) if chain.coupling[l] > 0 and np.isfinite(start[l])]
    asked = injection * abs(delta_mu) * chain.strength

    def full(x):
        mu = np.full(chain.N, mu_bar)
        mu[0], mu[-1] = mu_bar + delta_mu / 2, mu_bar - delta_mu / 2
        mu[free] = x
        return mu

    misfit = lambda x: (currents(chain, kinds, full(x), T) - asked)[free] / abs(delta_mu)
    mu = full(fsolve(misfit, np.asarray(start)[free], xtol=1e-13) if free else [])
    return mu, currents(chain, kinds, mu, T) / abs(delta_mu)
