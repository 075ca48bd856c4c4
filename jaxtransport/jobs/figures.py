"""Figures of the paper from the results of sweeps; missing results are computed first."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from jaxtransport import models, results
from jaxtransport.errors import InputError
from jaxtransport.jobs import outputs
from jaxtransport.jobs.run import execute
from jaxtransport.spec.shipped import shipped
from jaxtransport.status import NOT_COMPUTED, OUTSIDE_BAND, SOLVED
from jaxtransport.store.results import count_statuses, require_whole
from jaxtransport.store.targets import check_name

if TYPE_CHECKING:
    import xarray

    from jaxtransport.spec.spec import Spec


def figures(
    names: Sequence[str] = (),
    folder: str | Path = "results",
    *,
    kind: str = "png",
    force: bool = False,
    reporter: Callable[[str], AbstractContextManager] = lambda name: nullcontext(lambda progress: None),
) -> Iterator[tuple[Path, dict[str, int]]]:
    """Draw figures of the paper from the files in results/; missing results are computed first.

    Args:
        names: of figures, such as "fig3b", "3b" or "3" (all panels); all figures if empty.
        folder: folder for the pictures.
        kind: "png", "pdf" or "svg".
        force: replace results that were made by other sweep files.
        reporter: makes, from the name of a sweep, a context with its report of progress (see `run`).

    Yields:
        The path of every picture, as soon as it is drawn, and the number of failed points by sweep.

    Data always goes to results/ under the current folder, wherever the pictures go.

    Raises:
        InputError: an unknown figure or format; a result of another sweep file, or a damaged one.
    """
    from jaxtransport.plot.draw import FORMATS
    from jaxtransport.plot.figures import draw_figure, select

    chosen = select(names)
    kind = kind.lower()
    if f".{kind}" not in FORMATS:
        raise InputError(
            f"--format {kind}: expected one of {', '.join(f.removeprefix('.') for f in FORMATS)}"
        )
    check_name("-o", folder)
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise InputError(f"-o {folder} is a file; expected a folder for the pictures")
    ready: dict[str, xarray.Dataset] = {}
    for figure in chosen:
        for name in figure.sweeps:
            path = shipped(name)
            if name in ready:
                continue
            if path is None:
                raise InputError(f"{name}.toml is missing from the sweep files of this installation")
            ready[name] = _result(models.read(path), force, reporter)
        picture = Path(folder) / f"{figure.name}.{kind}"
        failed = {name: n for name in figure.sweeps if (n := _failures(ready[name]))}
        draw_figure(figure, {name: ready[name] for name in figure.sweeps}, picture)
        yield picture, failed


def _failures(data: xarray.Dataset) -> int:
    """Number of failed points; a potential outside the band is a result, not a failure."""
    good = [SOLVED, OUTSIDE_BAND]
    return int((~data["status"].isin(good)).sum())


def _result(spec: Spec, force: bool, reporter: Callable[[str], AbstractContextManager]) -> xarray.Dataset:
    """The result of a spec, read from its file if complete, otherwise computed."""
    path = spec.default_output
    if path.exists():
        outputs.check_output(path, force)
        if not force:
            require_whole(
                path, models.make_task(outputs.check_same(spec, path, "move it away, or use --force"))
            )
    if not path.exists() or force or NOT_COMPUTED in count_statuses(path):
        with reporter(spec.name) as report:
            execute(spec, path, force=force, report=report)
    return results.load(path)
