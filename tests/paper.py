"""The closed forms of the paper, corrected where its print is wrong. m is mu_bar; hbar = e = gamma_o = 1.

Conductances in e^2/h, responses and nonreciprocities in I_g, potentials in gamma_o.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ShortWire:
    """N = 4, one source and one drain, gamma_1 = gamma_4 = 1 (App. B 3)."""

    m: float
    gamma: float

    @property
    def _D(self) -> float:
        g2, m2 = self.gamma**2, self.m**2
        return (2 + 2 * g2 + g2**2) ** 2 - (1 + 2 * g2 + 5 * g2**2 + 2 * g2**3) * m2 + g2**2 * m2**2

    def transmissions(self) -> np.ndarray:
        """T_ll' off the diagonal, Eqs. B28-B30."""
        g2, m2 = self.gamma**2, self.m**2
        unit = 4 / self._D * (1 - m2 / 4)
        T = np.zeros((4, 4))
        T[1, 3] = T[2, 0] = g2 * unit
        T[1, 2] = g2**2 * unit
        T[0, 3] = unit
        T[1, 0] = T[2, 3] = g2 * unit * (1 + g2**2 - g2 * (m2 - 2))
        return T + T.T

    def conductance(self) -> float:
        """Eq. B32, second line."""
        g2, m2 = self.gamma**2, self.m**2
        inner = 2 + g2**2 + 2 * g2 - g2 * m2
        return (4 - m2) * inner * (g2 + 1) ** 2 / (self._D * (inner + 2 * g2))

    def conductance_by_transmissions(self) -> float:
        """Eq. B32, first line, with T for the printed F."""
        T = self.transmissions()
        T13, T14, T23, T34 = T[0, 2], T[0, 3], T[1, 2], T[2, 3]
        return (2 * T34 * T13 + 2 * T23 * T14 + (T23 + T14) * (T34 + T13)) / (T13 + T34 + 2 * T23)

    def injection_response(self) -> float:
        """delta I / I_g, Eq. B33, second form."""
        g2, m2 = self.gamma**2, self.m**2
        return (g2**2 + 2 * g2 - g2 * m2) / (2 + g2**2 + 4 * g2 - g2 * m2)

    def injection_response_by_transmissions(self) -> float:
        """Eq. B33, first form."""
        T = self.transmissions()
        return (T[0, 1] - T[0, 2]) / (T[0, 2] + T[2, 3] + 2 * T[1, 2])

    def shift(self, delta_mu: float, I_g: float) -> float:
        """Delta_mu: mu_2 = m + Delta_mu, mu_3 = m - Delta_mu. Eq. B31, second form."""
        g2, band = self.gamma**2, 1 - self.m**2 / 4
        numerator = np.pi * self._D * I_g + g2**2 * band * (g2 + 2 - self.m**2) * delta_mu
        return numerator / (2 * g2 * band * (2 + g2**2 + 4 * g2 - g2 * self.m**2))

    def shift_by_transmissions(self, delta_mu: float, I_g: float) -> float:
        """Eq. B31, first form."""
        T = self.transmissions()
        return (2 * np.pi * I_g + (T[2, 3] - T[0, 2]) * delta_mu / 2) / (T[0, 2] + T[2, 3] + 2 * T[1, 2])

    @staticmethod
    def critical_gamma(m: float) -> float:
        """gamma_c at which delta I = I_g / 3, Eq. B34."""
        return np.sqrt((m**2 - 1 + np.sqrt((m**2 - 1) ** 2 + 4)) / 2)


