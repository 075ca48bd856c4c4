"""Classical master equation in its steady state: densities and currents in closed form.

    I_in = I_out = [e v_F drho - (1 - p)(N/2 - 1) I_g] / [1 + (N - 2)(1 - p)]              (Eq. 8)
                 = e v_F drho / (1 + x) - (I_g/2)(1 - 1/(1 + x)),    x = (N - 2) a / l_c,  l_c = a/(1 - p)

with sources and drains on every middle site, S on even ones; the second line is exact too, and becomes
Eq. 9 with L = (N - 1) a for (N - 2) a.

Units e = v_F = a = 1. The left reservoir has the density rho_0 + delta_rho, the right one rho_0. The
reverse bias of a wire between rho_0 and rho_0 + drho has the densities swapped: pass rho_0 + drho and
delta_rho = -drho. Currents are positive to the right. Sites count from 1; arrays hold sites 1 ... N.
Exact for 0 < p <= 1, but for Eq. 9 and the continuum limit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxtransport.closed_forms.arguments import Array, even_length, numbers


@numbers
def scattering_length(p: Any) -> Any:
    """l_c = a / (1 - p) in sites (above Eq. 9); infinite at p = 1."""
    with np.errstate(divide="ignore"):
        return 1 / (1 - p)


# One source and drain, N = 4


@numbers
def short_current(p: Any, delta_rho: Any, I_g: Any) -> Any:
    """I_in = I_out for N = 4, Eqs. 6 and A14."""
    return (delta_rho - (1 - p) * I_g) / (3 - 2 * p)


@numbers
def short_bond_current(p: Any, delta_rho: Any, I_g: Any) -> Any:
    """J between source and drain for N = 4, Eq. A15."""
    return (delta_rho + (2 - p) * I_g) / (3 - 2 * p)


@numbers
def short_densities(p: float, rho_0: float, delta_rho: float, I_g: float) -> tuple[Array, Array]:
    """rho+ and rho- of the four sites: Eqs. A8-A13, and the two that the reservoirs set."""
    g, D = I_g / 2, 3 - 2 * p
    right = [
        rho_0 + delta_rho,
        ((2 - p) * (g + delta_rho) + D * rho_0) / (p * D),
        ((p - 1) * 2 * g + delta_rho + D * rho_0) / (p * D),
        ((p - 1) * 2 * g + delta_rho + D * rho_0) / D,
    ]
    left = [
        2 * (1 - p) * (g + delta_rho) / D + rho_0,
        (rho_0 + 2 * (1 - p) * (g + delta_rho + rho_0)) / (p * D),
        ((p - 2) * g + (1 - p) * delta_rho + D * rho_0) / (p * D),
        rho_0,
    ]
    return np.array(right), np.array(left)


# Sources and drains on every middle site


@numbers
def current(N: Any, p: Any, delta_rho: Any, I_g: Any) -> Any:
    """I_in = I_out, Eq. 8."""
    N = even_length(N)
    return (delta_rho - (1 - p) * (N / 2 - 1) * I_g) / (1 + (N - 2) * (1 - p))


@numbers
def injection_response(N: Any, p: Any) -> Any:
    """delta I / I_g of I_in = G drho - delta I in Eq. 8: half of (N - 2)/(l_c + N - 2)."""
    N = even_length(N)
    return (1 - p) * (N / 2 - 1) / (1 + (N - 2) * (1 - p))


@numbers
def bond_currents(N: int, p: float, delta_rho: float, I_g: float) -> Array:
    """J_l between sites l and l + 1, l = 1 ... N - 1: Eq. A22 for even l, Eq. 8 for odd l."""
    l = np.arange(1, N)
    inside = (delta_rho + I_g / 2) / (1 + (N - 2) * (1 - p)) + I_g / 2
    return np.where(l % 2 == 0, inside, current(N, p, delta_rho, I_g))


@numbers
def densities(N: int, p: float, rho_0: float, delta_rho: float, I_g: float) -> tuple[Array, Array]:
    """rho+ and rho- on sites 1 ... N: Eq. 7, with A20 and A21 at the ends.

    Eqs. A16-A19 say the same if x multiplies delta_rho + I_g / 2 inside the bracket, as it does in Eq. 7.
    """
    even_length(N)
    g, D = I_g / 2, 1 + (N - 2) * (1 - p)
    x = np.arange(1.0, N + 1)
    common = rho_0 + ((N - 2) * rho_0 + N * delta_rho - x * (delta_rho + g)) * (1 - p)
    left = (common + np.where(x % 2 == 1, -(2 * p - 1) * g, N * (1 - p) * g)) / (p * D)
    right = left + (delta_rho + g) / D
    right[0], left[-1] = rho_0 + delta_rho, rho_0
    left[0] = (N - 2) * (1 - p) * (delta_rho + g) / D + rho_0
    right[-1] = (rho_0 + delta_rho + (N - 2) * (1 - p) * (rho_0 - g)) / D
    return right, left


@numbers
def drude_current(L_over_lc: Any, delta_rho: Any, I_g: Any) -> Any:
    """I_in = I_out over L / l_c, Eqs. 9 and A44.

    Against Eq. 8 at L = N - 1 asymptotic in N, as that takes N - 1 for N - 2: the relative error is O(N^-2)
    at fixed p and I_g, O(1/N) at fixed L / l_c or without I_g. Exact if L stands for (N - 2) a.
    """
    share = 1 / (1 + np.asarray(L_over_lc, float))
    return delta_rho * share - I_g / 2 * (1 - share)


# The continuum limit a -> 0 at fixed L / l_c; x = X / L, so that site l of N is at x = l / (N - 1)


@numbers
def hop_of_continuum(N: Any, L_over_lc: Any) -> Any:
    """p of a lattice of N sites with the given L / l_c, L = N - 1: the limit p -> 1 of A23-A44."""
    return 1 - np.asarray(L_over_lc, float) / (N - 1)


@numbers
def continuum_densities(
    x: Any, L_over_lc: Any, rho_0: Any, delta_rho: Any, I_g: Any
) -> dict[str, tuple[Any, Any]]:
    """(rho+, rho-) of the "odd" and the "even" sublattice at x = X / L, Eqs. A36-A39.

    They solve d rho+-/dX = -(rho+ - rho-)/l_c on either sublattice (Eqs. A28, A32, A34, A35). Asymptotic:
    a lattice of N sites differs by O(1/N) at fixed L / l_c, since A23 and A24 take p -> 1.
    """
    g, x = I_g / 2, np.asarray(x, float)
    slope = (delta_rho + g) / (1 + L_over_lc) * L_over_lc  # C L / l_c
    return {
        "odd": (-slope * x + delta_rho + rho_0, slope * (1 - x) + rho_0 - g),
        "even": (-slope * x + delta_rho + rho_0 + g, slope * (1 - x) + rho_0),
    }


@numbers
def continuum_ends(L_over_lc: Any, rho_0: Any, delta_rho: Any, I_g: Any) -> tuple[Any, Any]:
    """rho- on the first site and rho+ on the last, Eqs. A40 and A41; asymptotic, error O(1/N)."""
    drop = (delta_rho + I_g / 2) * L_over_lc / (1 + L_over_lc)
    return rho_0 + drop, delta_rho + rho_0 - drop


@numbers
def continuum_total(x: Any, L_over_lc: Any, rho_0: Any, delta_rho: Any, I_g: Any) -> dict[str, Any]:
    """rho+ + rho- of the "even" and the "odd" sublattice, Eqs. A42 and A43; asymptotic, error O(1/N)."""
    ratio = L_over_lc
    common = (
        2 * (rho_0 + delta_rho)
        - (2 * delta_rho + I_g) * ratio / (1 + ratio) * np.asarray(x, float)
        - (2 * delta_rho - I_g * ratio) / (2 * (1 + ratio))
    )
    return {"odd": common - I_g / 2, "even": common + I_g / 2}


# One source at 2 and one drain at N - 1, nothing between


@numbers
def pair_current(p: Any, delta_rho: Any, I_g: Any) -> Any:
    """I_in = I_out, Eq. C23, for any N >= 4, and so Eq. 6: the length does not matter."""
    return short_current(p, delta_rho, I_g)


@numbers
def pair_bond_currents(N: int, p: float, delta_rho: float, I_g: float) -> Array:
    """J_l, l = 1 ... N - 1: Eq. C24 from source to drain, Eq. C23 outside.

    With J_l = w_l rho+_l - w_{l+1} rho-_{l+1}, w = p on source and drain and 1 elsewhere; the p of Eq. A7
    on all bonds would lose a factor p between them.
    """
    out = np.full(N - 1, short_bond_current(p, delta_rho, I_g))
    out[[0, -1]] = pair_current(p, delta_rho, I_g)
    return out


@numbers
def pair_densities(N: int, p: float, rho_0: float, delta_rho: float, I_g: float) -> tuple[Array, Array]:
    """rho+ and rho- on sites 1 ... N: Eqs. C19-C22, constant in between, ends by the reservoirs.

    They solve C15-C18 with the first free site at 3a in C16 (in print its Kronecker delta names 2a) and
    the last at (N - 2)a in C17.
    """
    short_right, short_left = short_densities(p, rho_0, delta_rho, I_g)
    right = np.full(N, p * short_right[1])
    left = np.full(N, p * short_left[2])
    for array, short in ((right, short_right), (left, short_left)):
        array[[0, 1, -2, -1]] = short
    return right, left
