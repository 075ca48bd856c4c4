"""Named wires with tags: what every kernel, law and reservoir is tried on.

clean      no disorder: closed forms hold
barrier    sources and drains balance behind a weak contact
mirror     its own mirror image: reciprocal
edge       an operating point close to the band edge
localised  strong disorder
shortest   N = 2, the leads alone
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import jaxtransport as jt
from jaxtransport import layout as layouts
from jaxtransport.reservoirs import CHAIN, Reservoir
from support.wires import disordered, localized, make, mirrored


@dataclass(frozen=True)
class Problem:
    """A wire and where it is operated."""

    name: str
    tags: frozenset[str]
    wire: jt.Wire
    mu_bar: float = 0.3
    injection: float = 0.4

    def with_reservoir(self, reservoir: Reservoir) -> Problem:
        """The same wire with reservoirs of another kind."""
        return replace(self, wire=replace(self.wire, reservoir=reservoir))


def _problem(name: str, wire: jt.Wire, *tags: str, mu_bar: float = 0.3) -> Problem:
    return Problem(name, frozenset(tags), wire, mu_bar)


PROBLEMS = [
    _problem("dimers", make(layouts.dimers(8), gamma=0.5), "clean"),
    _problem("pair", make(layouts.pair(7), gamma=0.4), "clean"),
    _problem("shortest", make(layouts.custom(2), gamma=1.0, contact=(0.8, 0.5)), "clean", "shortest"),
    _problem("padded", disordered(3, 9, sites=12), "padded"),
    _problem("barrier", make(layouts.pair(6), gamma=0.5, contact=(1e-2, 1.0)), "barrier"),
    _problem("mirror", mirrored(4, 4), "mirror"),
    _problem("edge", make(layouts.dimers(6), gamma=0.5), "clean", "edge", mu_bar=1.9),
    _problem("localised", localized(5, 15, 4, 2.0), "localised"),
]
assert all(problem.wire.reservoir is CHAIN for problem in PROBLEMS)


def tagged(*tags: str) -> list[Problem]:
    """Those with one of these tags."""
    return [problem for problem in PROBLEMS if problem.tags & set(tags)]
