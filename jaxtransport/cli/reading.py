"""Commands that read results: `jaxtransport status | plot | export`, and `info`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from jaxtransport import text
from jaxtransport.cli.app import NOTHING, AsJson, ResultPath, app, interruptible


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
    from jaxtransport.store import results

    attributes = results.read_attributes(result)
    started, finished = results.times(result)
    origin = {key: str(attributes[key]) for key in results.ORIGIN}
    times = {"started": started, "finished": None if finished != finished else finished}
    if results.is_search(result):
        from jaxtransport.cli.zeros import summary
        from jaxtransport.results import load

        message = str(attributes["message"])
        if as_json:
            found = summary(load(result))
            text.print_json(output=str(result), message=message, **found, **times, **origin)
        else:
            print(f"{result}: {message}")
            _print_origin(origin, started, finished)
        return
    if watch:
        from jaxtransport.cli.watch import watch as follow

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
    with interruptible(lambda: NOTHING):
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
    from jaxtransport.store.export import export as write

    names = None if variables is None else [name.strip() for name in variables.split(",") if name.strip()]
    with interruptible(lambda: NOTHING):
        write(result, output, variables=names, level=level, force=force)
    print(output)


@app.command()
def info(as_json: AsJson = False) -> None:
    """Versions, devices, precision and the compilation cache."""
    from jaxtransport.compute import xla

    xla.check_environment()
    from jaxtransport.compute import runtime

    devices = runtime.devices(None)
    facts: dict[str, Any] = runtime.provenance()
    facts["devices"] = [str(device) for device in devices]
    facts["cache"] = str(runtime.cache_folder() or "none: its folder cannot be written")
    if as_json:
        text.print_json(**facts)
        return
    for key, value in facts.items():
        print(f"{key.replace('_', ' '):<22}{', '.join(value) if isinstance(value, list) else value}")
