"""Running a sweep file: what the command line and `jaxtransport.run` share."""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxtransport import arguments, interrupts, xla
from jaxtransport.errors import InputError
from jaxtransport.hints import with_hints
from jaxtransport.models import make_task
from jaxtransport.status import NOT_COMPUTED, OUTSIDE_BAND, SOLVED, TO_COMPUTE
from jaxtransport.sweep import files, results
from jaxtransport.sweep import lock as locks
from jaxtransport.sweep import spec as specs
from jaxtransport.sweep import store as stores
from jaxtransport.sweep.fixed import described
from jaxtransport.sweep.memory import require_memory
from jaxtransport.sweep.plan import Plan, make_plan
from jaxtransport.sweep.search_spec import memory_bytes as search_bytes
from jaxtransport.sweep.shipped import shipped
from jaxtransport.sweep.targets import check_name

if TYPE_CHECKING:
    import xarray
    from distributed import Client

    from jaxtransport.backends import Backend
    from jaxtransport.sweep.run import Progress
    from jaxtransport.sweep.spec import Spec
    from jaxtransport.sweep.task import Task


@dataclass(frozen=True)
class Estimate:
    """What a spec will cost, before anything is computed."""

    points: int
    bytes: int
    free_bytes: int
    memory_bytes: int  # of the whole process at its peak
    seconds: float  # on one core
    batches: dict[int, int]  # padded size -> points a batch: one compilation each


def estimate(spec: Spec, output: Path) -> Estimate:
    """Points, bytes and batches of a spec whose result goes to `output`."""
    task = make_task(spec)
    plan = make_plan(task, xla.kind_of_cpu())
    return Estimate(
        task.grid.size,
        files.needed_bytes(task),
        files.free_bytes(output),
        plan.memory_bytes(task),
        plan.seconds(task),
        dict(plan.batch),
    )


def is_large_program(spec: Spec) -> bool:
    """Whether compiling the program of a point in one piece takes longer than it saves."""
    task = make_task(spec)
    return task.quickly and task.sequential


@with_hints
def run(
    spec: str | Path,
    output: str | Path | None = None,
    *,
    overrides: Sequence[str] = (),
    force: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
    devices: int | None = None,
    scheduler: str | Client | None = None,
) -> xarray.Dataset:
    """Run a sweep file and return its result, in memory and with no file left open.

    Run again on the same output, it resumes: only what is not on file is computed.

    Args:
        spec: path of a sweep file (TOML).
        output: result file; default results/<name of the spec>.h5.
        overrides: "table.key=value" each, as for --set.
        force: replace an output that was made by another spec.
        report: called with the progress before the first and after every block.
        devices: how many local devices compute, together; by default all, or one for a sweep that is done
            before its program is compiled for another.
        scheduler: address of a dask.distributed scheduler, or a `Client`, whose workers compute instead.

    Raises:
        InputError: every mistake in the spec; an output of another spec, or one that cannot be
            written, or that another run is writing.
        KeyboardInterrupt: after SIGINT, SIGTERM or SIGHUP, with everything stored that was in flight.
    """
    arguments.require_outside("run")
    overrides = arguments.texts("overrides", overrides, "texts, such as 'wire.gamma=0.4'")
    force = arguments.flag("force", force)
    arguments.function("report", report)
    if devices is not None:
        devices = arguments.whole("devices", devices, 1)
    _check_scheduler(scheduler)
    output = None if output is None else arguments.path("output", output)
    parsed = specs.read(arguments.path("spec", spec), overrides)
    path = Path(os.path.abspath(parsed.default_output if output is None else output))
    execute(parsed, path, force=force, report=report, devices=devices, scheduler=scheduler)
    return results.load(path)


def _check_scheduler(scheduler: Any) -> None:
    """Refuse what is neither an address nor a client, before anything is read."""
    distributed = sys.modules.get("distributed")  # what is not loaded has made no client
    if scheduler is None or (isinstance(scheduler, str) and scheduler):
        return
    if distributed is None or not isinstance(scheduler, distributed.Client):
        raise arguments.wrong("scheduler", scheduler, "an address such as tcp://host:8786, or a Client")


