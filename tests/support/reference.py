"""The linear engine once more: slow, plain NumPy, straight from the equations.

    H_ll = eps_l,  H_{l,l+1} = -t_l,  Sigma_l = (gamma_l^2 / 2) (w - i sqrt(4 - w^2))      (Eqs. 10, B14)
    G = (w - H - Sigma)^-1,  T_ll' = |G_ll'|^2 Gamma_l Gamma_l'                            (Eqs. 15, B22)
    J_l = 2 Im(H_{l+1,l} <c+_{l+1} c_l>),  hence F_ll'                                     (Eqs. B17, B19)

Nothing here is shared with the package, and no superposition is used: every bias is solved for
itself, with its currents in e gamma_o / hbar. Sites count from 0; no padding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Chain:
    """Plain arrays of one wire: eps_l, t_l, gamma_l, I_l / I_g."""

    onsite: np.ndarray
    hopping: np.ndarray
    coupling: np.ndarray
    strength: np.ndarray

    @property
    def N(self) -> int:
        return len(self.onsite)


@dataclass(frozen=True)
class Answer:
    """One bias. Names, units and NaN as in `jaxtransport.State`."""

    potential: np.ndarray
    site_current: np.ndarray
    bond_current: np.ndarray
    heat: np.ndarray
    density: np.ndarray
    current: float
    right_current: float
    conductance: float
    injection_response: float

    # as `State` has them, too
    potentials = property(lambda self: self.potential)
    currents = property(lambda self: self.site_current)
    left_current = property(lambda self: self.current)


def chain_of(wire) -> Chain:
    """The sites 1 ... N of a `jaxtransport.Wire` as NumPy arrays, padding cut off."""
    N = int(wire.length)
    site = [np.asarray(v)[:N] for v in (wire.onsite, wire.coupling, wire.strength)]
    return Chain(site[0], np.asarray(wire.hopping)[: N - 1], site[1], site[2])


def hamiltonian(chain: Chain) -> np.ndarray:
    hopping = np.asarray(chain.hopping, complex)
    return np.diag(np.asarray(chain.onsite, complex)) - np.diag(hopping, 1) - np.diag(hopping.conj(), -1)


def self_energy(coupling: np.ndarray, w: float) -> np.ndarray:
    """Eq. B14; -2 Im Sigma is Gamma."""
    return np.array([gamma**2 / 2 * (w - 1j * np.sqrt(4 - w**2)) for gamma in coupling])


def green(H: np.ndarray, coupling: np.ndarray, w: float) -> np.ndarray:
    return np.linalg.inv(w * np.eye(len(H)) - H - np.diag(self_energy(coupling, w)))


def transmissions(G: np.ndarray, Gamma: np.ndarray) -> np.ndarray:
    """T_ll', into l from l'."""
    return np.array([np.abs(G[l]) ** 2 * Gamma[l] * Gamma for l in range(len(G))])


def transmission_matrices(chain: Chain, w: np.ndarray) -> np.ndarray:
    """T_ll' at many energies inside the band; indices of energies first."""
    w = np.asarray(w)[..., None]
    Sigma = np.asarray(chain.coupling) ** 2 / 2 * (w - 1j * np.sqrt(4 - w**2))
    one = np.eye(chain.N)
    G = np.linalg.inv(w[..., None] * one - hamiltonian(chain) - Sigma[..., None] * one)
    Gamma = -2 * Sigma.imag
    return np.abs(G) ** 2 * Gamma[..., :, None] * Gamma[..., None, :]


def link_transmissions(H: np.ndarray, G: np.ndarray, Gamma: np.ndarray, l: int, k: int) -> np.ndarray:
    """F of the link from site l to site k, one entry per reservoir: 2 pi J = sum_m F_m (x_l - x_m).

    J = 2 Im(H_kl <c+_k c_l>) with <c+_k c_l> = (1 / 2 pi) sum_m G_lm G*_km Gamma_m x_m. For k = l + 1
    and t = 1 this is i [G-_{ml} G+_{l+1,m} - G-_{m,l+1} G+_{lm}] Gamma_m of Eq. B19.
    """
    return -2 * np.imag(H[k, l] * G[l] * np.conj(G[k])) * Gamma


def balance(T: np.ndarray, fixed: dict[int, float], currents: dict[int, float]) -> np.ndarray:
    """x_l with x = `fixed` at the leads and sum_m T_lm (x_l - x_m) = 2 pi `currents` at the others.

    Sites in neither hold no reservoir; their x is 0 and counts for nothing, since T is 0 there.
    """
    n = len(T)
    system, right = np.eye(n), np.zeros(n)
    for l, value in fixed.items():
        right[l] = value
    for l, current in currents.items():
        others = np.arange(n) != l
        system[l, others] = -T[l, others]
        system[l, l] = np.sum(T[l, others])
        right[l] = 2 * np.pi * current
    return np.linalg.solve(system, right)


def currents_into(T: np.ndarray, x: np.ndarray) -> np.ndarray:
    """I_l = (1 / 2 pi) sum_m T_lm (x_l - x_m), in e gamma_o / hbar (Eq. B22)."""
    return np.array([np.sum(T[l] * (x[l] - x)) for l in range(len(T))]) / (2 * np.pi)


def solve(chain: Chain, mu_bar: float, delta_mu: float, injection: float) -> Answer:
    """The wire between leads at mu_bar +- delta_mu / 2, each source driving `injection` * I_o."""
    n = chain.N
    H = hamiltonian(chain)
    Gamma = -2 * self_energy(chain.coupling, mu_bar).imag
    G = green(H, chain.coupling, mu_bar)
    T = transmissions(G, Gamma)
    I_o = abs(delta_mu) / (2 * np.pi)
    held = Gamma > 0
    middle = [l for l in range(1, n - 1) if held[l]]

    def left_current(bias: float, unit: float) -> tuple[np.ndarray, np.ndarray]:
        asked = {l: unit * chain.strength[l] for l in middle}
        x = balance(T, {0: bias / 2, n - 1: -bias / 2}, asked)
        return x, currents_into(T, x)

    x, I = left_current(delta_mu, injection * I_o)
    _, opposite = left_current(-delta_mu, injection * I_o)
    _, driven = left_current(0.0, 1.0)
    J, heat, density = np.zeros(n - 1), np.zeros(n), np.full(n, np.nan)
    for l in range(n - 1):
        F = link_transmissions(H, G, Gamma, l, l + 1)
        J[l] = np.sum(F * (x[l] - x)) / (2 * np.pi)
    for l in range(n):
        heat[l] = np.sum(T[l] * (x - x[l]) ** 2) / (4 * np.pi)
        if held[l]:
            density[l] = np.sum(np.abs(G[l]) ** 2 * Gamma * (x - x[l])) / (2 * np.pi)
    return Answer(
        potential=np.where(held, mu_bar + x, np.nan),
        site_current=I / I_o,
        bond_current=J / I_o,
        heat=heat,
        density=density,
        current=I[0] / I_o,
        right_current=I[-1] / I_o,
        conductance=np.sign(delta_mu) * (I[0] - opposite[0]) / 2 / I_o,
        injection_response=-driven[0],
    )


def nonreciprocity(chain: Chain, mu_bar: float, delta_mu: float, injection: float) -> float:
    """Delta I = |I_1(reverse)| - |I_1(forward)| in I_o."""
    forward = solve(chain, mu_bar, abs(delta_mu), injection)
    reverse = solve(chain, mu_bar, -abs(delta_mu), injection)
    return abs(reverse.current) - abs(forward.current)
