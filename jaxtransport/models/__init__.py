"""The models of sweep files, by name: how their files are read, and what they compute.

Host data only, so that `validate` needs no JAX: the code that computes a point is loaded on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxtransport.models import circuit, classical, quantum
from jaxtransport.models.fixed import carried, described, fixed
from jaxtransport.spec import spec as specs
from jaxtransport.spec.spec import Spec
from jaxtransport.spec.tables import Model
from jaxtransport.sweep.average import Average, Averaging
from jaxtransport.sweep.plan import Plan, make_plan
from jaxtransport.sweep.task import Beside, Task

if TYPE_CHECKING:
    import xarray

MODELS: dict[str, Model] = {
    "quantum": quantum.MODEL,
    "classical": classical.MODEL,
    "circuit": circuit.MODEL,
}


def read(path: str | Path, overrides: Sequence[str] = ()) -> Spec:
    """The validated spec in the TOML file at `path`. See `spec.read`."""
    return specs.read(path, MODELS, overrides)


def parse(text: str, name: str = "sweep", overrides: Sequence[str] = ()) -> Spec:
    """The validated spec in TOML `text`. Errors as for `read`."""
    return specs.parse(text, MODELS, name, overrides)


def make_task(spec: Spec) -> Task:
    """The task of a spec, by its model, with the fixed parameters as coordinates of the result.

    Of a spec with [average] it is that of the members, whose blocks are reduced to moments.
    """
    model = MODELS[spec.model]
    task = model.make_task(spec)
    columns = (Beside(c.name, c.values, c.along, c.unit, c.long_name, c.symbol) for c in spec.columns)
    task = replace(task, beside=(*task.beside, *columns, *fixed(spec, model.parameters)))
    average = averaging(spec, task)
    return task if average is None else replace(task, reduce=average.reduced)


def file_task(spec: Spec) -> Task:
    """The task of a spec as its file has it: of an average, the statistics."""
    task = make_task(spec)
    average = averaging(spec, task)
    return task if average is None else average.stored()


def plan_of(spec: Spec, task: Task, kind: str, memory: int | None = None) -> Plan:
    """The plan of a spec and its task, as `sweep.plan.make_plan`."""
    plan, average = make_plan(task, kind, memory), averaging(spec, task)
    return plan if average is None else average.planned(plan)


def averaging(spec: Spec, task: Task) -> Averaging | None:
    """The average of a spec and its task; None if it has no [average]."""
    table: Any = spec.tables["average"]
    if table.over is None:
        return None
    until = table.until or {}
    quantiles = tuple(table.quantiles or ())
    average = Average(
        tuple(table.over), tuple(table.statistics), quantiles, until.get("error"), until.get("of", "")
    )
    return Averaging(average, task)


def search(spec: Spec, report: Callable[[int, int], None] = lambda done, total: None) -> xarray.Dataset:
    """Run the [search] of a spec at every point of its grid.

    Args:
        report: called with the number of finished searches and their total.
    """
    model = MODELS[spec.model]
    assert model.search is not None, f"the tables of {spec.model} accept no [search]"
    return carried(model.search(spec, report), spec, model.parameters)


def attributes_of(spec: Spec) -> dict[str, str]:
    """Attributes of a result: its spec, its layout, which parameters are lists."""
    axes = (axis for axis in spec.axes if axis.name in spec.averaged)
    averaged = " ".join(f"{axis.name} ({len(axis.values)})" for axis in axes)
    origin = {"title": spec.title, "model": spec.model, "spec": spec.text, "fingerprint": spec.fingerprint}
    origin |= {"averaged": averaged} if averaged else {}
    return origin | described(spec, MODELS[spec.model].parameters)