def execute(
    spec: Spec,
    output: Path,
    *,
    force: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
    devices: int | None = None,
    scheduler: str | Client | None = None,
) -> Progress:
    """Run a validated spec into `output`: start it, or resume it. Errors as for `run`."""
    if spec.search is not None:
        raise InputError("search: is for `jaxtransport zeros`; use that, or remove [search]")
    if devices is not None and scheduler is not None:
        raise InputError("devices: are those of this machine; with a scheduler, its workers bring theirs")
    _check_output(output, force)
    output = Path(os.path.realpath(output))  # through links: one file, one lock

    from jaxtransport import backends
    from jaxtransport.sweep import run as loop

    note = "storing what is in flight, then stopping; once more stops at once"
    # From here on: a job may be told to end while it waits for its workers.
    with interrupts.held(note, breakable=True) as stop:

        def waiting(note: str) -> None:
            if stop():
                raise KeyboardInterrupt
            report(loop.Progress(task.grid.size, 0, 0, note=note))

        lock = locks.Lock(output)
        try:
            # Before JAX is loaded: an answer should be quick.
            resumed = output.exists() and not force
            spec = _check_same(spec, output) if resumed else spec
            task = make_task(spec)
            if not resumed:
                files.require_space(output, files.needed_bytes(task))
            elif (done := _complete(task, output)) is not None:
                report(done)
                return done
            elif scheduler is not None:
                _require_text_of_today(spec, output)
            if scheduler is None:
                at = backends.here(task, devices)
            else:
                at = backends.cluster(spec, scheduler, waiting)
            with at as backend:
                interrupts.check()
                made = lambda: make_plan(task, backend.kind, backend.memory)
                plan = _stored_plan(task, output) if resumed else made()
                if backend.memory is None and scheduler is None:  # cores: their memory is this machine's
                    remedy = "ask for fewer variables along the wire, or for shorter wires"
                    require_memory(plan.memory_bytes(task), remedy)
                if not resumed:
                    _create(spec, task, output, plan, backend)
                with (
                    stores.Store(output, task.grid, [v.name for v in task.variables]) as store,
                    backend.executor(plan.halved(store.halvings)) as executor,
                ):
                    progress = loop.execute(task.grid, store, executor, report, stop=stop)
        finally:
            lock.release()
        if progress.done < progress.total:
            raise KeyboardInterrupt
    return progress


def search(
    spec: Spec,
    output: Path,
    *,
    force: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
) -> int:
    """Search as a validated spec says, into `output`, unless its result is there.

    Returns:
        How many searches were done: 0 if their result was on file.

    Raises:
        InputError: a spec without [search]; else as for `run`.
        KeyboardInterrupt: after SIGINT, SIGTERM or SIGHUP; nothing is written then.
    """
    if spec.search is None:
        raise InputError(
            "search: missing; pass what is searched, such as [search] over = { mu_bar = [-1.99, 1.99] }, "
            "or use `jaxtransport run`"
        )
    _check_output(output, force)
    output = Path(os.path.realpath(output))
    if output.exists() and not force:
        _check_same(spec, output)
        return 0

    from jaxtransport import runtime
    from jaxtransport.models.search import search as search_grid
    from jaxtransport.search.store import save
    from jaxtransport.sweep.run import Progress

    start = time.time()

    def done(number: int, total: int) -> None:
        report(Progress(total, number, 0, seconds=time.time() - start))

    with interrupts.held(breakable=True):
        lock = locks.Lock(output)
        try:
            require_memory(search_bytes(spec), "search shorter outer axes, one after the other (--set)")
            runtime.devices(None)  # says what is wrong where JAX cannot start
            with runtime.computing():
                data = search_grid(spec, done)
                origin = {"title": spec.title, "model": spec.model, "spec": spec.text}
                origin |= {"fingerprint": spec.fingerprint, **runtime.provenance()}
                save(data, output, origin, start)
        finally:
            lock.release()
    return data.sizes.get("search", 1)


def figures(
    names: Sequence[str] = (),
    folder: str | Path = "results",
    *,
    kind: str = "png",
    force: bool = False,
    reporter: Callable[[str], AbstractContextManager] = lambda name: nullcontext(lambda progress: None),
) -> Iterator[tuple[Path, dict[str, int]]]:
    """Draw figures of the paper from the files in results/, running first what is missing there.

    Args:
        names: of figures, such as "fig3b", "3b" or "3" (all panels); all figures if empty.
        folder: where the pictures go.
        kind: "png", "pdf" or "svg".
        force: replace results that were made by other sweep files.
        reporter: makes a context with a report of progress (see `run`) for the sweep of a name.

    Yields:
        The path of every picture, as soon as it is drawn, and how many points of which of its sweeps failed.

    Data always goes to results/ under the current folder, wherever the pictures go.

    Raises:
        InputError: an unknown figure or format; a result of another sweep file, or a damaged one.
    """
    from jaxtransport.plot.draw import FORMATS
    from jaxtransport.plot.figures import draw_figure, select

    chosen = select(names)
    kind = kind.lower()
    if f".{kind}" not in FORMATS:
        raise InputError(f"--format {kind}: pass one of {', '.join(f.removeprefix('.') for f in FORMATS)}")
    check_name("-o", folder)
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise InputError(f"-o {folder}: is a file; pass a folder for the pictures")
    ready: dict[str, xarray.Dataset] = {}
    for figure in chosen:
        for name in figure.sweeps:
            path = shipped(name)
            if name in ready:
                continue
            if path is None:
                raise InputError(f"{name}.toml: missing among the sweep files of this installation")
            ready[name] = _result(specs.read(path), force, reporter)
        picture = Path(folder) / f"{figure.name}.{kind}"
        failed = {name: n for name in figure.sweeps if (n := _failures(ready[name]))}
        draw_figure(figure, {name: ready[name] for name in figure.sweeps}, picture)
        yield picture, failed


