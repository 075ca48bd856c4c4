"""The short wire: N = 4, a source at 2, a drain at 3, contacts gamma_1 = gamma_4 = 1 (Sec. III A, App. B 3).

    mu_2 = mu_bar + Delta_mu,  mu_3 = mu_bar - Delta_mu,   I_1 = G_4 delta_mu / 2 pi - delta I

    G_4 = (4 - m^2)(2 + g^4 + 2 g^2 - g^2 m^2)(g^2 + 1)^2 / [D (2 + g^4 + 4 g^2 - g^2 m^2)]          (B32)
    delta I = I_g (g^4 + 2 g^2 - g^2 m^2) / (2 + g^4 + 4 g^2 - g^2 m^2)                              (B33)

with m = mu_bar and g = gamma. Conductances in e^2/h, potentials in gamma_o, I_g in e gamma_o / hbar,
delta_mu > 0 forward. Exact in linear response, but for the expansions in gamma called `..._weak`.
Functions of T take any (..., 4, 4) transmissions of a wire that is its own mirror image.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxtransport.arguments import wrong
from jaxtransport.closed_forms.arguments import Array, numbers


@numbers
def denominator(mu_bar: Any, gamma: Any) -> Any:
    """Script D below Eq. B30: |det Z|^2."""
    m2, g2 = mu_bar**2, gamma**2
    return (2 + 2 * g2 + g2**2) ** 2 - (1 + 2 * g2 + 5 * g2**2 + 2 * g2**3) * m2 + g2**2 * m2**2


@numbers
def transmissions(mu_bar: Any, gamma: Any) -> Array:
    """T_ll' off the diagonal, shape (..., 4, 4), Eqs. B28-B30. The diagonal enters no current; 0 here."""
    m2, g2 = mu_bar**2, gamma**2
    unit = (4 - m2) / denominator(mu_bar, gamma)
    T = np.zeros((*np.shape(unit), 4, 4))
    T[..., 1, 3] = T[..., 2, 0] = g2 * unit
    T[..., 1, 2] = g2**2 * unit
    T[..., 0, 3] = unit
    T[..., 1, 0] = T[..., 2, 3] = g2 * unit * (1 + g2**2 - g2 * (m2 - 2))
    return T + np.swapaxes(T, -1, -2)


@numbers
def conductance(mu_bar: Any, gamma: Any) -> Any:
    """G_4 in e^2/h, second line of Eq. B32."""
    m2, g2 = mu_bar**2, gamma**2
    inner = 2 + g2**2 + 2 * g2 - g2 * m2
    return (4 - m2) * inner * (g2 + 1) ** 2 / (denominator(mu_bar, gamma) * (inner + 2 * g2))


@numbers
def conductance_by_transmissions(T: Array) -> Any:
    """G_4 in e^2/h of `transmissions`: first line of Eq. B32, with T's for its F's and e^2 for its 1."""
    T13, T14, T23, T34 = (T[..., i, j] for i, j in ((0, 2), (0, 3), (1, 2), (2, 3)))
    return (2 * T34 * T13 + 2 * T23 * T14 + (T23 + T14) * (T34 + T13)) / (T13 + T34 + 2 * T23)


@numbers
def injection_response(mu_bar: Any, gamma: Any) -> Any:
    """delta I / I_g, second form of Eq. B33. Negative where mu_bar^2 > 2 + gamma^2."""
    m2, g2 = mu_bar**2, gamma**2
    own = g2 * (g2 + 2 - m2)
    return own / (own + 2 + 2 * g2)


@numbers
def injection_response_by_transmissions(T: Array) -> Any:
    """delta I / I_g of `transmissions`, first form of Eq. B33."""
    T12, T13, T23, T34 = (T[..., i, j] for i, j in ((0, 1), (0, 2), (1, 2), (2, 3)))
    return (T12 - T13) / (T13 + T34 + 2 * T23)


@numbers
def potential_shift(mu_bar: Any, gamma: Any, delta_mu: Any, I_g: Any) -> Any:
    """Delta_mu in gamma_o, second form of Eq. B31."""
    m2, g2 = mu_bar**2, gamma**2
    band = 1 - m2 / 4
    numerator = np.pi * denominator(mu_bar, gamma) * I_g + g2**2 * band * (g2 + 2 - m2) * delta_mu
    return numerator / (2 * g2 * band * (2 + g2**2 + 4 * g2 - g2 * m2))


@numbers
def potential_shift_by_transmissions(T: Array, delta_mu: Any, I_g: Any) -> Any:
    """Delta_mu of `transmissions`, first form of Eq. B31; its mu_L - mu_bar is delta_mu / 2."""
    T13, T23, T34 = (T[..., i, j] for i, j in ((0, 2), (1, 2), (2, 3)))
    return (2 * np.pi * I_g + (T34 - T13) * delta_mu / 2) / (T13 + T34 + 2 * T23)


