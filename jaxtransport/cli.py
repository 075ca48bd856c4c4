"""The command line: `jaxtransport run | validate | status | plot | export | figures | zeros | info`.

Exit codes: 0 done, 1 some points failed, 2 wrong input, 130 interrupted.
JAX is imported by `run`, `figures`, `zeros` and `info` alone, when they start to compute.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from jaxtransport import interrupts, text
from jaxtransport.errors import InputError

FAILED, WRONG_INPUT, INTERRUPTED = 1, 2, interrupts.EXIT_CODE

NOTHING = "nothing was written; run the same command again"

app = typer.Typer(
    name="jaxtransport",
    help="Electrical transport through wires with sources and drains of charge in their bulk.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

SpecPath = Annotated[Path, typer.Argument(metavar="SPEC.toml", help="Sweep file.")]
ResultPath = Annotated[Path, typer.Argument(metavar="OUT.h5", help="Result file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a key, such as wire.gamma=0.4; wire.gamma= removes it. Repeatable.",
    ),
]


def main() -> NoReturn:
    """Run a command: turns wrong input into a message and its exit code."""
    with interrupts.command():
        _run_app()


def _run_app() -> NoReturn:
    try:
        app()
    except InputError as error:
        for line in error.mistakes:
            print(f"error: {line}", file=sys.stderr)
        sys.exit(WRONG_INPUT)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror or error}", file=sys.stderr)
        sys.exit(WRONG_INPUT)
    sys.exit(0)


@contextlib.contextmanager
def _interruptible(says: Callable[[], str]) -> Iterator[None]:
    """Turns an interruption into a message, which `says` makes, and its exit code."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"interrupted: {says()}", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    from jaxtransport import xla

    with contextlib.suppress(RuntimeError):  # called from a program in which JAX runs
        xla.compile_whole_loops()
    if version:
        import jaxtransport

        print(jaxtransport.__version__)
        raise typer.Exit


