"""Linear response: 2 pi I_l = sum_l' T_ll'(mu_bar)(x_l - x_l')            (Eq. B26 at n = 1)"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from jaxtransport import status as codes
from jaxtransport.budget import Stage
from jaxtransport.laws.law import Law
from jaxtransport.probe_rules import FIXED, WHITE
from jaxtransport.variables import LINEAR


@dataclass(frozen=True)
class Linear(Law):
    """Linear response: transmissions at mu_bar, currents proportional to the potentials."""

    name = "linear"
    variables = LINEAR
    unfinished = (codes.NOT_RESOLVED,)
    biases = 1
    is_linear = True
    compile_seconds = 1.0

    def refuses(self, rules: Collection[int]) -> str:
        if not {WHITE, FIXED}.intersection(rules):
            return ""
        return (
            "what gains, losses and white probes let in is an integral over all energies: linear response "
            "gives the conductance alone; use the exact law for currents"
        )

    @property
    def stages(self) -> tuple[Stage, ...]:
        return Stage(), Stage(careful=True)

    @property
    def traced(self) -> Stage:
        return Stage(careful=True)