@dataclass(frozen=True)
class Pair:
    """A source at 2 and a drain at N - 1, bare sites between, gamma_1 = gamma_N = 1 (App. C 1)."""

    N: int
    m: float
    gamma: float

    @property
    def k(self) -> float:
        return np.arccos(self.m / 2)

    @property
    def _A(self) -> complex:
        return self.m / 2 + 1j * np.sqrt(1 - self.m**2 / 4)

    @property
    def _2D(self) -> complex:
        return self.m - self.gamma**2 * (self.m - 1j * np.sqrt(4 - self.m**2)) / 2

    def _Y(self, n: int) -> float:
        return np.sin((n + 1) * self.k) / np.sin(self.k)

    def determinant(self) -> complex:
        """det Z, Eq. C7."""
        A, D2, Y, N = self._A, self._2D, self._Y, self.N
        inner = A * (D2 * Y(N - 4) - Y(N - 5)) - Y(N - 4)
        return (D2 * A - 1) * inner - A * (A * (D2 * Y(N - 5) - Y(N - 6)) - Y(N - 5))

    def green(self) -> dict[tuple[int, int], complex]:
        """G_21, G_N1, G_{N-1,1}, G_{N-1,2}, Eqs. C8-C10; sites from 1."""
        A, D2, Y, N = self._A, self._2D, self._Y, self.N
        sign, det = (-1) ** N, self.determinant()
        return {
            (2, 1): -(A * (D2 * Y(N - 4) - Y(N - 5)) - Y(N - 4)) / det,
            (N, 1): -sign / det,
            (N - 1, 1): sign * A / det,
            (N - 1, 2): -sign * A**2 / det,
        }

    def xi(self) -> float:
        """Eq. 22; 2 A C there is A times 2D here."""
        A, D2, N, k = self._A, self._2D, self.N, self.k
        return abs((A * D2 - 1) * np.sin((N - 3) * k) - A * np.sin((N - 4) * k)) ** 2 / np.sin(k) ** 2

    def xi_expanded(self) -> float:
        """Xi = 1 + gamma^2 q [gamma^2 q - 2 cos((N - 2) k)], q = sin((N - 3) k) / sin k."""
        q = np.sin((self.N - 3) * self.k) / np.sin(self.k)
        return 1 + self.gamma**2 * q * (self.gamma**2 * q - 2 * np.cos((self.N - 2) * self.k))

    def transmissions(self) -> dict[str, float]:
        """Eqs. C11 and C12."""
        unit, g2 = (4 - self.m**2) / abs(self.determinant()) ** 2, self.gamma**2
        return {"21": g2 * unit * self.xi(), "N-1,1": g2 * unit, "N1": unit, "N-1,2": g2**2 * unit}

    def conductance(self) -> float:
        """2 pi G_N, Eq. C13 simplified."""
        g2, xi = self.gamma**2, self.xi()
        unit = (4 - self.m**2) / abs(self.determinant()) ** 2
        return unit * (1 + g2) ** 2 * (xi + 1) / (xi + 1 + 2 * g2)

    def conductance_printed(self) -> float:
        """2 pi G_N as Eq. C13 has it."""
        g2, xi = self.gamma**2, self.xi()
        unit = (4 - self.m**2) / abs(self.determinant()) ** 2
        return unit * ((g2 * xi + g2 + 2) * (xi + 1 + 2 * g2) - g2 * (xi - 1) ** 2) / (2 * (2 * g2 + xi + 1))

    def conductance_by_transmissions(self) -> float:
        """2 pi G_N, Eq. C4 corrected."""
        T = self.transmissions()
        T12, T1N, T1d, Tsd = T["21"], T["N1"], T["N-1,1"], T["N-1,2"]  # s, d: source and drain
        total = T12 + 2 * Tsd + T1d
        return ((T12 + 2 * T1N + T1d) * total - (T12 - T1d) ** 2) / (2 * total)

    def nonreciprocity(self) -> float:
        """Delta j / I_g, Eqs. 22 and C13."""
        xi = self.xi()
        return 2 * (xi - 1) / (xi + 1 + 2 * self.gamma**2)

    def shift(self, delta_mu: float, I_g: float) -> float:
        """Delta_{mu,N}, Eq. C13: mu_2 = m + it, mu_{N-1} = m - it."""
        g2, xi = self.gamma**2, self.xi()
        driven = 2 * np.pi * abs(self.determinant()) ** 2 * I_g / ((4 - self.m**2) * g2)
        return (driven + (xi - 1) * delta_mu / 2) / (xi + 1 + 2 * g2)

    def shift_at_zero(self, I_g: float) -> float:
        """Eq. C14, at Xi = 1."""
        g2 = self.gamma**2
        return np.pi * abs(self.determinant()) ** 2 * I_g / ((4 - self.m**2) * g2 * (1 + g2))


@dataclass(frozen=True)
class LongWire:
    """Dimers on all middle sites, asymptotically (App. B 4)."""

    N: int
    m: float
    gamma: float

    @property
    def alpha(self) -> complex:
        """alpha = log(C + sqrt(C^2 - 1)), Re alpha > 0 (below Eq. 20)."""
        C = (self.m - self.gamma**2 * (self.m - 1j * np.sqrt(4 - self.m**2)) / 2) / 2
        root = np.sqrt(C**2 - 1)
        alpha = np.log(C + root)
        return alpha if alpha.real > 0 else np.log(C - root)

    @property
    def scattering_length(self) -> float:
        return 1 / self.alpha.real

    @property
    def conductivity(self) -> float:
        a = self.alpha
        return np.sin(a.imag) ** 2 / np.tanh(a.real) / (2 * np.pi * abs(np.sinh(a)) ** 2)

    def conductance(self) -> float:
        """2 pi sigma / (l_c + N - 2): Eq. 21 with N - 2 for N - 3, which is ten times better."""
        return 2 * np.pi * self.conductivity / (self.scattering_length + self.N - 2)

    def profile(self, delta_mu: float, I_g: float) -> np.ndarray:
        """mu_l - m on l = 2 ... N - 1, Eqs. 19 and 20."""
        l = np.arange(2, self.N)
        lc, sigma = self.scattering_length, self.conductivity
        phi = (delta_mu + I_g * lc / (2 * sigma)) / 2 / (1 + (self.N - 3) / lc)
        alternating = (-1.0) ** l / np.tanh(self.alpha.real) ** 2 / (2 * sigma)
        return delta_mu / 2 - phi + (lc / (2 * sigma) + alternating) * I_g / 2 - 2 * phi / lc * (l - 2)

    def weak_coupling_slope(self) -> float:
        """c_N of 2 delta J = c_N gamma^2 I_g at small gamma."""
        k, N = np.arccos(self.m / 2), self.N
        if self.m == 0:
            return N - 2
        return (N - 2) / 2 - np.sin((N - 2) * k) * np.sin((N - 1) * k) / (2 * np.sin(k) ** 2 * np.cos(k))
