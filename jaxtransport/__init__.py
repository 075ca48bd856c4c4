"""jaxtransport: electrical transport through wires with sources and drains of charge in their bulk.

Importing does nothing but define these names; each is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOMES = {
    "Wire": "jaxtransport.wire",
    "Lattice": "jaxtransport.classical.master",
    "steady_state": "jaxtransport.classical.master",
    "Circuit": "jaxtransport.classical.circuit",
    "solve_circuit": "jaxtransport.classical.circuit",
    "Layout": "jaxtransport.layout",
    "Linear": "jaxtransport.laws",
    "Series": "jaxtransport.laws",
    "Exact": "jaxtransport.laws",
    "State": "jaxtransport.state",
    "solve": "jaxtransport.state",
    "nonreciprocity": "jaxtransport.state",
    "transmission": "jaxtransport.state",
    "export": "jaxtransport.sweep.export",
    "find_zeros": "jaxtransport.search.zeros",
    "nearest_zero": "jaxtransport.search.nearest",
    "vary": "jaxtransport.search.vary",
    "design": "jaxtransport.search.design",
    "Design": "jaxtransport.search.design",
    "run": "jaxtransport.api",
    "load": "jaxtransport.sweep.results",
    "InputError": "jaxtransport.errors",
    "PrecisionError": "jaxtransport.precision",
}

_MODULES = ("closed_forms",)

__all__ = [
    "Circuit",
    "Design",
    "Exact",
    "InputError",
    "Lattice",
    "Layout",
    "Linear",
    "PrecisionError",
    "Series",
    "State",
    "Wire",
    "__version__",
    "closed_forms",
    "design",
    "export",
    "find_zeros",
    "load",
    "nearest_zero",
    "nonreciprocity",
    "run",
    "solve",
    "solve_circuit",
    "steady_state",
    "transmission",
    "vary",
]

if TYPE_CHECKING:
    from jaxtransport import closed_forms
    from jaxtransport.api import run
    from jaxtransport.classical.circuit import Circuit, solve_circuit
    from jaxtransport.classical.master import Lattice, steady_state
    from jaxtransport.errors import InputError
    from jaxtransport.laws import Exact, Linear, Series
    from jaxtransport.layout import Layout
    from jaxtransport.precision import PrecisionError
    from jaxtransport.search.design import Design, design
    from jaxtransport.search.nearest import nearest_zero
    from jaxtransport.search.vary import vary
    from jaxtransport.search.zeros import find_zeros
    from jaxtransport.state import State, nonreciprocity, solve, transmission
    from jaxtransport.sweep.export import export
    from jaxtransport.sweep.results import load
    from jaxtransport.wire import Wire


def __getattr__(name: str):
    if name in _MODULES:
        return importlib.import_module(f"jaxtransport.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'jaxtransport' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
