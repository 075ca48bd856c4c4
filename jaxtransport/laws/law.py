"""Laws: the currents at given potentials. Each law is a value, passed as `law=`.

A law knows its name in a sweep file, its keys there, the variables it can store, the stages in which its
potentials are sought, from the cheapest to the last, and what a point costs. Host data: JAX is loaded when
`system_of` is called.
"""

from __future__ import annotations

import abc
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from jaxtransport.arguments import Range
from jaxtransport.budget import Stage
from jaxtransport.variables import Variable

if TYPE_CHECKING:
    from jaxtransport.probes.balance import Search, System


class Option(NamedTuple):
    """A key of [solve] that belongs to one law."""

    domain: Range
    integer: bool = False
    spelt_out: bool = True  # whether a spec that leaves it out is that of its default


@dataclass(frozen=True)
class Law(abc.ABC):
    """Relation between potentials and currents."""

    name: ClassVar[str]  # in a sweep file
    variables: ClassVar[Mapping[str, Variable]]  # that a sweep can store
    options: ClassVar[Mapping[str, Option]] = {}  # keys of [solve] that go with it; fields of this class
    unfinished: ClassVar[tuple[int, ...]]  # statuses that the next stage may improve
    biases: ClassVar[int] = 2  # that are solved for Delta I
    is_linear: ClassVar[bool] = False  # whether currents are proportional to potentials: one solution for all
    at_mu_bar: ClassVar[bool] = True  # whether the network at mu_bar has to be known for its currents
    one_by_one: ClassVar[bool] = False  # on CPUs a loop over points is faster than `vmap`

    # Measured on one core (`scripts/memory.py`): of one padded size, and of an update of a site.
    compile_seconds: ClassVar[float]
    update_seconds: ClassVar[float] = 1e-8

    def refuses(self, rules: Collection[int]) -> str:
        """Why currents are not known with some rules of probes (`probe_rules`); empty if they are."""
        return ""

    @property
    @abc.abstractmethod
    def stages(self) -> tuple[Stage, ...]:
        """Stages in order; the first suffices for most points of a sweep."""

    @property
    @abc.abstractmethod
    def traced(self) -> Stage:
        """Stage within a transform, where the status of the first stage is unknown."""

    def balanced(self, system: System) -> Search:
        """How the potentials of one bias are found, in functions compiled by JAX.

        Not asked of a linear law, which `linear` solves.
        """
        raise TypeError(f"{self}: linear response has no potentials to be found; see `linear`")

    def cost(self, sites: int, *, dense: bool) -> float:
        """Work of one point, in updates of a site."""
        return float(sites)

    def point_bytes(self, stage: Stage, sites: int, *, kept: int, dense: bool) -> int:
        """Approximate memory of a point, if a sweep along the wire keeps `kept` numbers per site."""
        return 8 * kept * sites

    def reach(self, delta_mu: Any, temperature: Any) -> Any:
        """How far from mu_bar energies count at which reservoirs exchange, in gamma_o; 0 for mu_bar alone."""
        return 0.0

    @property
    def finite_temperature(self) -> bool:
        """Whether its temperature is above zero, or may be."""
        return False

    def at_temperature(self, temperature: Any) -> Law:
        """The same at another temperature, if it has one."""
        return self