@app.command()
def run(
    spec: SpecPath,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT.h5", help="Default: results/SPEC.h5")
    ] = None,
    set_: Overrides = None,
    devices: Annotated[
        int | None, typer.Option(metavar="K", help="Compute on K local cores. Default: as many as pay.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Have the workers of a dask scheduler compute.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an output of another spec.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run a sweep into an HDF5 file; on an unfinished file, go on where it stopped."""
    from jaxtransport import api, xla
    from jaxtransport.progress import reporter
    from jaxtransport.sweep import results
    from jaxtransport.sweep import spec as specs
    from jaxtransport.variables import ALONG_THE_WIRE

    parsed = specs.read(spec, set_ or ())
    path = parsed.default_output if output is None else output
    xla.offer(devices)
    with contextlib.suppress(RuntimeError):  # called from a program in which JAX runs
        xla.compile_whole_loops(inner=api.is_large_program(parsed))
    if not (quiet or as_json):
        text.print_notes(parsed.notes)

    def kept() -> str:
        done = f"{path} keeps what is done" if path.exists() else "nothing was computed yet"
        return f"{done}; run the same command {'again, without --force,' if force else 'again'} to go on"

    with _interruptible(kept), reporter(parsed.name, quiet=quiet or as_json) as report:
        progress = api.execute(parsed, path, force=force, report=report, devices=devices, scheduler=scheduler)
    counts = text.named(results.count_statuses(path))
    computed = progress.done - progress.resumed
    if as_json:
        text.print_json(
            output=str(path),
            points=progress.total,
            computed=computed,
            failed=progress.failed,
            seconds=round(progress.seconds, 3),
            writing_seconds=round(progress.writing, 3),
            status=counts,
        )
    elif not quiet:
        points = text.count(progress.total, "point")
        took = f"{text.count(computed, 'point')} in {progress.seconds:.1f} s"
        print(f"{path}: {points}, {took if computed else 'nothing left to compute'}")
        if any(len(a.values) > 1 for a in parsed.axes) or ALONG_THE_WIRE.intersection(parsed.variables):
            print(f"picture: jaxtransport plot {path}")
    if progress.failed:
        failures = ", ".join(f"{n:,} {name}" for name, n in counts.items() if name != "solved")
        points = text.count(progress.total, "point")
        print(f"{progress.failed:,} of {points} failed: {failures}", file=sys.stderr)
        if progress.trouble:
            print(f"{progress.trouble}; the same command tries them again", file=sys.stderr)
        raise typer.Exit(FAILED)


@app.command()
def validate(spec: SpecPath, set_: Overrides = None, as_json: AsJson = False) -> None:
    """Check a sweep file: every mistake at once, or what it will cost."""
    from jaxtransport import api
    from jaxtransport.sweep import spec as specs

    parsed = specs.read(spec, set_ or ())
    if parsed.search is not None:
        from jaxtransport import zeros_text

        if as_json:
            text.print_json(spec=str(spec), **zeros_text.asked(parsed), notes=list(parsed.notes))
        else:
            print("\n".join([f"{spec}: good, for jaxtransport zeros", *zeros_text.asked_rows(parsed)]))
            print("".join(f"  note       {note}\n" for note in parsed.notes), end="")
        return
    cost = api.estimate(parsed, parsed.default_output)
    axes = {a.name: len(a.values) for a in parsed.axes}
    if as_json:
        text.print_json(
            spec=str(spec),
            axes=axes,
            points=cost.points,
            variables=list(parsed.variables),
            bytes=cost.bytes,
            free_bytes=cost.free_bytes,
            memory_bytes=cost.memory_bytes,
            seconds=cost.seconds,
            compilations=len(cost.batches),
            fingerprint=parsed.fingerprint,
            notes=list(parsed.notes),
        )
        return
    grid = " x ".join(f"{n} {name}" for name, n in axes.items()) or "no grid"
    print(f"{spec}: good")
    print(f"  points     {cost.points:,} ({grid})")
    print(f"  variables  {', '.join(parsed.variables)}, status")
    free = f"{text.size(cost.free_bytes)} free beside {parsed.default_output}"
    print(f"  file       {text.size(cost.bytes)}; {free}")
    print(f"  memory     about {text.size(cost.memory_bytes)} at its peak, the program itself included")
    took = text.duration(cost.seconds)
    print(f"  time       about {took} on one core; points that need more effort take longer")
    sizes = ", ".join(str(size) for size in cost.batches)
    print(f"  kernels    {len(cost.batches)} to compile (arrays of {sizes} sites)")
    print("".join(f"  note       {note}\n" for note in parsed.notes), end="")
    if cost.bytes > cost.free_bytes:
        raise InputError(
            f"output {parsed.default_output}: needs {text.size(cost.bytes)}, more than is free there"
        )


@app.command()
def status(
    result: ResultPath,
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow the run until it is done, or Ctrl-C.")
    ] = False,
    every: Annotated[float, typer.Option(metavar="SECONDS", help="How often --watch looks.")] = 2.0,
    as_json: AsJson = False,
) -> None:
    """How far a result file is, what failed, and where it comes from."""
    from jaxtransport.sweep import results

    attributes = results.read_attributes(result)
    started, finished = results.times(result)
    origin = {key: str(attributes[key]) for key in results.ORIGIN}
    times = {"started": started, "finished": None if finished != finished else finished}
    if results.is_search(result):
        from jaxtransport.zeros_text import summary

        message = str(attributes["message"])
        if as_json:
            found = summary(results.load(result))
            text.print_json(output=str(result), message=message, **found, **times, **origin)
        else:
            print(f"{result}: {message}")
            _print_origin(origin, started, finished)
        return
    if watch:
        from jaxtransport.watch import watch as follow

        follow(result, every, as_json=as_json)
        return
    results.require_intact(result)
    counts = text.named(results.count_statuses(result))
    total = sum(counts.values())
    done = total - counts.get("not_computed", 0)
    if as_json:
        text.print_json(output=str(result), done=done, total=total, status=counts, **times, **origin)
        return
    print(f"{result}: {done:,} of {text.count(total, 'point')} ({100 * done / total:.1f} %)")
    for name, n in counts.items():
        print(f"  {name:<14}{n:>14,}")
    _print_origin(origin, started, finished)


def _print_origin(origin: dict[str, str], started: float, finished: float) -> None:
    for key, value in origin.items():
        if value:
            print(f"  {key.replace('_', ' '):<22}{value}")
    print(f"  {'started':<22}{text.date(started)}")
    print(f"  {'finished':<22}{text.date(finished)}")


@app.command()
def plot(
    result: ResultPath,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="PIC", help="png, pdf or svg. Default: beside the result."),
    ] = None,
    variable: Annotated[str | None, typer.Option(help="What to draw. Default: the nonreciprocity.")] = None,
    x: Annotated[str | None, typer.Option(help="Axis to the right.")] = None,
    y: Annotated[str | None, typer.Option(help="Axis upwards: draws a map.")] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(metavar="AXIS=VALUE", help="Fix an axis, such as N=30; or show several of its values."),
    ] = None,
) -> None:
    """Draw a result: a line, a map with its zero contour, or a profile along the wire."""
    from jaxtransport.plot import draw

    beside = (
        result.with_suffix(".png") if result.name else result / "picture.png"
    )  # "." is refused as a folder
    path = output or beside
    with _interruptible(lambda: NOTHING):
        notes = draw.draw_file(result, path, variable=variable, x=x, y=y, at=at or ())
    text.print_notes(notes)
    print(path)


