"""Results of one physics over different values of the axes, joined into one grid.

    axis of the output = union of the axes of the files; point = that of the first file that has it

Points that no file has are not computed; a run of the same grid computes them.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jaxtransport import arguments, models, results
from jaxtransport.compute import interrupts, xla
from jaxtransport.errors import InputError
from jaxtransport.hints import with_hints
from jaxtransport.jobs import outputs
from jaxtransport.jobs.extensions import differing_axes
from jaxtransport.spec import spec as specs
from jaxtransport.spec.spec import Spec
from jaxtransport.store import alike, files, revisions
from jaxtransport.store import lock as locks
from jaxtransport.store.copy import Source, copy
from jaxtransport.store.results import ORIGIN, ResultFile, is_search, read_attributes
from jaxtransport.sweep.statistics import BOOKS

if TYPE_CHECKING:
    import xarray

# How a point was found, and estimates of its rounding: they depend on the batch.
NOT_COMPARED = frozenset({"steps", "nodes", "residual", "current_error", "quadrature_error"})
VERSIONS = tuple(name for name in ORIGIN if name not in ("title", "model", "fingerprint"))


@with_hints
def merge(paths: Sequence[str | Path], output: str | Path, *, force: bool = False) -> xarray.Dataset:
    """Merge results into one file, and return it, in memory and with no file left open.

    Every axis takes the values of all files, in the direction of the first file; the grid is their product.
    Points are copied bit for bit. Those that no file has get status -1: a run of the same grid with this
    output computes them.

    Args:
        paths: two or more results of sweeps that differ in the values of their axes alone.
        output: the new file.
        force: replace an existing output.

    Raises:
        InputError: files of different sweeps, or that lack variables of the first; files that differ at a
            point by more than 1e-12 of the largest number of that unit; a damaged file, or one that a run
            is writing; an existing output.
    """
    arguments.require_outside("merge")
    if isinstance(paths, str | Path) or not isinstance(paths, Sequence):
        raise arguments.wrong("paths", paths, "a list of paths of results")
    given = [arguments.path(f"paths[{i}]", path) for i, path in enumerate(paths, 1)]
    path = Path(os.path.abspath(arguments.path("output", output)))
    join(given, path, force=arguments.flag("force", force))
    return results.load(path)


def join(paths: Sequence[Path], output: Path, *, force: bool = False) -> tuple[int, int]:
    """Merge files into `output`; returns how many points it has, and of how many. Errors as for `merge`."""
    _check_names(paths, output, force)
    output = Path(os.path.realpath(output))
    with interrupts.held(), contextlib.ExitStack() as opened:
        opened.callback(locks.Lock(output).release)
        for path in paths:
            opened.enter_context(_unwritten(path))
        spec = _joined([_spec_of(path) for path in paths], paths)
        task = models.file_task(spec)
        files.require_space(output, files.needed_bytes(task))
        for path in paths:
            interrupts.check()
            outputs.require_sound(models.file_task(_spec_of(path)), path)
        known = [read_attributes(path) for path in paths]
        origin = {name: str(known[0][name]) for name in VERSIONS}
        kind = xla.kind_of_cpu() if origin["device"].startswith("cpu") else "gpu"
        sources = [Source.of(opened.enter_context(ResultFile(path)), task) for path in paths]
        units = {v.name: v.unit for v in task.variables if not _is_apart(v.name)}
        found = []
        outputs.create(
            spec,
            task,
            output,
            models.plan_of(spec, models.make_task(spec), kind),
            {**origin, **revisions.joined(known)},
            lambda part: found.append(copy(sources, task, part, units)),
        )
    return found[0], task.grid.size


def _is_apart(name: str) -> bool:
    """Whether files may differ in a variable, or in a statistic of it."""
    return name.startswith(BOOKS) or any(name == v or name.startswith(f"{v}_") for v in NOT_COMPARED)


def _check_names(paths: Sequence[Path], output: Path, force: bool) -> None:
    if len(paths) < 2:
        raise InputError(f"paths: expected two or more results, got {len(paths)}")
    outputs.check_output(output, force)
    seen: dict[str, Path] = {}
    for path in paths:
        if is_search(path):  # which raises if it is no result at all
            raise InputError(f"{path} is the result of a search; expected results of sweeps")
        if os.path.exists(output) and os.path.samefile(path, output):
            raise InputError(f"output {output} is one of the files to merge; choose another output")
        if (other := seen.setdefault(os.path.realpath(path), path)) is not path:
            raise InputError(f"{path} is named twice" + f", also as {other}" * (other != path))
    if os.path.exists(output) and not force:
        raise InputError(f"output {output} exists; choose another output, or use --force")


@contextlib.contextmanager
def _unwritten(path: Path) -> Iterator[None]:
    """Context in which no run writes a file, where its folder allows for a lock."""
    if locks.is_being_written(path):
        raise InputError(f"{path}: a run is writing it; wait for it, or leave it out")
    path = Path(os.path.realpath(path))
    if not os.access(path.parent, os.W_OK):
        yield
        return
    lock = locks.Lock(path)
    try:
        yield
    finally:
        lock.release()


def _spec_of(path: Path) -> Spec:
    spec, fingerprint = outputs.stored_spec(path)
    if spec.fingerprint != fingerprint:
        raise InputError(f"{path} was made by another version, which read its sweep file in another way")
    return spec


def _joined(parsed: Sequence[Spec], paths: Sequence[Path]) -> Spec:
    """The spec of all points: that of the first file, with the values of every file along its axes."""
    first = parsed[0]
    for spec, path in zip(parsed[1:], paths[1:], strict=True):
        if spec.fingerprint != first.fingerprint and not differing_axes(first, spec):
            said = specs.differences(first.canonical(), spec.canonical(), str(paths[0]), str(path))
            axes = {f"grid.{axis.name}" for axis in first.axes}
            other = [line for line in said if line.partition(":")[0] not in axes]
            raise InputError([f"{path} and {paths[0]} are results of different sweeps", *other])
        outputs.require_variables(first, spec, path, f"they are in {paths[0]}")
    overrides = [f"output.variables={json.dumps(list(first.variables))}"]
    unions = [alike.union([spec.axes[i].values for spec in parsed]) for i in range(len(first.axes))]
    for axis, values in zip(first.axes, unions, strict=True):
        override = _along(axis.name, values, parsed, paths)
        if axis.name in first.averaged:
            _require_same_members(axis.name, parsed, paths)
        elif not np.array_equal(axis.values, values):
            overrides.append(override)
    spec = models.parse(first.text, first.name, overrides)
    same = [
        axis.name in first.averaged or np.array_equal(axis.values, values)
        for axis, values in zip(spec.axes, unions, strict=True)
    ]
    if not all(same) or (spec.fingerprint != first.fingerprint and not differing_axes(first, spec)):
        raise InputError(f"the axes of {paths[0]} cannot be joined with those of the others")
    return spec


def _require_same_members(name: str, parsed: Sequence[Spec], paths: Sequence[Path]) -> None:
    """Raise `InputError` unless all files average over the same values of an axis, in the same order."""
    first, *others = (axis.values for spec in parsed for axis in spec.axes if axis.name == name)
    for values, path in zip(others, paths[1:], strict=True):
        if not np.array_equal(alike.places([first], [values]), np.arange(len(first))):
            raise InputError(
                f"{path} and {paths[0]} are averages over other values of {name}, which cannot be joined; "
                "run one of them with all values and --extend"
            )


def _along(name: str, values: np.ndarray, parsed: Sequence[Spec], paths: Sequence[Path]) -> str:
    """The override that gives an axis some values, and what varies with it those of the file that has them.

    Raises:
        InputError: files have other numbers there.
    """
    columns = [[c for c in spec.columns if not c.formula and c.along == (name,)] for spec in parsed]
    names = [name, *(column.name for column in columns[0])]
    if len(names) == 1:
        return f"grid.{name}={json.dumps(values.tolist())}"
    rows: dict[int, list] = {}
    for spec, of_spec, path in zip(parsed, columns, paths, strict=True):
        axis = spec.axis(name)
        assert axis is not None
        for numbers in zip(*(one.values.tolist() for one in (axis, *of_spec)), strict=True):
            row = rows.setdefault(int(np.argmin(np.abs(values - numbers[0]))), list(numbers))
            if row[1:] != list(numbers[1:]):
                raise InputError(
                    f"{path}: at {name} = {numbers[0]:g} it has another {' or '.join(names[1:])} than "
                    "the files before it"
                )
    whole = [[value, *rows[i][1:]] for i, value in enumerate(values.tolist())]
    return f"grid.{', '.join(names)}={json.dumps(whole)}"
