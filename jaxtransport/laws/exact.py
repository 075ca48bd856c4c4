r"""The full integral over energies, at any temperature, with all potentials in the band.

2 pi I_l = sum_l' int T_ll'(w) [f_l(w) - f_l'(w)] dw           (Eq. B22)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jaxtransport import status as codes
from jaxtransport.arguments import NOT_NEGATIVE, SMALL_ERROR, Range, is_traced, number, whole
from jaxtransport.budget import (
    FIRST_PANELS,
    MOST_NODES,
    MOST_PANELS,
    NODES,
    TAIL,
    TOLERANCE,
    TRACED_PANELS,
    Stage,
    dense_cost,
    exact_bytes,
)
from jaxtransport.errors import InputError
from jaxtransport.laws.law import Law, Option
from jaxtransport.variables import NONLINEAR

if TYPE_CHECKING:
    from jaxtransport.probes.balance import Search, System

RISING_STEPS = 400
_NODES = Range(f"a whole number from {2 * NODES} to {MOST_NODES:,}", 2 * NODES, MOST_NODES)


@dataclass(frozen=True)
class Exact(Law):
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

    name = "exact"
    variables = NONLINEAR
    options = {  # noqa: RUF012  (a class attribute, like its neighbours)
        "temperature": Option(NOT_NEGATIVE),
        "tolerance": Option(SMALL_ERROR, spelt_out=False),
        "nodes": Option(_NODES, integer=True),
    }
    unfinished = (codes.STEP_LIMIT, codes.DIVERGED, codes.NOT_RESOLVED)
    at_mu_bar = False
    one_by_one = True
    compile_seconds = 7.0
    update_seconds = 2e-8

    def __post_init__(self) -> None:
        temperature = number("temperature", self.temperature, NOT_NEGATIVE)
        object.__setattr__(self, "temperature", temperature if is_traced(temperature) else float(temperature))
        if self.nodes is not None:
            object.__setattr__(self, "nodes", whole("nodes", self.nodes, int(_NODES.low), int(_NODES.high)))
        tolerance = number("tolerance", self.tolerance, SMALL_ERROR)
        if is_traced(tolerance):
            raise InputError("tolerance: traced by JAX; expected a known number")
        object.__setattr__(self, "tolerance", float(tolerance))

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The second and the third share one program."""
        patient = Stage(steps=12, continuation=True, panels=MOST_PANELS, patient=True)
        all_in_turn = (
            Stage(steps=16, panels=FIRST_PANELS, margin=0.15),
            replace(patient, margin=1.0),
            replace(patient, margin=math.inf, rising_steps=RISING_STEPS),
        )
        return tuple(map(self._capped, all_in_turn))

    @property
    def traced(self) -> Stage:
        return self._capped(Stage(steps=12, continuation=True, panels=TRACED_PANELS, margin=0.5))

    @property
    def finite_temperature(self) -> bool:
        """Whether the temperature is above zero, or may be."""
        return is_traced(self.temperature) or self.temperature > 0

    def reach(self, delta_mu: Any, temperature: Any) -> Any:
        """Of occupations that differ: the bias, and its thermal tails."""
        return abs(delta_mu) / 2 + TAIL * temperature

    def at_temperature(self, temperature: Any) -> Exact:
        return replace(self, temperature=temperature)

    def balanced(self, system: System) -> Search:
        from jaxtransport.probes.exact import balanced

        return balanced(system, self.tolerance)

    def cost(self, sites: int, *, dense: bool) -> float:
        """Transmissions of some panels, made once and used in some sums."""
        energies = 20.0 * NODES
        return energies * (dense_cost(sites) + sites**2 if dense else 10 * sites)

    def point_bytes(self, stage: Stage, sites: int, *, kept: int, dense: bool) -> int:
        return exact_bytes(sites, stage.panels, dense=dense)

    def _capped(self, stage: Stage) -> Stage:
        """No more energies than the law allows."""
        return stage if self.nodes is None else replace(stage, panels=min(stage.panels, self.nodes // NODES))
