"""Laws: the currents that given potentials drive. Each law is a value, passed as `law=`.

    Linear()              2 pi I_l = sum_l' T_ll'(mu_bar)(x_l - x_l')                    (Eq. B26 at n = 1)
    Series(order)         the same to any order in the potentials                        (Eq. B26)
    Exact(temperature)    2 pi I_l = sum_l' int T_ll'(w) [f_l(w) - f_l'(w)] dw           (Eq. B22)

The series converges while all |x_l| stay below the distance from mu_bar to the band edge and to the
nearest pole of the Green function; the exact law holds for all potentials in the band.

A law has its name and keys in a sweep file, its variables, and the stages of the search for its
potentials, cheapest first. Host data: no JAX.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from jaxtransport import status as codes
from jaxtransport.arguments import NOT_NEGATIVE, SMALL_ERROR, instance, is_traced, number, whole
from jaxtransport.budget import (
    FIRST_PANELS,
    MOST_NODES,
    MOST_PANELS,
    NODES,
    TOLERANCE,
    TRACED_PANELS,
    exact_bytes,
)
from jaxtransport.errors import InputError
from jaxtransport.variables import LINEAR, NONLINEAR, SERIES, Variable

HIGHEST_ORDER = 9  # nested derivatives: their cost doubles with every order, so beyond it Exact() is cheaper
RISING_STEPS = 400


@dataclass(frozen=True)
class Stage:
    """Effort of one stage of the solution. Points that a stage leaves unfinished go to the next."""

    careful: bool = False  # use the careful kernel, for points that the first one does not resolve
    steps: int = 0  # of Newton's or Broyden's method, at most
    continuation: bool = False  # along the branch of the linear solution, where Newton's method fails
    panels: int = 0  # of energies, at most
    patient: bool = False  # full effort; one program for all temperatures
    margin: Any = 0.0  # of the window, relative to the span of the linear potentials; inf: the whole band
    rising_steps: Any = 0  # of the search from the bottom of the band, which needs the whole band


@dataclass(frozen=True)
class Law(abc.ABC):
    """Relation between potentials and currents."""

    name: ClassVar[str]  # in a sweep file
    variables: ClassVar[Mapping[str, Variable]]  # that a sweep can store
    options: ClassVar[tuple[str, ...]] = ()  # keys of [solve] that it uses
    unfinished: ClassVar[tuple[int, ...]]  # statuses that the next stage may improve
    biases: ClassVar[int] = 2  # that are solved for Delta I

    @property
    @abc.abstractmethod
    def stages(self) -> tuple[Stage, ...]:
        """Stages in order; the first suffices for most points of a sweep."""

    @property
    @abc.abstractmethod
    def traced(self) -> Stage:
        """Stage within a transform, where the status of the first stage is unknown."""

    def point_bytes(self, stage: Stage, sites: int, *, kept: int, dense: bool) -> int:
        """Approximate memory of a point, if a sweep along the wire keeps `kept` numbers per site."""
        return 8 * kept * sites


@dataclass(frozen=True)
class Linear(Law):
    """Linear response: transmissions at mu_bar, currents proportional to the potentials."""

    name = "linear"
    variables = LINEAR
    unfinished = (codes.NOT_RESOLVED,)
    biases = 1

    @property
    def stages(self) -> tuple[Stage, ...]:
        return Stage(), Stage(careful=True)

    @property
    def traced(self) -> Stage:
        return Stage(careful=True)


@dataclass(frozen=True)
class Series(Law):
    """Currents to `order` in the potentials; the paper's n = 3 (Eq. B35)."""

    order: int = 3

    name = "series"
    variables = SERIES
    options = ("order",)
    unfinished = (codes.STEP_LIMIT, codes.DIVERGED)

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", whole("order", self.order, 1, HIGHEST_ORDER))

    @property
    def stages(self) -> tuple[Stage, ...]:
        return Stage(steps=8), Stage(steps=12, continuation=True)

    @property
    def traced(self) -> Stage:
        return self.stages[1]

    @property
    def derivatives(self) -> int:
        """Transmissions that a nested derivative evaluates: the cost of a point in sweeps along the wire."""
        return 2 ** (self.order - 1)

    def point_bytes(self, stage: Stage, sites: int, *, kept: int, dense: bool) -> int:
        return 8 * kept * self.derivatives * sites


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
    options = ("temperature", "tolerance", "nodes")
    unfinished = (codes.STEP_LIMIT, codes.DIVERGED, codes.NOT_RESOLVED)

    def __post_init__(self) -> None:
        temperature = number("temperature", self.temperature, NOT_NEGATIVE)
        object.__setattr__(self, "temperature", temperature if is_traced(temperature) else float(temperature))
        if self.nodes is not None:
            object.__setattr__(self, "nodes", whole("nodes", self.nodes, 2 * NODES, MOST_NODES))
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
    def warm(self) -> bool:
        """Whether the temperature is above zero, or may be."""
        return is_traced(self.temperature) or self.temperature > 0

    def point_bytes(self, stage: Stage, sites: int, *, kept: int, dense: bool) -> int:
        return exact_bytes(sites, stage.panels, dense=dense)

    def _capped(self, stage: Stage) -> Stage:
        """No more energies than the law allows."""
        return stage if self.nodes is None else replace(stage, panels=min(stage.panels, self.nodes // NODES))


LAWS: dict[str, type[Law]] = {law.name: law for law in (Linear, Series, Exact)}


def checked_law(law: Any) -> Law:
    """The given law, or linear response if it is None."""
    words = "Linear(), Series(order) or Exact(temperature)"
    return Linear() if law is None else instance("law", law, (Linear, Series, Exact), words)
