"""Following a run from another process, by its result file alone: `jaxtransport status OUT.h5 --watch`.

Each look opens the file, reads status and closes it, without a lock, so the run is not held up. A point
that has a status keeps it, so status is counted in ranges of 4 million points, and a range without
"not computed" is never read again. The rest may still be a gigabyte (10^9 points), and a grid whose
outer axis is a free one fills everywhere at once: the pause between looks is therefore at least 20 times
the duration of the last look, so that watching costs at most 5 % of one core.

Whether a run is writing is tested only if nothing was added since the last look: a shared lock on
OUT.h5.lock is tried and released at once, which does not disturb its holder.
"""

from __future__ import annotations

import collections
import contextlib
import json
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import numpy as np

from jaxtransport import status as codes
from jaxtransport.cli import streams
from jaxtransport.compute import interrupts
from jaxtransport.errors import InputError
from jaxtransport.store import results
from jaxtransport.store.contents import Contents
from jaxtransport.store.lock import is_being_written
from jaxtransport.store.resultfile import ResultFile
from jaxtransport.sweep.grid import boxes
from jaxtransport.text import count

EVERY = 2.0  # seconds between looks
MOMENT = 0.1  # seconds after which Ctrl-C is noticed
PAUSES = 20  # a pause is at least so many times as long as a look
RANGE = 2**22  # points that are counted together
WINDOW = 30  # looks over which the rate for the remaining time is averaged


@dataclass(frozen=True)
class Look:
    """Progress of a run at one look."""

    counts: dict[int, int]  # status code -> points
    done: int
    total: int
    rate: float = math.nan  # points a second since the last look
    seconds_left: float = math.nan  # at the rate of the last looks together
    writing: bool = True  # False: nothing was added, and no process holds the lock

    @property
    def finished(self) -> bool:
        return self.done == self.total


@dataclass
class Follower:
    """Looks at a result file again and again. Each look reads only what may have changed."""

    path: Path
    seconds: float = 0.0  # that the last look took
    _file: tuple = ()  # identity of the file, to notice a replacement
    _known: Contents | None = None  # of that file
    _shape: tuple[int, ...] = ()
    _settled: Counter[int] = field(default_factory=Counter)  # of ranges where all is computed
    _open: list[int] = field(default_factory=list)  # where the other ranges start
    _past: collections.deque = field(default_factory=lambda: collections.deque(maxlen=WINDOW))

    def look(self) -> Look:
        """Count the points by status.

        Raises:
            InputError: no such file, or not the result of a sweep.
        """
        if not self._file:
            results.read_attributes(self.path)  # raises if something is wrong with the file
        start = time.monotonic()
        counts = self._count()
        writing = True
        if self._is_as_before(counts):
            writing = is_being_written(self.path)
            if not writing:  # it may have finished in between, and then is no longer locked
                counts = self._count()
                writing = not self._is_as_before(counts)
        total = sum(counts.values())
        done = total - counts[codes.NOT_COMPUTED]
        rate = left = math.nan
        now = time.monotonic()
        if self._past:
            rate = _rate(self._past[-1], (now, done))
            mean = _rate(self._past[0], (now, done))
            left = (total - done) / mean if mean > 0 else math.nan
        self._past.append((now, done))
        self.seconds = time.monotonic() - start
        return Look({code: n for code, n in sorted(counts.items()) if n}, done, total, rate, left, writing)

    def _is_as_before(self, counts: Counter[int]) -> bool:
        """True if points are missing, and none was added since the last look, if there was one."""
        done = counts.total() - counts[codes.NOT_COMPUTED]
        return done < counts.total() and (not self._past or self._past[-1][1] == done)

    def _count(self) -> Counter[int]:
        try:
            about = os.stat(self.path)
        except OSError as error:
            raise InputError(f"{self.path} can no longer be read ({error.strerror or error})") from None
        same = self._file[:2] == (about.st_dev, about.st_ino)
        with ResultFile(self.path, known=self._known if same else None) as file:
            if not same and file.search:
                raise InputError(f"{self.path} is the result of a search; only sweeps can be watched")
            shape = file.dataset("status").shape
            identity = (about.st_dev, about.st_ino, file.time_of("started"), shape)
            if identity != self._file:
                self._known = file.contents
                self._begin(identity, shape)
            return self._count_open(file)

    def _begin(self, identity: tuple, shape: tuple[int, ...]) -> None:
        self._file, self._shape = identity, shape
        self._settled.clear()
        self._past.clear()
        self._open = list(range(0, math.prod(shape), RANGE))

    def _count_open(self, file: ResultFile) -> Counter[int]:
        still: list[int] = []
        counts: Counter[int] = Counter()
        for start in self._open:
            here: Counter[int] = Counter()
            for box in boxes(self._shape, start, min(start + RANGE, math.prod(self._shape))):
                here += _count_values(file.read("status", box))
            if here[codes.NOT_COMPUTED]:
                still.append(start)
                counts += here
            else:
                self._settled += here
        self._open = still
        return counts + self._settled


