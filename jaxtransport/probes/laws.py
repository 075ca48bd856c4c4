"""Laws: the currents that given potentials drive. Each law is a value, passed as `law=`.

    Linear()              2 pi I_l = sum_l' T_ll'(mu_bar)(x_l - x_l')                    (Eq. B26 at n = 1)
    Series(order)         the same to any order in the potentials                        (Eq. B26)
    Exact(temperature)    2 pi I_l = sum_l' int T_ll'(w) [f_l(w) - f_l'(w)] dw           (Eq. B22)

The series converges while all |x_l| stay below the distance from mu_bar to the band edge and to the
nearest pole of the Green function; the exact law holds for all potentials in the band.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

from jaxtransport.errors import InputError

MOST_NODES = 1024
HIGHEST_ORDER = 9  # nested derivatives: their cost doubles with every order


@dataclass(frozen=True)
class Linear:
    """Linear response: transmissions at mu_bar, currents proportional to the potentials."""


@dataclass(frozen=True)
class Series:
    """Currents to `order` in the potentials; the paper's n = 3 (Eq. B35)."""

    order: int = 3

    def __post_init__(self) -> None:
        try:
            order = operator.index(self.order)
        except TypeError:
            order = 0
        if not 1 <= order <= HIGHEST_ORDER or isinstance(self.order, bool):
            raise InputError(
                f"order = {self.order!r}: pass a whole number from 1 to {HIGHEST_ORDER}; "
                "beyond it, Exact() costs less"
            )


@dataclass(frozen=True)
class Exact:
    """Currents by the full integral over energies, at any temperature.

    Attributes:
        temperature: k_B T in gamma_o, the same in all reservoirs; 0, or a number that may be traced.
        nodes: energies at which transmissions are computed. Default: as many as they need, up to 384;
            inside a user's own transform, where that cannot be found out, 64, or 128 above T = 0.
    """

    temperature: Any = 0.0
    nodes: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.temperature, int | float) and not 0 <= self.temperature < float("inf"):
            raise InputError(f"temperature = {self.temperature}: pass a number >= 0, k_B T in gamma_o")
        if self.nodes is not None and not 4 <= operator.index(self.nodes) <= MOST_NODES:
            raise InputError(f"nodes = {self.nodes}: pass a whole number from 4 to {MOST_NODES}")


Law = Linear | Series | Exact
