"""Wires with sources and drains on all middle sites, by the NumPy twin: the exact side of asymptotic tests.

Arrays hold sites 1 ... N. Currents in e gamma_o / hbar, potentials relative to mu_bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from support import reference


@dataclass(frozen=True)
class LongWire:
    N: int
    m: float
    gamma: float

    @cached_property
    def chain(self) -> reference.Chain:
        coupling = np.full(self.N, self.gamma)
        coupling[[0, -1]] = 1.0
        strength = (-1.0) ** np.arange(1, self.N + 1)
        strength[[0, -1]] = 0.0
        return reference.Chain(np.zeros(self.N), np.ones(self.N - 1), coupling, strength)

    @cached_property
    def hamiltonian(self) -> np.ndarray:
        return reference.hamiltonian(self.chain)

    @cached_property
    def green(self) -> np.ndarray:
        return reference.green(self.hamiltonian, self.chain.coupling, self.m)

    @cached_property
    def broadening(self) -> np.ndarray:
        return -2 * reference.self_energy(self.chain.coupling, self.m).imag

    @cached_property
    def T(self) -> np.ndarray:
        return reference.transmissions(self.green, self.broadening)

    def F(self, l: int) -> np.ndarray:
        """Of the bond from site l to l + 1, sites from 1."""
        return reference.link_transmissions(self.hamiltonian, self.green, self.broadening, l - 1, l)

    def bond_current(self, l: int, x: np.ndarray) -> float:
        """J_l for any potentials."""
        return float(self.F(l) @ (x[l - 1] - x)) / (2 * np.pi)

    @cached_property
    def _per_unit(self) -> tuple[np.ndarray, np.ndarray]:
        """Potentials per delta_mu and per I_g."""
        last, middle = self.N - 1, range(1, self.N - 1)
        biased = reference.balance(self.T, {0: 0.5, last: -0.5}, dict.fromkeys(middle, 0.0))
        asked = {l: self.chain.strength[l] for l in middle}
        return biased, reference.balance(self.T, {0: 0.0, last: 0.0}, asked)

    def potentials(self, delta_mu: float, I_g: float) -> np.ndarray:
        biased, driven = self._per_unit
        return delta_mu * biased + I_g * driven

    def currents(self, x: np.ndarray) -> np.ndarray:
        """I_l for any potentials."""
        return reference.currents_into(self.T, x)

    def heat(self, x: np.ndarray) -> np.ndarray:
        """h_l, first form of Eq. B52."""
        return (self.T * (x[None, :] - x[:, None]) ** 2).sum(axis=1) / (4 * np.pi)

    @cached_property
    def conductance(self) -> float:
        """In e^2/h."""
        return 2 * np.pi * float(self.currents(self._per_unit[0])[0])

    @cached_property
    def response(self) -> float:
        """delta J / I_g."""
        return -float(self.currents(self._per_unit[1])[0])


@cache
def long_wire(N: int, m: float, gamma: float) -> LongWire:
    return LongWire(N, m, gamma)
