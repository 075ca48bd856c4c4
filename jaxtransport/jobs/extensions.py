"""An output with other values of its axes: made anew, with every point that it has.

the same but for values of axes -> a new file beside it <- the points of both, copied
                                -> in its place, by one rename; the rest is computed as of any file
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jaxtransport import models
from jaxtransport.errors import InputError
from jaxtransport.jobs import outputs
from jaxtransport.models import make_task
from jaxtransport.spec import spec as specs
from jaxtransport.spec.spec import Spec
from jaxtransport.status import TO_COMPUTE
from jaxtransport.store import lock as locks
from jaxtransport.store import results, revisions
from jaxtransport.store.copy import Source, copy
from jaxtransport.sweep.plan import Plan
from jaxtransport.sweep.task import Task


@dataclass(frozen=True)
class Extension:
    """An output that differs from a spec in the values of its axes alone."""

    spec: Spec  # as asked, with all variables of the file
    output: Path
    axes: tuple[str, ...]  # those that differ
    held: int  # points of the spec that the file has
    lost: int  # points of the file that the spec leaves out

    def make(self, task: Task, plan: Plan, provenance: Mapping[str, str]) -> None:
        """Replace the file by one of the spec, in one step, with all points that both have."""
        outputs.require_sound(make_task(outputs.stored_spec(self.output)[0]), self.output)
        with open(self.output, "rb") as file:
            locks.share(file.fileno(), self.output)  # no run writes it under another name
        origin = revisions.joined([results.read_attributes(self.output)], provenance)
        with results.ResultFile(self.output) as result:
            source = Source.of(result, task)
            fill = lambda part: copy([source], task, part)
            outputs.create(self.spec, task, self.output, plan, {**provenance, **origin}, fill)


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
    points = make_task(found.spec).grid.size
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
                f"output {output} has {found.lost:,} points at values that the spec leaves out; choose "
                "another output, or use --extend with --force to drop them",
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
    outputs.require_variables(spec, made_by, output, "choose another output, or use --force")
    if set(spec.variables) != set(made_by.variables):
        spec = models.parse(spec.text, spec.name, [f"output.variables={json.dumps(list(made_by.variables))}"])
    with results.ResultFile(output) as file:
        held = Source.of(file, make_task(spec)).held()
    counts = results.count_statuses(output)
    settled = sum(n for code, n in counts.items() if code not in TO_COMPUTE)
    return Extension(spec, output, axes, held, settled - held)


def differing_axes(one: Spec, other: Spec) -> tuple[str, ...]:
    """The axes whose values alone make two specs differ; none if something else does."""
    old, new = one.canonical(), other.canonical()
    keys = {key for key in {*old, *new} if old.get(key) != new.get(key)}
    axes = {f"grid.{axis.name}": axis.name for axis in other.axes}
    return tuple(name for key, name in axes.items() if key in keys) if keys <= axes.keys() else ()
