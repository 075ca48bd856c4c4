"""Running a sweep file, from the command line or by `jaxtransport.run`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxtransport import arguments, models, results
from jaxtransport.compute import interrupts, xla
from jaxtransport.compute.memory import require_memory
from jaxtransport.errors import InputError
from jaxtransport.hints import with_hints
from jaxtransport.jobs import extensions, outputs
from jaxtransport.models import make_task
from jaxtransport.store import files, revisions
from jaxtransport.store import lock as locks
from jaxtransport.store import store as stores
from jaxtransport.store.averages import Averages

if TYPE_CHECKING:
    import xarray
    from distributed import Client

    from jaxtransport.jobs.backends import Backend
    from jaxtransport.jobs.extensions import Extension
    from jaxtransport.spec.spec import Spec
    from jaxtransport.sweep.average import Averaging
    from jaxtransport.sweep.plan import Plan
    from jaxtransport.sweep.run import Progress
    from jaxtransport.sweep.task import Task


@dataclass(frozen=True)
class Estimate:
    """Estimated cost of a spec."""

    points: int  # that are computed
    members: int  # of each stored point; 1 without [average]
    bytes: int
    free_bytes: int
    memory_bytes: int  # of the whole process at its peak
    seconds: float  # on one core
    batches: dict[int, int]  # padded size -> points a batch: one compilation each


def estimate(spec: Spec, output: Path) -> Estimate:
    """Points, bytes and batches of a spec whose result goes to `output`."""
    task = make_task(spec)
    plan, average = models.plan_of(spec, task, xla.kind_of_cpu()), models.averaging(spec, task)
    more = 0 if average is None else average.memory_bytes(plan)
    return Estimate(
        task.grid.size,
        1 if average is None else average.members,
        files.needed_bytes(task if average is None else average.stored()),
        files.free_bytes(output),
        plan.memory_bytes(task) + more,
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
    extend: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
    devices: int | None = None,
    scheduler: str | Client | None = None,
) -> xarray.Dataset:
    """Run a sweep file and return its result, in memory and with no file left open.

    A second run on the same output resumes: only points that are not on file are computed.

    Args:
        spec: path of a sweep file (TOML).
        output: result file; default results/<name of the spec>.h5.
        overrides: "table.key=value" each, as for --set.
        force: replace an output that was made by another spec; with `extend`, drop the points of it that
            the spec leaves out.
        extend: make an output with other values of its axes anew, with all its points copied bit for bit,
            and compute the rest.
        report: called with the progress before the first and after every block.
        devices: how many local devices compute, together; by default all, or one for a sweep that takes
            less time than compiling its program for another.
        scheduler: address of a dask.distributed scheduler, or a `Client`, whose workers compute instead.

    Raises:
        InputError: every mistake in the spec; an output of another spec, or one that cannot be
            written, or that another run is writing.
        KeyboardInterrupt: after SIGINT, SIGTERM or SIGHUP, with everything stored that was in flight.
    """
    arguments.require_outside("run")
    overrides = arguments.texts("overrides", overrides, "texts, such as 'wire.gamma=0.4'")
    force, extend = arguments.flag("force", force), arguments.flag("extend", extend)
    arguments.function("report", report)
    if devices is not None:
        devices = arguments.whole("devices", devices, 1)
    _check_scheduler(scheduler)
    output = None if output is None else arguments.path("output", output)
    parsed = models.read(arguments.path("spec", spec), overrides)
    path = Path(os.path.abspath(parsed.default_output if output is None else output))
    how: dict[str, Any] = {"report": report, "devices": devices, "scheduler": scheduler}
    execute(parsed, path, force=force, extend=extend, **how)
    return results.load(path)


def _check_scheduler(scheduler: Any) -> None:
    """Raise `InputError` if `scheduler` is neither an address nor a client, before anything is read."""
    distributed = sys.modules.get("distributed")  # None: not loaded, so there is no client
    if scheduler is None or (isinstance(scheduler, str) and scheduler):
        return
    if distributed is None or not isinstance(scheduler, distributed.Client):
        raise arguments.wrong("scheduler", scheduler, "an address such as tcp://host:8786, or a Client")


def _check_sweep(spec: Spec, devices: int | None, scheduler: str | Client | None) -> None:
    """Raise `InputError` for a spec that searches, and for local devices beside a scheduler."""
    if spec.search is not None:
        raise InputError(
            "search: `jaxtransport run` does not search; use `jaxtransport zeros`, or remove [search]"
        )
    if devices is not None and scheduler is not None:
        raise InputError(
            "devices: cannot be combined with a scheduler, whose workers bring their own devices"
        )


def execute(
    spec: Spec,
    output: Path,
    *,
    force: bool = False,
    extend: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
    devices: int | None = None,
    scheduler: str | Client | None = None,
) -> Progress:
    """Run a validated spec into `output`: start it, resume it or extend it. Errors as for `run`."""
    _check_sweep(spec, devices, scheduler)
    outputs.check_output(output, force and not extend)
    output = Path(os.path.realpath(output))  # through links: one file, one lock

    from jaxtransport.jobs import backends
    from jaxtransport.sweep import run as loop

    note = "storing the results in flight, then stopping; a second signal stops at once"
    # Held from here on: a job may be terminated while it waits for its workers.
    with interrupts.held(note, breakable=True) as stop:

        def waiting(note: str) -> None:
            if stop():
                raise KeyboardInterrupt
            report(loop.Progress(task.grid.size, 0, 0, note=note))

        lock = locks.Lock(output)
        try:
            # Before JAX is loaded, so that errors appear quickly.
            existing = output.exists() and (extend or not force)
            extension = extensions.required(spec, output, extend=extend, force=force) if existing else None
            if resumed := existing and extension is None:
                spec = outputs.check_same(spec, output)
            elif extension is not None:
                spec = extension.spec
            task = make_task(spec)
            average = models.averaging(spec, task)
            stored = task if average is None else average.stored()
            if not resumed:
                files.require_space(output, files.needed_bytes(stored))
            elif (done := outputs.complete(stored, output)) is not None:
                report(done)
                return done
            elif scheduler is not None:
                outputs.require_text_of_today(spec, output)
            if scheduler is None:
                at = backends.here(task, devices)
            else:
                at = backends.cluster(spec, scheduler, waiting)
            with at as backend:
                interrupts.check()
                made, local = _Made(spec, task, stored, average, output, backend), scheduler is None
                plan = _resumed(made, local=local) if resumed else _begun(made, extension, local=local)
                progress = made.computed(plan, report, stop)
        finally:
            lock.release()
        if progress.done < progress.total:
            raise KeyboardInterrupt
    return progress


@dataclass(frozen=True)
class _Made:
    """What a run is about to compute."""

    spec: Spec
    task: Task
    stored: Task  # as the file has it
    average: Averaging | None
    output: Path
    backend: Backend

    def computed(self, plan: Plan, report: Callable[[Progress], None], stop: Callable[[], bool]) -> Progress:
        """Compute what the file lacks."""
        from jaxtransport.sweep import run as loop

        names, average = [v.name for v in self.stored.variables], self.average
        with (
            stores.Store(self.output, self.stored.grid, names) as store,
            self.backend.executor(plan.halved(store.halvings)) as executor,
            nullcontext(store)
            if average is None
            else Averages(store, average, plan, self.spec.fingerprint) as target,
        ):
            return loop.execute(self.task.grid, target, executor, report, stop=stop)

    def require_memory(self, plan: Plan, *, local: bool) -> None:
        """Raise `InputError` if a plan takes more memory than there is beside local cores."""
        if self.backend.memory is not None or not local:
            return
        remedy = "store fewer variables along the wire, or use shorter wires"
        more = 0 if self.average is None else self.average.memory_bytes(plan)
        require_memory(plan.memory_bytes(self.task) + more, remedy)


def _resumed(made: _Made, *, local: bool) -> Plan:
    """The plan of the file; notes who resumes it."""
    plan = outputs.stored_plan(made.stored, made.output)
    made.require_memory(plan, local=local)
    revisions.record(made.output, made.backend.provenance)
    return plan


def _begun(made: _Made, extension: Extension | None, *, local: bool) -> Plan:
    """The plan of a new file; makes it, perhaps with the points of the one that is there."""
    plan = models.plan_of(made.spec, made.task, made.backend.kind, made.backend.memory)
    made.require_memory(plan, local=local)
    if extension is not None:
        extension.make(made.stored, plan, made.backend.provenance)
    else:
        outputs.create(made.spec, made.stored, made.output, plan, made.backend.provenance)
    return plan
