"""The resistor network: currents, voltages and heat in closed form (Sec. I, App. D).

    I_in = sigma V / L - (I_g / 2)(1 - a / L),        L = (N - 1) a,   R = L / sigma        (Eq. D1)

for sources and drains in the order S, D, S, D ... on nodes 2 ... N - 1 (N even). The left end is at V,
the right one at 0; reverse the bias by the sign of V, which puts the left end lower by |V|. Currents
are positive to the right. a = 1, so that sigma V is a current times sites. All exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxtransport.arguments import choice
from jaxtransport.closed_forms.arguments import Array, alternating, even_length, numbers

SHARES = {"a": 1 / 3, "b": 0.0, "c": 2 / 5}


def injection_response(circuit: str) -> float:
    """delta I / I_g of I_in = V / R - delta I for the circuits "a", "b", "c" of Fig. 1 (Sec. I).

    a: S, D at thirds of the wire; b: S, D, D, S and c: S, D, S, D at its fifths.
    """
    return SHARES[choice("circuit", circuit, SHARES)]


@numbers
def current(N: Any, V: Any, I_g: Any, sigma: Any = 1.0) -> Any:
    """I_in = I_out, Eq. D1."""
    L = even_length(N) - 1
    return sigma * V / L - I_g / 2 * (1 - 1 / L)


@numbers
def voltages(N: int, V: float, I_g: float, sigma: float = 1.0) -> Array:
    """V_l on nodes l = 2 ... N - 1, Eq. D2."""
    L = even_length(N) - 1
    l = np.arange(2, N)
    return (
        V
        - (V + I_g / (2 * sigma)) * (l - 2) / L
        - (V - I_g / 4 * (L - 2) / sigma) / L
        + alternating(l) * I_g / (4 * sigma)
    )


@numbers
def bond_currents(N: int, V: float, I_g: float, sigma: float = 1.0) -> Array:
    """J_l between nodes l and l + 1, l = 1 ... N - 1: the bracket of Eq. D3, which holds to the ends."""
    L = even_length(N) - 1
    return (sigma * V + I_g / 2) / L + alternating(np.arange(1, N)) * I_g / 2


@numbers
def heat(N: int, V: float, I_g: float, sigma: float = 1.0) -> Array:
    """Heat per time of the segments between sources and drains, l to l + 1 for l = 2 ... N - 2, Eq. D3.

    The two segments at the ends give J_l^2 / sigma of `bond_currents` as well.
    """
    return bond_currents(N, V, I_g, sigma)[1:-1] ** 2 / sigma


@numbers
def mean_heat(N: Any, V: Any, I_g: Any, sigma: Any = 1.0) -> Any:
    """Mean heat of two neighbouring segments, Eq. D4."""
    L = even_length(N) - 1
    return (((sigma * V + I_g / 2) / L) ** 2 + (np.asarray(I_g) / 2) ** 2) / sigma
