"""Progress of a run on standard error: a bar on a terminal, otherwise a line every few seconds."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from jaxtransport.text import count, plural

if TYPE_CHECKING:
    from jaxtransport.sweep.run import Progress

LINE_SECONDS = 5.0


@contextlib.contextmanager
def reporter(name: str, *, quiet: bool = False, unit: str = "point") -> Iterator[Callable[[Progress], None]]:
    """A function to call with every `Progress`."""
    if quiet or sys.stderr is None:
        yield lambda progress: None
    elif sys.stderr.isatty():
        yield from _bar(name, unit)
    else:
        yield _lines(name, unit)


def _bar(name: str, unit: str) -> Iterator[Callable[[Progress], None]]:
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(bar_width=None),
        rich.TaskProgressColumn(),
        rich.TextColumn(f"{{task.fields[rate]}} {plural(unit)}/s"),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=None, rate="-")

        def report(progress: Progress) -> None:
            rate = _rate(progress) if progress.rate else "-"
            label = f"{name}: {progress.note}" if progress.note else name
            bar.update(task, total=progress.total, completed=progress.done, rate=rate, description=label)

        yield report


def _rate(progress: Progress) -> str:
    return f"{progress.rate:,.0f}" if progress.rate >= 10 or not progress.rate else f"{progress.rate:.2g}"


def _lines(name: str, unit: str) -> Callable[[Progress], None]:
    last, shown = time.monotonic(), False

    def report(progress: Progress) -> None:
        nonlocal last, shown
        now = time.monotonic()
        ended = shown and progress.done == progress.total  # the last line says so, however soon
        if now - last < LINE_SECONDS and not ended:
            return
        last, shown = now, not ended
        share = 100 * progress.done / progress.total
        left = f"{progress.seconds_left:,.0f} s left" if progress.rate else "starting"
        left = progress.note or left
        print(
            f"{name}: {progress.done:,} of {count(progress.total, unit)} ({share:.0f} %), "
            f"{_rate(progress)} {plural(unit)}/s, {left}",
            file=sys.stderr,
            flush=True,
        )

    return report
