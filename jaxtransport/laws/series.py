r"""The expansion of the exact law in the potentials, to some order.

    2 pi I_l = sum_{m=1..n} (1/m!) sum_l' T^(m-1)_ll'(mu_bar) (x_l^m - x_l'^m)                    (Eq. B26)

It converges while all |x_l| stay below the distance from mu_bar to the band edge and to the nearest pole of
the Green function.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jaxtransport import status as codes
from jaxtransport.arguments import Range, whole
from jaxtransport.budget import MATRIX_SITES, Stage
from jaxtransport.laws.law import Law, Option
from jaxtransport.variables import SERIES

if TYPE_CHECKING:
    from jaxtransport.probes.balance import Search, System

HIGHEST_ORDER = 9  # nested derivatives: their cost doubles with every order, so beyond it Exact() is cheaper
_ORDERS = Range(f"a whole number from 1 to {HIGHEST_ORDER}", 1, HIGHEST_ORDER)
NEWTON_SWEEPS = 100  # sweeps along the wire that finding the potentials takes, roughly


@dataclass(frozen=True)
class Series(Law):
    """Currents to `order` in the potentials; the paper's n = 3 (Eq. B35)."""

    order: int = 3

    name = "series"
    variables = SERIES
    options = {  # noqa: RUF012  (a class attribute, like its neighbours)
        "order": Option(_ORDERS, integer=True)
    }
    unfinished = (codes.STEP_LIMIT, codes.DIVERGED)
    compile_seconds = 6.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", whole("order", self.order, int(_ORDERS.low), int(_ORDERS.high)))

    def refuses(self, rules: Collection[int]) -> str:
        return "the series takes voltage probes alone; use the exact law" if rules else ""

    @property
    def stages(self) -> tuple[Stage, ...]:
        return Stage(steps=8), Stage(steps=12, continuation=True)

    @property
    def traced(self) -> Stage:
        return self.stages[1]

    def balanced(self, system: System) -> Search:
        from jaxtransport.probes.balance import by_newton

        return by_newton(system, self.order)

    @property
    def derivatives(self) -> int:
        """Transmissions that a nested derivative evaluates: the cost of a point in sweeps along the wire."""
        return 2 ** (self.order - 1)

    def cost(self, sites: int, *, dense: bool) -> float:
        return float(sites * self.derivatives * NEWTON_SWEEPS)

    def point_bytes(self, stage: Stage, sites: int, *, kept: int, dense: bool) -> int:
        matrices = 2 * self.order * sites**2 if sites <= MATRIX_SITES else 0
        return 8 * (kept * self.derivatives * sites + matrices)
