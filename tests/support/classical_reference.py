"""The classical models once more: slow, plain NumPy, straight from the printed equations as corrected.

Nothing is shared with the package. Sites are named 1 ... N here, as in the paper; arrays hold them in
order. Units e = v_F = a = tau = 1.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np


def master_step(right, left, layout: str, p: float, rho_left: float, rho_right: float, I_g: float):
    """rho+ and rho- a time step later: Eqs. 1-5 ("dimers") or C15-C18 corrected ("pair")."""
    N = len(right)
    plus, minus = {l: right[l - 1] for l in range(1, N + 1)}, {l: left[l - 1] for l in range(1, N + 1)}
    new_plus, new_minus = dict(plus), dict(minus)
    new_plus[1] = plus[1] + (rho_left - plus[1])
    new_minus[1] = minus[1] + (p * minus[2] - minus[1])
    new_plus[N] = plus[N] + (p * plus[N - 1] - plus[N])
    new_minus[N] = minus[N] + (rho_right - minus[N])
    if layout == "dimers":
        for l in range(2, N):
            at_2, at_end = int(l == 2), int(l == N - 1)
            source = (-1) ** l * I_g / 2
            new_plus[l] = plus[l] + (
                p * (plus[l - 1] - plus[l])
                - (p - 1) / 2 * (2 * at_2) * plus[l - 1]
                + (1 - p) * (minus[l] - plus[l])
                + source
            )
            new_minus[l] = minus[l] + (
                p * (minus[l + 1] - minus[l])
                - (p - 1) / 2 * (2 * at_end) * minus[l + 1]
                + (1 - p) * (plus[l] - minus[l])
                + source
            )
    else:
        for l, sign in ((2, 1), (N - 1, -1)):  # C15 and C18; a neighbour with a reservoir sends only p
            from_left = p if l - 1 == 2 else 1
            from_right = p if l + 1 == N - 1 else 1
            new_plus[l] = from_left * plus[l - 1] + (1 - p) * minus[l] + sign * I_g / 2
            new_minus[l] = from_right * minus[l + 1] + (1 - p) * plus[l] + sign * I_g / 2
        for l in range(3, N - 1):  # C16 with delta_{x,3a} and C17 with delta_{x,(N-2)a}
            new_plus[l] = (1 + (p - 1) * (l == 3)) * plus[l - 1]
            new_minus[l] = (1 + (p - 1) * (l == N - 2)) * minus[l + 1]
    back = lambda values: np.array([values[l] for l in range(1, N + 1)])
    return back(new_plus), back(new_minus)


def master_steady(N: int, layout: str, p: float, rho_left: float, rho_right: float, I_g: float):
    """The densities that a step leaves as they are: a dense linear system made of steps of unit vectors.

    Its condition is N^2 / 2p, so what a step still changes is found in fractions and corrected.
    """
    inverse = _inverse(N, layout, float(p))
    drive = [Fraction(float(value)) for value in (p, rho_left, rho_right, I_g)]
    flat = np.array([Fraction(0)] * (2 * N))
    for _ in range(3):  # each leaves condition times 1e-16 of what was there
        left_over = _change(flat, layout, *drive).astype(float)
        flat = flat - np.array([Fraction(value) for value in inverse @ left_over])
    return flat[:N].astype(float), flat[N:].astype(float)


def _change(flat, layout: str, *drive):
    """What a time step adds to rho+ and rho-, one after the other."""
    N = len(flat) // 2
    return np.concatenate(master_step(flat[:N], flat[N:], layout, *drive)) - flat


@cache
def _inverse(N: int, layout: str, p: float):
    """Of the matrix of `_change`, for all drives."""
    return np.linalg.inv(np.array([_change(unit, layout, p, 0.0, 0.0, 0.0) for unit in np.eye(2 * N)]).T)


def nodal(positions, strengths, V_left: float, V_right: float, R: float, I_g: float):
    """Voltages of all nodes, ends included, and currents between them, by nodal analysis.

    sum of conductance * (V_n - V_neighbour) = strength * I_g at every inner node.
    """
    places = np.array([0.0, *positions, 1.0])
    conductances = 1 / (R * np.diff(places))
    n = len(places)
    system, right = np.eye(n), np.zeros(n)
    right[[0, -1]] = V_left, V_right
    for i in range(1, n - 1):
        system[i, i - 1], system[i, i + 1] = -conductances[i - 1], -conductances[i]
        system[i, i] = conductances[i - 1] + conductances[i]
        right[i] = strengths[i - 1] * I_g
    V = np.linalg.solve(system, right)
    return V, conductances * (V[:-1] - V[1:])


def master_currents(right, left, layout: str, p: float):
    """J_l between sites l and l + 1: what hops over a bond to the right less what hops to the left.

    I_in and I_out below Eqs. A5 and A6 are the first and the last; Eq. A7's p between sources and drains
    is the hop of a site that scatters, 1 on a site that does not.
    """
    N = len(right)
    scatters = {l: 1 < l < N if layout == "dimers" else l in (2, N - 1) for l in range(1, N + 1)}
    hop = {l: p if scatters[l] else 1.0 for l in scatters}
    return np.array([hop[l] * right[l - 1] - hop[l + 1] * left[l] for l in range(1, N)])


def continuum_steady(N: int, L_over_lc: float, rho_left: float, rho_right: float, I_g: float):
    """rho+ and rho- of A23 and A24, on the way to the continuum; rho+(a) and rho-(L + a) are given."""
    a_over_lc = L_over_lc / (N - 1)
    plus, minus = (lambda l: l - 1), (lambda l: N + l - 1)
    system, known = np.zeros((2 * N, 2 * N)), np.zeros(2 * N)
    rows = iter(range(2 * N))
    for place, value in ((plus(1), rho_left), (minus(N), rho_right)):
        row = next(rows)
        system[row, place], known[row] = 1.0, value
    for place, same in ((minus(1), minus(2)), (plus(N), plus(N - 1))):  # A1 and A4 at p -> 1
        row = next(rows)
        system[row, place], system[row, same] = 1.0, -1.0
    for l in range(2, N):
        for own, before, sign in ((plus(l), plus(l - 1), 1), (minus(l), minus(l + 1), -1)):
            row = next(rows)
            system[row, before] += 1
            system[row, own] -= 1
            system[row, plus(l)] -= sign * a_over_lc
            system[row, minus(l)] += sign * a_over_lc
            known[row] = -((-1) ** l) * I_g / 2
    flat = np.linalg.solve(system, known)
    return flat[:N], flat[N:]
