"""`model = "quantum"`: its tables, its task, and the search for its zeros."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from jaxtransport.models.quantum.reservoirs_table import with_numbers
from jaxtransport.models.quantum.tables import parse
from jaxtransport.models.quantum.task import make_task
from jaxtransport.parameters import QUANTUM
from jaxtransport.spec.spec import Spec
from jaxtransport.spec.tables import Model

if TYPE_CHECKING:
    import xarray


def _search(spec: Spec, report: Callable[[int, int], None]) -> xarray.Dataset:
    from jaxtransport.models.quantum.search import search  # loads JAX

    return search(spec, report)


MODEL = Model(parse, QUANTUM, make_task, _search, with_numbers)
