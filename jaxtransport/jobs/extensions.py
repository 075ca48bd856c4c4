"""An output with other values of its axes: made anew, with every point that it has.

the same but for values of axes -> a new file beside it <- the points of both, copied
                                -> in its place, by one rename; the rest is computed as of any file

An average over more members starts from the sums over those that the file has seen (`store.carried`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jaxtransport import models
from jaxtransport.errors import InputError
from jaxtransport.jobs import outputs
from jaxtransport.spec import spec as specs
from jaxtransport.spec.spec import Spec
from jaxtransport.status import TO_COMPUTE
from jaxtransport.store import lock as locks
from jaxtransport.store import results, revisions
from jaxtransport.store.carried import Carried
from jaxtransport.store.copy import Source, copy
from jaxtransport.sweep.average import Averaging
from jaxtransport.sweep.grid import Grid
from jaxtransport.sweep.plan import Plan
from jaxtransport.sweep.statistics import BOOKS
from jaxtransport.sweep.task import Task
from jaxtransport.text import count

OTHERWISE = "choose another output, or use --force"


@dataclass(frozen=True)
class Extension:
    """An output that differs from a spec in the values of its axes alone."""

    spec: Spec  # as asked, with all variables of the file
    output: Path
    axes: tuple[str, ...]  # those that differ
    points: int  # of the spec, members counted
    held: int  # ... that the file has
    lost: int  # points of the file that the spec leaves out
    average: Averaging | None  # of the spec, if it has more members than the file

    def make(self, task: Task, plan: Plan, provenance: Mapping[str, str]) -> None:
        """Replace the file by one of the spec, in one step, with all points that both have.

        Args:
            task: as the file has it.
        """
        outputs.require_sound(models.file_task(outputs.stored_spec(self.output)[0]), self.output)
        with open(self.output, "rb") as file:
            locks.share(file.fileno(), self.output)  # no run writes it under another name
        origin = revisions.joined([results.read_attributes(self.output)], provenance)
        with results.ResultFile(self.output) as result:
            source = Source.of(result, task)
            if self.average is not None:
                books = _seen(source, task, self.average, self.output)
                Carried(self.average, books).write(self.output, self.spec.fingerprint, plan)
            sources = [source] if self.average is None else []
            fill = lambda part: copy(sources, task, part)
            outputs.create(self.spec, task, self.output, plan, {**provenance, **origin}, fill)


def _seen(source: Source, task: Task, average: Averaging, output: Path) -> dict[str, np.ndarray]:
    """The sums over members that a file has, over the grid of `task`; none if it took them otherwise."""
    if Plan.from_json(str(results.read_attributes(output)["plan"])).piece != average.piece:
        return {}
    return source.spread({v.name: v.dtype for v in task.variables if v.name.startswith(BOOKS)}, task)


def required(spec: Spec, output: Path, *, extend: bool, force: bool) -> Extension | None:
    """How the file at `output` has to be extended for a spec; None if it is not, or cannot be.

    Raises:
        InputError: it can be, but `extend` does not ask for it; points would be lost, without `force`; it
            lacks variables.
    """
    found = _found(spec, output)
    if found is None:
        return None
    of_file = specs.differences(outputs.stored_spec(output)[0].canonical(), spec.canonical())
    points = found.points
    if not extend:
        if not found.held:
            return None
        raise InputError(
            [
                f"output {output} has other values of {' and '.join(found.axes)}, and {found.held:,} of the "
                f"{points:,} points asked for: use --extend to keep them and compute the others; or choose "
                "another output, or use --force",
                *of_file,
            ]
        )
    if found.lost and not force:
        raise InputError(
            [
                f"output {output} has {count(found.lost, 'point')} at values that the spec leaves out; "
                "choose another output, or use --extend with --force to drop them",
                *of_file,
            ]
        )
    return found


def _found(spec: Spec, output: Path) -> Extension | None:
    if results.is_search(output):
        return None
    made_by, fingerprint = outputs.stored_spec(output)
    axes = differing_axes(made_by, spec)
    if fingerprint != made_by.fingerprint or not axes or outputs.is_same(spec, output):
        return None
    outputs.require_variables(spec, made_by, output, OTHERWISE)
    if set(spec.variables) != set(made_by.variables):
        spec = models.parse(spec.text, spec.name, [f"output.variables={json.dumps(list(made_by.variables))}"])
    members, task = models.make_task(spec), models.file_task(spec)
    with results.ResultFile(output) as file:
        source = Source.of(file, task)
        held, average = source.held(), models.averaging(spec, members)
        settled = sum(n for code, n in results.count_statuses(output).items() if code not in TO_COMPUTE)
        lost, known = settled - held, held
        if average is None or not set(axes).intersection(spec.averaged):
            known *= members.grid.size // task.grid.size
            average = None
        elif wrong := _no_more_members(made_by, spec):
            raise InputError(f"output {output}: {wrong}; {OTHERWISE}")
        else:
            books = _seen(source, task, average, output)
            known = int(sum(np.sum(books[BOOKS + name]) for name in ("n", "failed"))) if books else 0
    return Extension(spec, output, axes, members.grid.size, known, lost, average)


def _no_more_members(one: Spec, other: Spec) -> str:
    """Why the members of one average are not the first of another; "" if they are."""
    if "quantiles" in getattr(one.tables["average"], "statistics", ()):
        return "quantiles need every member, and a file keeps none of them: they cannot be extended"
    old, new = (_members_of(spec) for spec in (one, other))
    if old.size < new.size:
        at = np.arange(old.size)
        before, after = old.points(at), new.points(at)
        if all(np.array_equal(before[name], after[name]) for name in before):
            return ""
    names = " and ".join(one.averaged)
    return f"averages are extended by more values of {names} behind those of the file"


def _members_of(spec: Spec) -> Grid:
    grid, averaged = spec.grid(), set(spec.averaged)
    columns = tuple(c for c in grid.columns if c.along and averaged.issuperset(c.along))
    return Grid(tuple(axis for axis in grid.axes if axis.name in averaged), columns=columns)


def differing_axes(one: Spec, other: Spec) -> tuple[str, ...]:
    """The axes whose values alone make two specs differ; none if something else does."""
    old, new = one.canonical(), other.canonical()
    keys = {key for key in {*old, *new} if old.get(key) != new.get(key)}
    axis_of = {f"grid.{axis.name}": axis.name for axis in other.axes}
    along = {c.name: c.along for c in one.columns}
    for column in other.columns:
        if not column.formula and along.get(column.name) == column.along:
            axis_of[f"grid.{column.name}"] = column.along[0]  # which varies together with the axis
    if not keys <= axis_of.keys():
        return ()
    return tuple(dict.fromkeys(name for key, name in axis_of.items() if key in keys))