@app.command()
def export(
    result: ResultPath,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Ends in .nc, .zarr, .csv or .csv.gz.")
    ],
    variables: Annotated[
        str | None, typer.Option(metavar="A,B", help="Which variables, by comma. Default: all.")
    ] = None,
    level: Annotated[int, typer.Option(metavar="0-9", help="Compression, 0 for none.")] = 4,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a result as compressed netCDF, as Zarr, or as rows of text (CSV)."""
    from jaxtransport.sweep.export import export as write

    names = None if variables is None else [name.strip() for name in variables.split(",") if name.strip()]
    with _interruptible(lambda: NOTHING):
        write(result, output, variables=names, level=level, force=force)
    print(output)


@app.command()
def figures(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME ...]", help="Such as fig3b, 3b or 3. Default: all.")
    ] = None,
    folder: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Where the pictures go.")
    ] = Path("results"),
    kind: Annotated[str, typer.Option("--format", metavar="png|pdf|svg", help="Kind of picture.")] = "png",
    force: Annotated[bool, typer.Option("--force", help="Run again what is on file.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Only list the figures.")] = False,
) -> None:
    """Draw every figure of the paper, from sweep files through results/ (which holds the data, always)."""
    from jaxtransport import api, xla
    from jaxtransport.plot.figures import select
    from jaxtransport.progress import reporter

    if list_:
        for figure in select(names or ()):
            print(f"{figure.name:<16}{figure.title}")
        return
    xla.check_environment()
    failures: dict[str, int] = {}
    with _interruptible(lambda: "results/ keeps what is done; run the same command again to go on"):
        made = api.figures(
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


@app.command()
def zeros(
    spec: SpecPath,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT.h5", help="Default: results/SPEC.h5")
    ] = None,
    set_: Overrides = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an output, of whatever spec.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no table.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find the zeros of nonreciprocity that [search] of a sweep file asks for: points, or curves."""
    from jaxtransport import api, xla
    from jaxtransport.progress import reporter
    from jaxtransport.sweep import results
    from jaxtransport.sweep import spec as specs
    from jaxtransport.zeros_text import rows, summary

    parsed = specs.read(spec, set_ or ())
    path = parsed.default_output if output is None else output
    xla.check_environment()
    if not (quiet or as_json):
        text.print_notes(parsed.notes)
    quietly = quiet or as_json
    with _interruptible(lambda: NOTHING), reporter(parsed.name, quiet=quietly, unit="search") as report:
        api.search(parsed, path, force=force, report=report)
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
def info(as_json: AsJson = False) -> None:
    """Versions, devices, precision and the compilation cache."""
    from jaxtransport import xla

    xla.check_environment()
    from jaxtransport import runtime

    devices = runtime.devices(None)
    facts: dict[str, Any] = runtime.provenance()
    facts["devices"] = [str(device) for device in devices]
    facts["cache"] = str(runtime.cache_folder() or "none: its folder cannot be written")
    if as_json:
        text.print_json(**facts)
        return
    for key, value in facts.items():
        print(f"{key.replace('_', ' '):<22}{', '.join(value) if isinstance(value, list) else value}")
