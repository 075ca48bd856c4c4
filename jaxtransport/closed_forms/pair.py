"""One source at site 2, one drain at N - 1, free sites between, gamma_1 = gamma_N = 1 (Sec. III C, App. C 1).

    Delta j = 2 (Xi - 1) I_g / (1 + 2 gamma^2 + Xi)                                              (Eq. 22)
    Xi = 1 + gamma^2 q [gamma^2 q - 2 cos((N - 2) k)],      q = sin((N - 3) k) / sin k,   k = arccos(mu_bar/2)
    mu_2 = mu_bar + Delta,   mu_{N-1} = mu_bar - Delta,     I_1 = G_N delta_mu / 2 pi - Delta j / 2

Delta j vanishes at q = 0, where half Fermi waves fit between source and drain, and on a second family
of zeros that depends on gamma; towards the band centre it is negative from a zero of the first to the next of
the second. With H = -sum(...) the physical Fermi
wave number is pi - k; at whole N the zeros are the same.

Conductances in e^2/h, potentials in gamma_o, I_g in e gamma_o / hbar, delta_mu > 0 forward. Everything
is exact in linear response. N may lie between integers where nothing alternates with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev

from jaxtransport.closed_forms.arguments import Array, alternating, numbers, whole_length


@numbers
def wave_number(mu_bar: Any) -> Any:
    """k = arccos(mu_bar / 2), between 0 and pi (below Eq. 22)."""
    return np.arccos(mu_bar / 2)


@numbers
def half_wavelengths(N: Any, mu_bar: Any) -> Any:
    """Half Fermi waves between source and drain, (N - 3) k / pi = (N - 3) / (lambda_F / 2) (Fig. 4)."""
    return (N - 3) * wave_number(mu_bar) / np.pi


def _A(m: Any) -> Any:
    """A of Eq. C7: the ends of Z, e^{ik}."""
    return m / 2 + 1j * np.sqrt(1 - m**2 / 4)


def _2D(m: Any, g2: Any) -> Any:
    """2 D of Eq. C7: Z on source and drain."""
    return m - g2 * (m - 1j * np.sqrt(4 - m**2)) / 2


def _inner(N: Any, m: Any, g2: Any) -> Any:
    """A (2 D Y_{N-4} - Y_{N-5}) - Y_{N-4}, with Y_n = sin((n + 1) k) / sin k."""
    k = wave_number(m)
    Y: Callable[[Any], Any] = lambda n: np.sin((n + 1) * k) / np.sin(k)
    return _A(m) * (_2D(m, g2) * Y(N - 4) - Y(N - 5)) - Y(N - 4)


@numbers
def determinant(N: Any, mu_bar: Any, gamma: Any) -> Any:
    """det Z, complex, Eq. C7."""
    m, g2 = mu_bar, gamma**2
    return (_2D(m, g2) * _A(m) - 1) * _inner(N, m, g2) - _A(m) * _inner(N - 1, m, g2)


@numbers
def green(N: int, mu_bar: Any, gamma: Any) -> dict[tuple[int, int], Any]:
    """G_21, G_N1, G_{N-1,1} and G_{N-1,2}, complex, by their sites from 1, Eqs. C8-C10.

    G = (-1)^(l+l') M_l'l / det Z with minors M and the determinant itself; Eq. C5 prints its modulus.
    """
    whole_length(N)
    m, g2 = mu_bar, gamma**2
    sign, det, A = alternating(N), determinant(N, mu_bar, gamma), _A(m)
    return {
        (2, 1): -_inner(N, m, g2) / det,
        (N, 1): -sign / det,
        (N - 1, 1): sign * A / det,
        (N - 1, 2): -sign * A**2 / det,
    }


@numbers
def xi(N: Any, mu_bar: Any, gamma: Any) -> Any:
    """Xi of Eqs. 22 and C11; its 2 A C is A times the 2 D of Eq. C7."""
    m, g2 = mu_bar, gamma**2
    k = wave_number(m)
    amplitude = (_A(m) * _2D(m, g2) - 1) * np.sin((N - 3) * k) - _A(m) * np.sin((N - 4) * k)
    return np.abs(amplitude) ** 2 / np.sin(k) ** 2


@numbers
def xi_less_one(N: Any, mu_bar: Any, gamma: Any) -> Any:
    """Xi - 1 = gamma^2 q [gamma^2 q - 2 cos((N - 2) k)] without cancellation."""
    g2, k = gamma**2, wave_number(mu_bar)
    q = np.sin((N - 3) * k) / np.sin(k)
    return g2 * q * (g2 * q - 2 * np.cos((N - 2) * k))


@numbers
def xi_expanded(N: Any, mu_bar: Any, gamma: Any) -> Any:
    """Xi with its modulus multiplied out, which shows both families of zeros of Xi - 1."""
    return 1 + xi_less_one(N, mu_bar, gamma)


@numbers
def transmissions(N: Any, mu_bar: Any, gamma: Any) -> dict[str, Any]:
    """T_21, T_{N-1,1}, T_N1 and T_{N-1,2} as "21", "N-1,1", "N1" and "N-1,2", Eqs. C11 and C12.

    T is symmetric, and the mirror gives the others: T_{N-1,N} = T_21 and T_2N = T_{N-1,1}.
    """
    m, g2 = mu_bar, gamma**2
    unit = (4 - m**2) / np.abs(determinant(N, mu_bar, gamma)) ** 2
    Xi = xi(N, mu_bar, gamma)
    return {"21": g2 * unit * Xi, "N-1,1": g2 * unit, "N1": unit, "N-1,2": g2**2 * unit}


# Potentials and currents, also by the T of any wire that is its own mirror image


@numbers
def balance(x: Any, T: dict[str, Any], delta_mu: Any, I_g: Any) -> Any:
    """Right minus left sides of Eqs. C1 and C2 at x = (mu_2, mu_{N-1}) - mu_bar, shape (2, ...).

    2 pi times I_2 - I_g and I_{N-1} + I_g. Its delta mu_L is delta_mu / 2.
    """
    total = T["21"] + T["N-1,2"] + T["N-1,1"]
    bias = (T["21"] - T["N-1,1"]) * delta_mu / 2
    source = total * x[0] - T["N-1,2"] * x[1] - bias - 2 * np.pi * I_g
    drain = total * x[1] - T["N-1,2"] * x[0] + bias + 2 * np.pi * I_g
    return np.array([source, drain])


@numbers
def potential_shift_by_transmissions(T: dict[str, Any], delta_mu: Any, I_g: Any) -> Any:
    """Delta of mu_2 = mu_bar + Delta, mu_{N-1} = mu_bar - Delta, Eq. C3."""
    total = T["21"] + 2 * T["N-1,2"] + T["N-1,1"]
    return (2 * np.pi * I_g + (T["21"] - T["N-1,1"]) * delta_mu / 2) / total


@numbers
def potential_shift(N: Any, mu_bar: Any, gamma: Any, delta_mu: Any, I_g: Any) -> Any:
    """Delta in gamma_o, first line of Eq. C13."""
    g2, excess = gamma**2, xi_less_one(N, mu_bar, gamma)
    square = np.abs(determinant(N, mu_bar, gamma)) ** 2
    driven = 2 * np.pi * square * I_g / ((4 - mu_bar**2) * g2)
    return (driven + excess * delta_mu / 2) / (excess + 2 + 2 * g2)


@numbers
def potential_shift_at_zero(N: Any, mu_bar: Any, gamma: Any, I_g: Any) -> Any:
    """Delta where Xi = 1, Eq. C14: the same for both biases. Meaningless elsewhere."""
    g2 = gamma**2
    square = np.abs(determinant(N, mu_bar, gamma)) ** 2
    return np.pi * square * I_g / ((4 - mu_bar**2) * g2 * (1 + g2))


@numbers
def left_current(T: dict[str, Any], shift: Any, delta_mu: Any) -> Any:
    """I_1 in e gamma_o / hbar for a given Delta (unnumbered, above Eq. C4)."""
    through = (T["21"] + T["N-1,1"] + 2 * T["N1"]) * delta_mu / 2
    return (through - (T["21"] - T["N-1,1"]) * shift) / (2 * np.pi)


@numbers
def conductance(N: Any, mu_bar: Any, gamma: Any) -> Any:
    """G_N in e^2/h: the second line of Eq. C13, simplified."""
    g2, Xi = gamma**2, xi_expanded(N, mu_bar, gamma)
    unit = (4 - mu_bar**2) / np.abs(determinant(N, mu_bar, gamma)) ** 2
    return unit * (1 + g2) ** 2 * (Xi + 1) / (Xi + 1 + 2 * g2)


@numbers
def conductance_printed(N: Any, mu_bar: Any, gamma: Any) -> Any:
    """G_N in e^2/h: the second line of Eq. C13 as it stands."""
    g2, Xi = gamma**2, xi(N, mu_bar, gamma)
    unit = (4 - mu_bar**2) / np.abs(determinant(N, mu_bar, gamma)) ** 2
    return unit * ((g2 * Xi + g2 + 2) * (Xi + 1 + 2 * g2) - g2 * (Xi - 1) ** 2) / (2 * (2 * g2 + Xi + 1))


@numbers
def conductance_by_transmissions(T: dict[str, Any]) -> Any:
    """G_N in e^2/h: the first line of Eq. C4, corrected (as printed it diverges where T_21 = T_2N).

    [(T_12 + 2 T_1N + T_1,N-1)(T_21 + 2 T_2,N-1 + T_2N) - (T_12 - T_1,N-1)(T_21 - T_2N)]
        / 2 (T_21 + 2 T_2,N-1 + T_2N)
    """
    total = T["21"] + 2 * T["N-1,2"] + T["N-1,1"]
    through = T["21"] + 2 * T["N1"] + T["N-1,1"]
    return (through * total - (T["21"] - T["N-1,1"]) ** 2) / (2 * total)


@numbers
def nonreciprocity(N: Any, mu_bar: Any, gamma: Any) -> Any:
    """Delta j / I_g, Eqs. 22 and C13: Delta I as long as Delta j / 2 < G_N delta_mu / 2 pi."""
    excess = xi_less_one(N, mu_bar, gamma)
    return 2 * excess / (excess + 2 + 2 * gamma**2)


@numbers
def nonreciprocity_by_transmissions(T: dict[str, Any]) -> Any:
    """Delta j / I_g, second line of Eq. C4."""
    total = T["21"] + 2 * T["N-1,2"] + T["N-1,1"]
    return 2 * (T["21"] - T["N-1,1"]) / total


# Where the current is reciprocal


@numbers
def zeros_of_first_family(N: int) -> Array:
    """mu_bar in the band with sin((N - 3) k) = 0, increasing: N - 4 of them, whatever gamma (Sec. III C)."""
    n = int(whole_length(N)) - 3
    return 2 * np.cos(np.pi * np.arange(n - 1, 0, -1) / n)


@numbers
def zeros_of_second_family(N: int, gamma: float) -> Array:
    """mu_bar in the band with gamma^2 sin((N - 3) k) = 2 sin k cos((N - 2) k), increasing.

    Roots of gamma^2 U_{N-4}(c) - 2 T_{N-2}(c) in c = mu_bar / 2, by the companion matrix of its Chebyshev
    series and Newton steps in k. There are N - 2 if gamma^2 < 2 / (N - 3); beyond, the outermost two lie
    outside the band. Odd N has mu_bar = 0 in both families: a double zero of Delta j.
    """
    n, g2 = int(whole_length(N)) - 2, float(gamma**2)
    series = np.zeros(n + 1)
    series[n - 2 :: -2] = 2 * g2  # U_n = 2 (T_n + T_{n-2} + ...), T_0 counting half
    series[0] /= 2
    series[n] = -2
    roots = chebyshev.chebroots(series)
    # Complex pairs lie off the axis by far more than 1e-7, the square root of the roundings. At
    # gamma^2 = 2 / (N - 3) two roots sit on the band edge, to a few roundings: they count as outside.
    real = roots[np.abs(roots.imag) < 1e-7].real
    k = np.arccos(real[np.abs(real) < 1 - 1e-12])
    for _ in range(3):
        value = g2 * np.sin((n - 1) * k) - 2 * np.sin(k) * np.cos(n * k)
        slope = (
            g2 * (n - 1) * np.cos((n - 1) * k)
            - 2 * np.cos(k) * np.cos(n * k)
            + 2 * n * np.sin(k) * np.sin(n * k)
        )
        k = k - value / slope
    return np.sort(2 * np.cos(k))
