"""Potentials of the exact law by a plain monotone solver: slow, and it cannot miss.

    P_lm(mu) = int^mu T_lm dw  or  int T_lm f(w - mu) dw,      2 pi I_l = sum_m P_lm(mu_l) - P_lm(mu_m)

Each middle reservoir in turn is raised to the potential at which it carries what it is asked for, all
others held, from the bottom of the band on: every potential rises to the least solution. A drain that has too
much current at the bottom waits there; if it has it still when all others are done, there is no solution (the
sum of all currents grows with every potential), and likewise if a source lacks current at the top. Dense
NumPy matrices from `reference`; nothing is shared with the package.
"""

from __future__ import annotations

import functools
import itertools

import numpy as np
from scipy.optimize import brentq

from support import reference

AT, WEIGHT = np.polynomial.legendre.leggauss(16)
EDGE = 2.0


def widths_and_levels(chain: reference.Chain) -> list[tuple[float, float]]:
    H = reference.hamiltonian(chain)
    energies, vectors = np.linalg.eigh(H)
    out = []
    for energy, vector in zip(energies, vectors.T, strict=True):
        w = np.clip(energy, -1.99, 1.99)
        effective = H + np.diag(reference.self_energy(chain.coupling, w))
        values = np.linalg.eigvals(effective)
        value = values[np.argmin(np.abs(values - energy))]
        out.append((float(value.real), float(max(-2 * value.imag, 1e-9))))
        assert np.isfinite(vector).all()
    return out


class Plain:
    """P_lm of a chain, on panels that halve towards every level and the edges of the band."""

    def __init__(self, chain: reference.Chain, temperature: float) -> None:
        self.chain, self.T = chain, temperature
        cuts = [-EDGE, EDGE]
        for level, width in widths_and_levels(chain):
            steps = width * 2.0 ** np.arange(-2, 40)
            cuts += [level, *(level + steps), *(level - steps)]
        for k in range(1, 40):
            cuts += [EDGE - 4 * 2.0**-k, -EDGE + 4 * 2.0**-k]
        cuts = np.unique(np.clip(cuts, -EDGE, EDGE))
        if temperature:
            pieces = lambda a, b: np.linspace(a, b, 1 + int(np.ceil((b - a) / (3 * temperature))))[:-1]
            cuts = np.concatenate([*(pieces(a, b) for a, b in itertools.pairwise(cuts)), [EDGE]])
        self.cuts, half = cuts, np.diff(cuts) / 2
        self.w = (cuts[:-1] + half)[:, None] + half[:, None] * AT
        self.weight = half[:, None] * WEIGHT
        N = chain.N
        self.values = reference.transmission_matrices(chain, self.w) * (1 - np.eye(N))
        vander = np.polynomial.legendre.legvander(AT, 15)
        coefficients = (vander * WEIGHT[:, None]).T * (np.arange(16)[:, None] + 0.5)
        self.primitive = np.polynomial.legendre.legint(coefficients, lbnd=-1)  # (17, node)
        whole = np.einsum("pj,pjlm->plm", self.weight, self.values)
        self.before = np.concatenate([np.zeros((1, N, N)), np.cumsum(whole, 0)])

    def P(self, mu: float, row: int | slice = slice(None)) -> np.ndarray:
        """P_lm, or one row of it."""
        if self.T:
            f = 0.5 * (1 - np.tanh((self.w - mu) / (2 * self.T)))
            return np.tensordot(self.weight * f, self.values[:, :, row], 2)
        p = int(np.clip(np.searchsorted(self.cuts, mu) - 1, 0, len(self.cuts) - 2))
        half = (self.cuts[p + 1] - self.cuts[p]) / 2
        u = np.clip((mu - self.cuts[p]) / half - 1, -1, 1)
        share = np.polynomial.legendre.legval(u, self.primitive)
        return self.before[p][row] + half * np.tensordot(share, self.values[p][:, row], 1)

    def currents(self, mu: np.ndarray) -> np.ndarray:
        P = [self.P(m) for m in mu]
        return np.array([sum(P[l][l] - [P[m][l, m] for m in range(len(mu))]) for l in range(len(mu))])


def solve(chain: reference.Chain, mu_bar, delta_mu, asked, temperature, sweeps=20_000) -> np.ndarray | None:
    """mu_l for 2 pi I_l = asked_l, or None where there are none."""
    plain = Plain(chain, temperature)
    held = [l for l in range(chain.N) if chain.coupling[l] > 0]
    middle = held[1:-1]
    mu = dict.fromkeys(held, -EDGE)
    mu[held[0]], mu[held[-1]] = mu_bar + delta_mu / 2, mu_bar - delta_mu / 2
    P = {l: plain.P(mu[l]) for l in held}
    for _ in range(sweeps):
        moved = 0.0
        for l in middle:
            others = [m for m in held if m != l]
            rest = sum(P[m][l, m] for m in others) + asked[l]
            misfit = functools.partial(_misfit, plain, l, others, rest)
            if misfit(EDGE) < -1e-13:
                return None
            if misfit(mu[l]) < 0 < misfit(EDGE):
                new = brentq(misfit, mu[l], EDGE, xtol=1e-15, rtol=1e-15)
                moved = max(moved, new - mu[l])
                mu[l], P[l] = new, plain.P(new)
        into = [sum(P[l][l, m] - P[m][l, m] for m in held if m != l) - asked[l] for l in middle]
        if sum(into) > 1e-11:
            return None
        if moved < 1e-14:
            break
    else:
        raise AssertionError("the plain solver has not ended")
    return np.array([mu.get(l, np.nan) for l in range(chain.N)])


def _misfit(plain: Plain, l: int, others: list[int], rest: float, mu: float) -> float:
    return plain.P(mu, l)[others].sum() - rest
