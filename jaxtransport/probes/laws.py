"""Laws: the currents that given potentials drive. Each law is a value, passed as `law=`.

    Linear()              2 pi I_l = sum_l' T_ll'(mu_bar)(x_l - x_l')                    (Eq. B26 at n = 1)
    Series(order)         the same to any order in the potentials                        (Eq. B26)
    Exact(temperature)    2 pi I_l = sum_l' int T_ll'(w) [f_l(w) - f_l'(w)] dw           (Eq. B22)

The series converges while all |x_l| stay below the distance from mu_bar to the band edge and to the
nearest pole of the Green function; the exact law holds for all potentials in the band.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jaxtransport.arguments import NOT_NEGATIVE, SMALL_ERROR, instance, is_traced, number, whole
from jaxtransport.budget import MOST_NODES, NODES, TOLERANCE
from jaxtransport.errors import InputError

HIGHEST_ORDER = 9  # nested derivatives: their cost doubles with every order, and Exact() costs less


@dataclass(frozen=True)
class Linear:
    """Linear response: transmissions at mu_bar, currents proportional to the potentials."""


@dataclass(frozen=True)
class Series:
    """Currents to `order` in the potentials; the paper's n = 3 (Eq. B35)."""

    order: int = 3

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", whole("order", self.order, 1, HIGHEST_ORDER))


@dataclass(frozen=True)
class Exact:
    """Currents by the full integral over energies, at any temperature.

    Attributes:
        temperature: k_B T in gamma_o, the same in all reservoirs; 0, or a number that may be traced.
        tolerance: error of the currents by quadrature and rounding that is allowed, of the largest current;
            where it is not met the status is 7.
        nodes: energies at which transmissions are computed, at most. Default: as many as they need, up to
            24 576.
    """

    temperature: Any = 0.0
    tolerance: float = TOLERANCE
    nodes: int | None = None

    def __post_init__(self) -> None:
        temperature = number("temperature", self.temperature, NOT_NEGATIVE)
        object.__setattr__(self, "temperature", temperature if is_traced(temperature) else float(temperature))
        if self.nodes is not None:
            object.__setattr__(self, "nodes", whole("nodes", self.nodes, 2 * NODES, MOST_NODES))
        tolerance = number("tolerance", self.tolerance, SMALL_ERROR)
        if is_traced(tolerance):
            raise InputError("tolerance: traced by JAX; expected a number that is known")
        object.__setattr__(self, "tolerance", float(tolerance))


Law = Linear | Series | Exact


def checked_law(law: Any) -> Law:
    """The law that is meant; linear response if none is given."""
    kinds, words = (Linear, Series, Exact), "Linear(), Series(order) or Exact(temperature)"
    return Linear() if law is None else instance("law", law, kinds, words)