@numbers
def critical_coupling(mu_bar: Any) -> Any:
    """gamma_c at which delta I = I_g / 3, the value of circuit and lattice; Eq. B34."""
    m2 = mu_bar**2
    return np.sqrt((m2 - 1 + np.sqrt((m2 - 1) ** 2 + 4)) / 2)


# Expansions in small gamma, and the order that each leaves out


@numbers
def potential_shift_weak(mu_bar: Any, gamma: Any, I_g: Any) -> Any:
    """Delta_mu to order gamma^0, Eq. 17. Error: gamma^2 times `potential_shift_next`, then O(gamma^4)."""
    return np.pi * I_g / gamma**2 + np.pi * mu_bar**2 * I_g / 2


@numbers
def potential_shift_next(mu_bar: Any, delta_mu: Any, I_g: Any) -> Any:
    """Coefficient of gamma^2 in Delta_mu, which Eq. 17 leaves out; the first that knows delta_mu."""
    m2 = mu_bar**2
    own = np.pi * I_g * (24 - 34 * m2 + 12 * m2**2 - m2**3) / (4 * (4 - m2))
    return own + (2 - m2) * delta_mu / 4


@numbers
def conductance_weak(gamma: Any) -> Any:
    """G_4 in e^2/h to order gamma^2, Eq. 18. Error: gamma^4 times `conductance_next`."""
    return 1 - gamma**2


@numbers
def conductance_next(mu_bar: Any) -> Any:
    """Coefficient of gamma^4 in G_4, in e^2/h."""
    m2 = mu_bar**2
    return (8 - m2**2) / (2 * (4 - m2))


@numbers
def injection_response_weak(mu_bar: Any, gamma: Any) -> Any:
    """delta I / I_g to order gamma^2, Eq. 18. Error: gamma^4 times `injection_response_next`."""
    return gamma**2 * (2 - mu_bar**2) / 2


@numbers
def injection_response_next(mu_bar: Any) -> Any:
    """Coefficient of gamma^4 in delta I / I_g."""
    m2 = mu_bar**2
    return -(m2**2 - 6 * m2 + 6) / 4


# Contacts that are not perfect


@numbers
def contact_polynomial(mu_bar: float, gamma: float) -> Array:
    """Coefficients, from x^2 to x^0, of the polynomial in x = gamma_1^2 = gamma_4^2 with Delta I's zeros.

    With S = m^2 - m^2 g^2 + g^4 it is

        (S - 1)(x^2 - m^2 x + m^2) - 2 m^2 + m^2 (g^2 + x) - g^2 x (m^2 - 2) + 1.
    """
    m2, g2 = mu_bar**2, gamma**2
    S = m2 - m2 * g2 + g2**2
    linear = -(S - 1) * m2 + m2 - g2 * (m2 - 2)
    return np.array([S - 1, linear, (S - 1) * m2 - 2 * m2 + m2 * g2 + 1])


@numbers
def contact_zeros(mu_bar: float, gamma: float) -> Array:
    """Couplings gamma_1 = gamma_4 > 0 of the leads at which Delta I = 0, in increasing order (Fig. 8).

    Zeros of delta I, exact in linear response; Eq. B33 is the case gamma_1 = 1, which has none of its own.
    """
    roots = np.roots(contact_polynomial(mu_bar, gamma))
    real = roots[np.isreal(roots)].real
    return np.sqrt(np.sort(real[real > 0]))


# The third order, for any T, T' = dT/dw and T'' at mu_bar


@numbers
def source_term(l: int, T: Array, T1: Array, T2: Array, delta_mu: float, I_g: float) -> float:
    """xi_l of Eq. B36 for l = 2 (source) or 3 (drain); T1 and T2 are the first two derivatives of T."""
    if l not in (2, 3):
        raise wrong("l", l, "2, the source, or 3, the drain")
    i, sign = l - 1, 1 if l % 2 == 0 else -1
    return float(
        sign * 2 * np.pi * I_g
        + delta_mu / 2 * (T[i, 0] - T[i, 3])
        + delta_mu**2 / 8 * (T1[i, 0] + T1[i, 3])
        + delta_mu**3 / 48 * (T2[i, 0] - T2[i, 3])
    )


@numbers
def series_residual(x: Array, T: Array, T1: Array, T2: Array, delta_mu: float, I_g: float) -> Array:
    """Left minus right sides of Eq. B35 at x = (mu_2, mu_3) - mu_bar; 0 where balanced.

    Both are 2 pi (I_l - (-1)^l I_g) with I_l of Eq. B26 to order n = 3. Without T1 and T2 the zero is
    at x = (Delta_mu, -Delta_mu) of Eq. B31.
    """

    def side(own: float, other: float) -> float:
        total = 0.0
        for n, (t, factorial) in enumerate(((T, 1), (T1, 2), (T2, 6)), 1):
            v, w = t[2, 0] + t[2, 1] + t[2, 3], t[2, 1]
            total += (v * own**n - w * other**n) / factorial
        return total

    sources = [source_term(l, T, T1, T2, delta_mu, I_g) for l in (2, 3)]
    return np.array([side(x[0], x[1]), side(x[1], x[0])]) - sources