def _failures(data: xarray.Dataset) -> int:
    """Points without a number that no physics explains: a potential outside the band is a result."""
    good = [SOLVED, OUTSIDE_BAND]
    return int((~data["status"].isin(good)).sum())


def _result(spec: Spec, force: bool, reporter: Callable[[str], AbstractContextManager]) -> xarray.Dataset:
    """The result of a spec: from its file if that is complete, else run."""
    path = spec.default_output
    if path.exists():
        _check_output(path, force)
        if not force:
            results.require_whole(path, make_task(_check_same(spec, path, "move it away, or pass --force")))
    if not path.exists() or force or NOT_COMPUTED in results.count_statuses(path):
        with reporter(spec.name) as report:
            execute(spec, path, force=force, report=report)
    return results.load(path)


def _check_output(output: Path, force: bool) -> None:
    check_name("output", output)
    if os.path.isdir(output):
        raise InputError(f"output {output}: is a folder; pass the name of a file")
    if output.suffix in (".lock", ".part"):
        raise InputError(f"output {output}: runs use this ending for themselves; pass another name")
    if os.path.exists(output):
        with suppress(results.DamagedFile) if force else nullcontext():
            results.read_attributes(output)


def _check_same(spec: Spec, output: Path, way_out: str = "pass another output, or --force") -> Spec:
    """The spec of the file at `output`, which has the variables of `spec`, or more.

    Raises:
        InputError: it is the result of another spec, or lacks some of the variables.
    """
    attributes = results.read_attributes(output)
    made_by = specs.parse(str(attributes["spec"]), f"output {output}: its attribute spec")
    if attributes["fingerprint"] != made_by.fingerprint:
        made_by = _with_stored_axes(made_by, output)
    asked = spec if made_by.fingerprint == spec.fingerprint else _with_stored_axes(spec, output)
    if attributes["fingerprint"] != asked.fingerprint:
        other = f"output {output}: is the result of another spec; {way_out}"
        raise InputError([other, *specs.differences(made_by.canonical(), spec.canonical())])
    if lacks := [name for name in spec.variables if name not in made_by.variables]:
        raise InputError(
            f"output.variables: {output} lacks {', '.join(lacks)}, and all points would have to be computed "
            f"again; {way_out}"
        )
    return dataclasses.replace(made_by, name=spec.name)


def _with_stored_axes(spec: Spec, output: Path) -> Spec:
    """`spec` with the axes of the file at `output`, if they differ by rounding alone.

    Versions that computed ranges by repeated addition have other last bits than the decimals of today.
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


def _require_text_of_today(spec: Spec, output: Path) -> None:
    """Raise `InputError` if workers, who get the text of a spec, would read other axes than the file has."""
    if specs.parse(spec.text).fingerprint != spec.fingerprint:
        raise InputError(
            f"scheduler: the axes of {output} were rounded by an earlier version, and workers would compute "
            "at others; go on without a scheduler, or pass --force"
        )


def _complete(task: Task, output: Path) -> Progress | None:
    """The end of a run of which nothing is left to do; None if something is. JAX is not needed to tell."""
    from jaxtransport.sweep.run import Progress

    counts = results.count_statuses(output)
    _, finished = results.times(output)
    if finished != finished or any(code in counts for code in TO_COMPUTE):
        return None
    _require_sound(task, output)
    total = sum(counts.values())
    return Progress(total, total, total, failed=total - counts.get(SOLVED, 0))


def _require_sound(task: Task, output: Path) -> None:
    """Raise `DamagedFile` if the file cannot be gone on with, or believed; nobody else writes it."""
    files.discard_part(output)
    results.require_whole(output, task)
    results.require_intact(output)  # nothing is computed beside numbers that are no longer true


def _stored_plan(task: Task, output: Path) -> Plan:
    """The plan of an existing file."""
    _require_sound(task, output)
    try:
        return Plan.from_json(str(results.read_attributes(output)["plan"]))
    except ValueError as error:
        raise InputError(f"{output}: is damaged (plan: {error}); --force replaces it") from None


def _create(spec: Spec, task: Task, output: Path, plan: Plan, backend: Backend) -> None:
    """A new file of this spec."""
    origin = {"title": spec.title, "model": spec.model, "spec": spec.text, "fingerprint": spec.fingerprint}
    origin |= described(spec)
    files.create(output, task, {**origin, "plan": plan.to_json(), **backend.provenance}, plan)
