"""The exact law once more: currents by adaptive quadrature of the defining integral, potentials by SciPy.

    2 pi I_l = sum_l' int T_ll'(w) [f_l(w) - f_l'(w)] dw                                   (Eq. B22)

Dense NumPy matrices from `reference`, one energy at a time; nothing is shared with the package.
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import quad_vec
from scipy.optimize import fsolve

from support import reference


def transmission_matrix(chain: reference.Chain, w: float) -> np.ndarray:
    """T_ll' at one energy; 0 outside the band."""
    return reference.transmission_matrices(chain, w) if abs(w) < 2 else np.zeros((chain.N, chain.N))


def fermi(w: float, mu: np.ndarray, temperature: float) -> np.ndarray:
    if temperature == 0:
        return np.where(w < mu, 1.0, 0.0)
    return 0.5 * (1 - np.tanh((w - mu) / (2 * temperature)))


def flows(chain: reference.Chain, mu: np.ndarray, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """2 pi I_l and 2 pi times the energy current into the wire, for given potentials."""
    held = chain.coupling > 0
    reach = 40 * temperature
    low, high = max(-2.0, mu[held].min() - reach), min(2.0, mu[held].max() + reach)

    def integrand(k):
        w = 2 * np.cos(k)
        T, f = transmission_matrix(chain, w), fermi(w, mu, temperature)
        I = (T * (f[:, None] - f[None, :])).sum(axis=1)
        return 2 * np.sin(k) * np.concatenate([I, w * I])  # dw = -2 sin k dk: no root at the band edges

    breaks = sorted({np.arccos(np.clip(m, low, high) / 2) for m in mu[held]})
    ends = [np.arccos(high / 2), np.arccos(low / 2)]
    value, _ = quad_vec(
        integrand,
        *ends,
        epsabs=1e-14,
        epsrel=1e-13,
        points=breaks,
        limit=20000,
        norm="max",
        quadrature="gk21",
    )
    return value[: chain.N], value[chain.N :]


def potentials(chain: reference.Chain, mu_bar, delta_mu, injection, temperature, start) -> np.ndarray:
    """mu_l at which the currents balance, by SciPy's hybrid method from `start`."""
    middle = [l for l in range(1, chain.N - 1) if chain.coupling[l] > 0]
    asked = injection * abs(delta_mu) * chain.strength

    def full(x):
        mu = np.full(chain.N, mu_bar)
        mu[0], mu[-1] = mu_bar + delta_mu / 2, mu_bar - delta_mu / 2
        mu[middle] = x
        return mu

    def misfit(x):
        return (flows(chain, full(x), temperature)[0] - asked)[middle]

    return full(fsolve(misfit, np.asarray(start)[middle], xtol=1e-13))
