"""A wire with weak disorder, uniform on-site energies in +- W/2, and perfect leads: averages over wires.

    <ln T> = -2N / xi,      xi = 24 (4 - mu_bar^2) / W^2                                                 (1)

(D. J. Thouless, in Ill-Condensed Matter, 1979; the length over which amplitudes fall by e. At mu_bar = 0 the
true one is 9 % longer, and near the edge of the band the formula fails.) The distribution of T depends on
s = 2N / xi alone (A. A. Abrikosov, Solid State Commun. 37, 997 (1981); C. W. J. Beenakker, Rev. Mod. Phys.
69, 731 (1997)). Its moments that are needed here reduce to

    <T^(1/2)> = e^(-s/4) / sqrt(pi s)            int_0^inf du     exp(-u^2 / 4s) / cosh(u/2)             (2)
    <T>       = e^(-s/4) / (2 sqrt(pi) s^(3/2))  int_0^inf du u^2 exp(-u^2 / 4s) / cosh(u/2)             (3)

Waves of unit amplitude from both leads have an intensity of 2 + 2 sqrt(R) cos theta in all at a source near
the left end, where R = 1 - T and theta is a phase of the reflection; T of that comes from the right. With

    X = T / (1 + sqrt(R) cos theta)

a share 1 - X/2 of the current of a weakly coupled source therefore goes to the left lead. A drain near the
right end has an X' of its own, and dI / I_g = 1 - (X + X')/2. At fixed T uniform, independent phases give
<X> = <X^2> = T^(1/2) and <X X'> = T, so that

    <dI> / I_g     = 1 - <T^(1/2)>                                                                       (4)
    var dI / I_g^2 = <T^(1/2)>/2 + <T>/2 - <T^(1/2)>^2                                                   (5)

Errors are of order W^2 and of the coupling squared. The phases are random in wires of more than about a third
of xi; the deviation of shorter ones swings about Eq. 5.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxtransport.closed_forms.arguments import numbers

# The trapezoidal rule: the integrands are even and analytic up to u = i pi, which makes it exact to 1e-14.
POINTS, STEP = 400, 0.25


@numbers
def localisation_length(mu_bar: Any, width: Any) -> Any:
    """xi of Eq. 1 in sites, `width` = W in gamma_o; to lowest order in W."""
    return 24 * (4 - mu_bar**2) / width**2


@numbers
def mean_root_transmission(length: Any) -> Any:
    """<T^(1/2)> of Eq. 2 for `length` = N / xi; exact for weak disorder."""
    s = 2 * np.asarray(length)
    return np.exp(-s / 4) / np.sqrt(np.pi * s) * _integral(s, 0)


@numbers
def mean_transmission(length: Any) -> Any:
    """<T> of Eq. 3 for `length` = N / xi; exact for weak disorder."""
    s = 2 * np.asarray(length)
    return np.exp(-s / 4) / (2 * np.sqrt(np.pi) * s**1.5) * _integral(s, 2)


@numbers
def mean_response(length: Any) -> Any:
    """<dI> / I_g of Eq. 4, a pair of weakly coupled source and drain at 2 and N - 1, `length` = N / xi."""
    return 1 - mean_root_transmission(length)


@numbers
def response_deviation(length: Any) -> Any:
    """Standard deviation of dI / I_g over wires, Eq. 5, `length` = N / xi."""
    root = mean_root_transmission(length)
    return np.sqrt(root / 2 + mean_transmission(length) / 2 - root**2)


def _integral(s: Any, power: int) -> Any:
    """int_0^inf du u^power exp(-u^2 / 4s) / cosh(u/2)."""
    step = np.minimum(STEP, np.sqrt(s))[..., None]  # the Gaussian is narrow in short wires
    u = step * np.arange(POINTS)
    weight = step * np.where(np.arange(POINTS) == 0, 0.5, 1.0)
    return np.sum(weight * u**power * np.exp(-(u**2) / (4 * s[..., None])) / np.cosh(u / 2), axis=-1)
