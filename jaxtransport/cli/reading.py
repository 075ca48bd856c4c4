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
        bool, typer.Option("--watch", help="Follow the run until it is done or Ctrl-C is pressed.")
    ] = False,
    every: Annotated[float, typer.Option(metavar="SECONDS", help="Interval of --watch.")] = 2.0,
    as_json: AsJson = False,
) -> None:
    """Show the progress of a result file, its failed points and its origin."""
    from jaxtransport.store import results
    from jaxtransport.store.averages import under_way

    attributes = results.read_attributes(result)
    started, finished = results.times(result)
    origin = {key: str(attributes[key]) for key in results.ORIGIN}
    if "revisions" in attributes:  # of several, the first one made it
        origin["revisions"] = str(attributes["revisions"])
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
    left_out = results.left_out(result)
    members = under_way(result) if left_out is not None else 0
    if as_json:
        more = {} if left_out is None else {"members_under_way": members, "left_out": left_out}
        text.print_json(output=str(result), done=done, total=total, **more, status=counts, **times, **origin)
        return
    print(f"{result}: {done:,} of {text.count(total, 'point')} ({100 * done / total:.1f} %)")
    if members:
        print(f"  {'members under way':<22}{members:,}")
    if left_out:
        print(f"  {'members left out':<22}{left_out:,}")
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
    results: Annotated[
        list[Path],
        typer.Argument(metavar="OUT.h5", help="Result file; the lines of several go into one panel."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="PIC", help=".png, .pdf or .svg. Default: next to the first OUT.h5."
        ),
    ] = None,
    variable: Annotated[str | None, typer.Option(help="Variable to draw. Default: nonreciprocity.")] = None,
    x: Annotated[str | None, typer.Option(help="Horizontal axis.")] = None,
    y: Annotated[str | None, typer.Option(help="Vertical axis; makes the picture a map.")] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(metavar="AXIS=VALUE", help="Fix an axis, such as N=30. Repeat to show several values."),
    ] = None,
    width: Annotated[
        int | None, typer.Option(metavar="1|2", help="Columns of a journal that the picture fills.")
    ] = None,
    style: Annotated[
        str | None, typer.Option(metavar="FILE", help="Style file of matplotlib, or the name of a style.")
    ] = None,
) -> None:
    """Draw a result: a line, a map with its zero contour, or a profile along the wire."""
    from jaxtransport.plot import draw

    first = results[0]
    beside = first.with_suffix(".png") if first.name else first / "picture.png"  # "." is refused as a folder
    path = output or beside
    with interruptible(lambda: NOTHING):
        notes = draw.draw_files(
            results, path, variable=variable, x=x, y=y, at=at or (), columns=width, sheet=style
        )
    text.print_notes(notes)
    print(path)


@app.command()
def export(
    result: ResultPath,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Ending in .nc, .zarr, .csv or .csv.gz.")
    ],
    variables: Annotated[
        str | None, typer.Option(metavar="A,B", help="Variables, separated by commas. Default: all.")
    ] = None,
    level: Annotated[int, typer.Option(metavar="0-9", help="Compression level, 0 for none.")] = 4,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a result as compressed netCDF, as Zarr, or as rows of text (CSV)."""
    from jaxtransport.store.export import export as write

    names = None if variables is None else [name.strip() for name in variables.split(",") if name.strip()]
    with interruptible(lambda: NOTHING):
        write(result, output, variables=names, level=level, force=force)
    print(output)


@app.command()
def info(as_json: AsJson = False) -> None:
    """Show versions, devices, precision and the compilation cache."""
    from jaxtransport.compute import xla

    xla.check_environment()
    from jaxtransport.compute import runtime

    devices = runtime.devices(None)
    facts: dict[str, Any] = runtime.provenance()
    facts["devices"] = [str(device) for device in devices]
    facts["cache"] = str(runtime.cache_folder() or "none (its folder cannot be written)")
    if as_json:
        text.print_json(**facts)
        return
    for key, value in facts.items():
        print(f"{key.replace('_', ' '):<22}{', '.join(value) if isinstance(value, list) else value}")