def _count_values(values: np.ndarray) -> Counter[int]:
    """Number of points by status, counted one status after the other, which takes no memory."""
    counts: Counter[int] = Counter()
    for code in codes.MEANINGS:
        if counts.total() == values.size:
            break
        counts[code] = int(np.count_nonzero(values == code))
    return counts


def _rate(before: tuple[float, int], now: tuple[float, int]) -> float:
    return (now[1] - before[1]) / max(now[0] - before[0], 1e-9)


def watch(
    path: str | Path, every: float = EVERY, *, as_json: bool = False, out: TextIO | None = None
) -> bool:
    """Report the progress of the run that fills `path`, until it is done or Ctrl-C is pressed.

    A bar on a terminal, otherwise a line for every look. The run itself is never affected.

    Args:
        path: a result file.
        every: seconds between looks; more where looking takes long.
        as_json: a line of JSON for every look.
        out: stream to write to; standard output by default.

    Returns:
        True if every point is computed, False after Ctrl-C or when the reader of `out` has closed the pipe.

    Raises:
        InputError: `every` is not a positive number; no such file, or not the result of a sweep.
    """
    if not 0 < every < math.inf:
        raise InputError(f"--every {every:g}: expected a number of seconds > 0")
    path, out = Path(path), out or sys.stdout
    follower = Follower(path)
    try:
        with interrupts.held(), _display(path, out, as_json) as show:
            while True:
                look = follower.look()
                show(look)
                if look.finished or streams.reader_left():
                    return look.finished
                _wait(max(every, PAUSES * follower.seconds))
    except KeyboardInterrupt:
        print(f"no longer watching {path}; the run itself is not affected", file=sys.stderr)
        return False


def _wait(seconds: float) -> None:
    """Sleep, but return soon after a signal, which only sets a flag."""
    end = time.monotonic() + seconds
    while True:
        interrupts.check()
        if (left := end - time.monotonic()) <= 0:
            return
        time.sleep(min(left, MOMENT))


@contextlib.contextmanager
def _display(path: Path, out: TextIO, as_json: bool) -> Iterator[Callable[[Look], None]]:
    if as_json:
        yield lambda look: print(json.dumps(_record(path, look)), file=out, flush=True)
    elif out.isatty():
        yield from _bar(path, out)
    else:
        yield lambda look: print(line(path, look), file=out, flush=True)


def _bar(path: Path, out: TextIO) -> Iterator[Callable[[Look], None]]:
    from rich import progress as rich
    from rich.console import Console, Group
    from rich.live import Live
    from rich.text import Text

    console = Console(file=out)
    columns = (
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(bar_width=None),
        rich.TaskProgressColumn(),
        rich.TextColumn("{task.fields[speed]}", markup=False),
    )
    bar = rich.Progress(*columns, console=console)
    task = bar.add_task(path.name, total=None, speed="")
    with Live(bar, console=console) as live:

        def show(look: Look) -> None:
            bar.update(task, total=look.total, completed=look.done, speed=_speed(look))
            text = f"{look.done:,} of {count(look.total, 'point')}: {_statuses(look) or 'none yet'}"
            if not look.writing:
                text += f"\n{_gone(path)}"
            live.update(Group(bar, Text(text)), refresh=True)

        yield show


def line(path: Path, look: Look) -> str:
    """A look as a line of text."""
    if look.finished:
        return f"{path}: done, {count(look.total, 'point')}: {_statuses(look)}"
    share = 100 * look.done / look.total
    parts = [f"{look.done:,} of {count(look.total, 'point')} ({share:.1f} %)", _speed(look), _statuses(look)]
    text = f"{path}: {', '.join(part for part in parts if part)}"
    return text if look.writing else f"{text}; {_gone(path)}"


def _speed(look: Look) -> str:
    if look.finished or math.isnan(look.rate):
        return ""
    left = "" if math.isnan(look.seconds_left) else f", {_span(look.seconds_left)} left"
    return f"{look.rate:,.0f} points/s{left}"


def _statuses(look: Look) -> str:
    found = [(code, n) for code, n in look.counts.items() if code != codes.NOT_COMPUTED]
    return ", ".join(f"{n:,} {codes.MEANINGS.get(code, code)}" for code, n in found)


def _gone(path: Path) -> str:
    return f"no run is writing it; jaxtransport run SPEC.toml -o {path} resumes it"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _record(path: Path, look: Look) -> dict:
    number = lambda value: None if math.isnan(value) else value
    return {
        "output": str(path),
        "done": look.done,
        "total": look.total,
        "rate": number(look.rate),
        "seconds_left": number(look.seconds_left),
        "writing": look.writing and not look.finished,
        "status": {str(codes.MEANINGS.get(code, code)): n for code, n in look.counts.items()},
    }
