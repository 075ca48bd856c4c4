"""Commands that compute: `jaxtransport run | merge | validate | zeros | figures`.

JAX is imported only when they start to compute.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jaxtransport import text
from jaxtransport.cli.app import FAILED, NOTHING, AsJson, Overrides, SpecPath, app, interruptible
from jaxtransport.errors import InputError

if TYPE_CHECKING:
    from jaxtransport.jobs.measure import Measured
    from jaxtransport.jobs.run import Estimate
    from jaxtransport.spec.spec import Spec
    from jaxtransport.sweep.run import Progress


@app.command()
def run(
    spec: SpecPath,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT.h5", help="Default: results/SPEC.h5")
    ] = None,
    set_: Overrides = None,
    devices: Annotated[
        int | None, typer.Option(metavar="K", help="Compute on K local cores. Default: as many as help.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Compute on the workers of a dask scheduler.")
    ] = None,
    extend: Annotated[
        bool, typer.Option("--extend", help="Keep the points of an output with other values of its axes.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Overwrite an output of another spec; with --extend, drop points it leaves out."
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run a sweep and store its result in an HDF5 file; an unfinished file is resumed."""
    from jaxtransport import models
    from jaxtransport.cli.progress import reporter
    from jaxtransport.compute import xla
    from jaxtransport.jobs import run as jobs
    from jaxtransport.variables import ALONG_THE_WIRE

    parsed = models.read(spec, set_ or ())
    path = parsed.default_output if output is None else output
    xla.offer(devices)
    with contextlib.suppress(RuntimeError):  # called from a program in which JAX runs
        xla.compile_whole_loops(inner=jobs.is_large_program(parsed))
    if not (quiet or as_json):
        text.print_notes(parsed.notes)

    def kept() -> str:
        done = f"{path} keeps all finished points" if path.exists() else "nothing was computed yet"
        afresh = force and not extend
        return f"{done}; run the same command {'again, without --force,' if afresh else 'again'} to resume"

    unit = "member" if parsed.averaged else "point"
    with interruptible(kept), reporter(parsed.name, quiet=quiet or as_json, unit=unit) as report:
        progress = jobs.execute(
            parsed, path, force=force, extend=extend, report=report, devices=devices, scheduler=scheduler
        )
    along = ALONG_THE_WIRE.intersection(parsed.variables)
    drawable = any(len(a.values) > 1 for a in parsed.axes if a.name not in parsed.averaged) or bool(along)
    _report(path, progress, drawable=drawable, quiet=quiet, as_json=as_json)


def _report(path: Path, progress: Progress, *, drawable: bool, quiet: bool, as_json: bool) -> None:
    """Print the end of a run; exit with `FAILED` if points failed."""
    from jaxtransport.store import results

    counts = text.named(results.count_statuses(path))
    stored, computed = sum(counts.values()), progress.computed
    left_out = results.left_out(path)
    averaged = {} if left_out is None else {"stored": stored, "left_out": left_out}
    if as_json:
        text.print_json(
            output=str(path),
            points=progress.total,
            **averaged,
            computed=computed,
            failed=progress.failed,
            seconds=round(progress.seconds, 3),
            writing_seconds=round(progress.writing, 3),
            status=counts,
        )
    elif not quiet:
        points = text.count(stored, "point")
        took = f"{text.count(computed, 'member' if averaged else 'point')} in {progress.seconds:.1f} s"
        print(f"{path}: {points}, {took if computed else 'nothing left to compute'}")
        if drawable:
            print(f"picture: jaxtransport plot {path}")
    if left_out and not as_json:
        said = f"{text.count(left_out, 'member')} failed and were left out; the variable failed counts them"
        print(said, file=sys.stderr)
    if progress.failed:
        failures = ", ".join(f"{n:,} {name}" for name, n in counts.items() if name != "solved")
        points = text.count(stored, "point")
        print(f"{progress.failed:,} of {points} failed: {failures}", file=sys.stderr)
        if progress.trouble:
            print(f"{progress.trouble}; run the same command again to retry", file=sys.stderr)
        raise typer.Exit(FAILED)


