"""Output files of jobs: whether they may be written, can be resumed, or are complete."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxtransport import models
from jaxtransport.errors import InputError
from jaxtransport.spec import spec as specs
from jaxtransport.status import SOLVED, TO_COMPUTE
from jaxtransport.store import files, results
from jaxtransport.store.targets import check_name
from jaxtransport.sweep.plan import Plan

if TYPE_CHECKING:
    from jaxtransport.spec.spec import Spec
    from jaxtransport.sweep.run import Progress
    from jaxtransport.sweep.task import Task


def check_output(output: Path, force: bool) -> None:
    check_name("output", output)
    if os.path.isdir(output):
        raise InputError(f"output {output} is a folder; expected the name of a file")
    if output.suffix in (".lock", ".part", ".members"):
        raise InputError(
            f"output {output}: names ending in {output.suffix} are reserved; choose another name"
        )
    if os.path.exists(output):
        with suppress(results.DamagedFile) if force else nullcontext():
            results.read_attributes(output)


def check_same(spec: Spec, output: Path, way_out: str = "choose another output, or use --force") -> Spec:
    """The spec of the file at `output`, which has the variables of `spec`, or more.

    Raises:
        InputError: it is the result of another spec, or lacks some of the variables.
    """
    made_by, _ = stored_spec(output)
    if not is_same(spec, output):
        other = f"output {output} is the result of another spec; {way_out}"
        raise InputError([other, *specs.differences(made_by.canonical(), spec.canonical())])
    require_variables(spec, made_by, output, way_out)
    return dataclasses.replace(made_by, name=spec.name)


def is_same(spec: Spec, output: Path) -> bool:
    """Whether the file at `output` is a result of `spec`, perhaps with other variables."""
    made_by, fingerprint = stored_spec(output)
    asked = spec if made_by.fingerprint == spec.fingerprint else _with_stored_axes(spec, output)
    return fingerprint == asked.fingerprint


def stored_spec(output: Path) -> tuple[Spec, str]:
    """The spec of the file at `output`, with the axes of the file, and the fingerprint that it has there."""
    attributes = results.read_attributes(output)
    made_by = models.parse(str(attributes["spec"]), f"output {output}: its attribute spec")
    fingerprint = str(attributes["fingerprint"])
    if fingerprint != made_by.fingerprint:
        made_by = _with_stored_axes(made_by, output)
    return made_by, fingerprint


def require_variables(spec: Spec, made_by: Spec, output: Path, way_out: str) -> None:
    """Raise `InputError` if the file at `output`, a result of `made_by`, lacks variables of `spec`."""
    if lacks := [name for name in spec.variables if name not in made_by.variables]:
        raise InputError(
            f"output.variables: {output} lacks {', '.join(lacks)}, and all points would have to be computed "
            f"again; {way_out}"
        )


def _with_stored_axes(spec: Spec, output: Path) -> Spec:
    """`spec` with the axes of the file at `output`, if they differ by rounding alone.

    Earlier versions computed ranges by repeated addition, which differs in the last bits.
    """
    with results.ResultFile(output) as file:
        axes = []
        for axis in spec.axes:
            if axis.name not in file.names or file.shape_of(axis.name) != axis.values.shape:
                return spec
            stored = file.read(axis.name)
            if not np.allclose(stored, axis.values, rtol=1e-14, atol=1e-14 * np.max(np.abs(axis.values))):
                return spec
            axes.append(dataclasses.replace(axis, values=stored))
    return dataclasses.replace(spec, axes=tuple(axes))


def require_text_of_today(spec: Spec, output: Path) -> None:
    """Raise `InputError` if workers, which read the text of a spec, would get other axes than the file."""
    if models.parse(spec.text).fingerprint != spec.fingerprint:
        raise InputError(
            f"scheduler: the axes of {output} were rounded by an earlier version, and workers would compute "
            "at others; resume without a scheduler, or use --force"
        )


def complete(task: Task, output: Path) -> Progress | None:
    """Progress of a complete output; None if points are left to compute. Needs no JAX."""
    from jaxtransport.sweep.run import Progress

    counts = results.count_statuses(output)
    _, finished = results.times(output)
    if finished != finished or any(code in counts for code in TO_COMPUTE):
        return None
    require_sound(task, output)
    total = sum(counts.values())
    return Progress(total, total, total, failed=total - counts.get(SOLVED, 0))


def require_sound(task: Task, output: Path) -> None:
    """Raise `DamagedFile` if the file is incomplete or damaged. The caller holds its lock."""
    files.discard_part(output)
    results.require_whole(output, task)
    results.require_intact(output)  # so that no points are added to a damaged result


def stored_plan(task: Task, output: Path) -> Plan:
    """The plan of an existing file."""
    require_sound(task, output)
    try:
        return Plan.from_json(str(results.read_attributes(output)["plan"]))
    except ValueError as error:
        raise InputError(f"{output} is damaged (plan: {error}); use --force to overwrite") from None


def create(
    spec: Spec,
    task: Task,
    output: Path,
    plan: Plan,
    provenance: Mapping[str, str],
    fill: Callable[[Path], Any] = lambda part: None,
) -> None:
    """A new file of this spec. See `files.create`."""
    attributes = {**models.attributes_of(spec), "plan": plan.to_json(), **provenance}
    files.create(output, task, attributes, plan, fill)