@app.command()
def merge(
    results: Annotated[list[Path], typer.Argument(metavar="FILE.h5", help="Two or more result files.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT.h5", help="The merged file.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Merge results of one sweep at different values of its axes into one grid."""
    from jaxtransport.jobs.merge import join

    with interruptible(lambda: NOTHING):
        found, points = join(results, output, force=force)
    if as_json:
        text.print_json(output=str(output), points=points, computed=found)
        return
    print(f"{output}: {found:,} of {text.count(points, 'point')} from {text.count(len(results), 'file')}")
    if found < points:
        left = text.count(points - found, "point")
        print(f"{left} left to compute: jaxtransport run SPEC.toml -o {output}, with the axes of {output}")


@app.command()
def validate(
    spec: SpecPath,
    set_: Overrides = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Try a few points to tell the time of the run.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check a sweep file: report all mistakes at once, or estimate the cost of the run."""
    from jaxtransport import models
    from jaxtransport.jobs import run as jobs

    parsed = models.read(spec, set_ or ())
    if parsed.search is not None:
        if measure:
            raise InputError("--measure: only sweeps can be tried, not searches; remove it")
        from jaxtransport.cli.zeros import asked, asked_rows

        if as_json:
            text.print_json(spec=str(spec), **asked(parsed), notes=list(parsed.notes))
        else:
            print("\n".join([f"{spec}: valid, for jaxtransport zeros", *asked_rows(parsed)]))
            print("".join(f"  note       {note}\n" for note in parsed.notes), end="")
        return
    cost = jobs.estimate(parsed, parsed.default_output)
    tried = _tried(parsed) if measure else None
    if as_json:
        text.print_json(
            spec=str(spec),
            axes={a.name: len(a.values) for a in parsed.axes},
            points=cost.points,
            members=cost.members,
            variables=list(parsed.variables),
            bytes=cost.bytes,
            free_bytes=cost.free_bytes,
            memory_bytes=cost.memory_bytes,
            seconds=cost.seconds if tried is None else tried.seconds,
            **({} if tried is None else {"measured": dataclasses.asdict(tried)}),
            compilations=len(cost.batches),
            fingerprint=parsed.fingerprint,
            notes=list(parsed.notes),
        )
        return
    print(f"{spec}: valid")
    print("\n".join(_cost_rows(parsed, cost, tried)))
    if cost.bytes > cost.free_bytes:
        raise InputError(
            f"output {parsed.default_output} needs {text.size(cost.bytes)}, more than the free space there"
        )


def _cost_rows(parsed: Spec, cost: Estimate, tried: Measured | None) -> list[str]:
    """What a run takes, one line each."""
    grid = " x ".join(f"{len(a.values)} {a.name}" for a in parsed.axes) or "no grid"
    rows = []
    if parsed.averaged:
        each = f"{text.count(cost.points // cost.members, 'point')}, each of {cost.members:,} members"
        rows.append(f"average    over {', '.join(parsed.averaged)}: {each}")
    rows += [
        f"points     {cost.points:,} ({grid})",
        f"variables  {', '.join(parsed.variables)}, status",
        f"file       {text.size(cost.bytes)}; {text.size(cost.free_bytes)} free for {parsed.default_output}",
        f"memory     about {text.size(cost.memory_bytes)} at its peak, including the program itself",
    ]
    if tried is None:
        took = text.duration(cost.seconds)
        rows.append(
            f"time       about {took} on one core; difficult points take longer (--measure tries some)"
        )
    else:
        took, compiling = text.duration(tried.seconds), text.duration(tried.compile_seconds)
        rate = f"{tried.points_per_second:,.0f} points/s, {tried.unsolved:,} unsolved"
        rows += [
            f"time       about {took} on one core, {compiling} of it to compile",
            f"tried      {text.count(tried.points, 'point')}: {rate}",
        ]
    sizes = ", ".join(str(size) for size in cost.batches)
    rows.append(f"kernels    {len(cost.batches)} to compile (arrays of {sizes} sites)")
    return ["  " + row for row in (*rows, *(f"note       {note}" for note in parsed.notes))]


def _tried(parsed: Spec) -> Measured:
    """The time of a run, as a few of its points tell."""
    from jaxtransport.compute import xla
    from jaxtransport.jobs import run as jobs
    from jaxtransport.jobs.measure import measure

    with contextlib.suppress(RuntimeError):  # called from a program in which JAX runs
        xla.compile_whole_loops(inner=jobs.is_large_program(parsed))
    with interruptible(lambda: NOTHING):
        return measure(parsed)


@app.command()
def zeros(
    spec: SpecPath,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT.h5", help="Default: results/SPEC.h5")
    ] = None,
    set_: Overrides = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing output of any spec.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress and no table.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find the zeros of nonreciprocity, points or curves, in the windows of [search] of a sweep file."""
    from jaxtransport import models, results
    from jaxtransport.cli.progress import reporter
    from jaxtransport.cli.zeros import rows, summary
    from jaxtransport.compute import xla
    from jaxtransport.jobs.search import search

    parsed = models.read(spec, set_ or ())
    path = parsed.default_output if output is None else output
    xla.check_environment()
    if not (quiet or as_json):
        text.print_notes(parsed.notes)
    quietly = quiet or as_json
    with interruptible(lambda: NOTHING), reporter(parsed.name, quiet=quietly, unit="search") as report:
        search(parsed, path, force=force, report=report)
    data = results.load(path)
    if as_json:
        text.print_json(output=str(path), message=str(data.attrs["message"]), **summary(data))
    elif not quiet:
        print(f"{path}: {data.attrs['message']}")
        for line in rows(data):
            print(line)
        print(f"picture: jaxtransport plot {path}")
    if unsolved := summary(data)["unsolved"]:
        print(f"{text.count(unsolved, 'search')} found no steady state anywhere", file=sys.stderr)
        raise typer.Exit(FAILED)


@app.command()
def figures(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME ...]", help="Such as fig3b, 3b or 3. Default: all.")
    ] = None,
    folder: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the pictures.")
    ] = Path("results"),
    kind: Annotated[str, typer.Option("--format", metavar="png|pdf|svg", help="File format.")] = "png",
    force: Annotated[bool, typer.Option("--force", help="Run sweeps again whose results exist.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the figures and exit.")] = False,
) -> None:
    """Draw the figures of the paper; sweeps without a result run first (data always goes to results/)."""
    from jaxtransport.cli.progress import reporter
    from jaxtransport.compute import xla
    from jaxtransport.jobs.figures import figures as draw_all
    from jaxtransport.plot.figures import select

    if list_:
        for figure in select(names or ()):
            print(f"{figure.name:<16}{figure.title}")
        return
    xla.check_environment()
    failures: dict[str, int] = {}
    with interruptible(lambda: "results/ keeps all finished points; run the same command again to resume"):
        made = draw_all(
            names or (), folder, kind=kind, force=force, reporter=lambda name: reporter(name, quiet=quiet)
        )
        for picture, failed in made:
            print(picture, flush=True)
            failures |= failed
    for name, n in failures.items():
        print(
            f"{name}: {text.count(n, 'point')} failed, not drawn: jaxtransport status results/{name}.h5",
            file=sys.stderr,
        )
    if failures:
        raise typer.Exit(FAILED)
