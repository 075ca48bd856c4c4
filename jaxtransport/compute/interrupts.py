"""Graceful shutdown on SIGINT (Ctrl-C), SIGTERM (`kill`, batch systems) and SIGHUP (a closed terminal).

Python runs the handler of a signal between any two of its instructions, also inside a function that a C
library has called. HDF5 swallows an exception that is raised there, and with it the bytes that it was about
to write. So inside `held` a signal only sets a flag, which is tested where the work can stop: with
`check` between two pieces, or with the function that `held` yields. Files get their names by a rename after
the last `check`: a target is absent, unchanged, or complete.

The command line handles signals from its start to its end (`command`). Outside `held`, and at the
second signal everywhere, it removes unfinished files (`undone_by`) and exits at once. In programs that
use the package, handlers are changed only inside `held`, and the signal is passed on afterwards.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
EXIT_CODE = 130  # of the command line after any of them


@dataclass(frozen=True)
class _Section:
    note: str  # printed at the first signal
    breakable: bool  # whether the second signal may raise KeyboardInterrupt anywhere inside


_sections: list[_Section] = []  # of the main thread, the innermost last
_came: list[int] = []  # signals since the outermost section began
_undo: list[Callable[[], Any]] = []  # functions that remove unfinished files
_commands = 0  # how many `command` are open


@contextlib.contextmanager
def held(note: str = "", *, breakable: bool = False) -> Iterator[Callable[[], bool]]:
    """Context in which signals only set a flag. Yields a function that returns whether one came.

    Sections may be nested: the outermost changes and restores the handlers, the innermost decides.
    Signals that were not acted on are passed to the previous handlers at the end of the outermost section;
    without a previous handler, `KeyboardInterrupt` is raised. Signals that were ignored before stay ignored.
    Outside the main thread, where Python handles no signals, nothing changes.

    Args:
        note: message at the first signal.
        breakable: True where no C library calls Python: a second signal raises `KeyboardInterrupt`
            at once, or ends the command line.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before: dict[int, Any] = {}
    if not _sections:
        _came.clear()
        before = _handlers()
    _sections.append(_Section(note, breakable))
    try:
        for number in before:
            signal.signal(number, _handle)
        yield lambda: bool(_came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _sections.pop()
    if not _sections:
        _deliver(before)


def check() -> None:
    """Raise `KeyboardInterrupt` if a signal came in this `held`; call it between two pieces of work."""
    if _came and _sections and threading.current_thread() is threading.main_thread():
        raise KeyboardInterrupt


@contextlib.contextmanager
def undone_by(undo: Callable[[], Any]) -> Iterator[None]:
    """Context in which `undo` is called before a signal ends the command line; it must be safe anytime."""
    _undo.append(undo)
    try:
        yield
    finally:
        _undo.remove(undo)


@contextlib.contextmanager
def command() -> Iterator[None]:
    """Context of the whole command line. Afterwards signals are ignored."""
    global _commands
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # SIGINT and SIGTERM are handled even if they were ignored, as in the background of a script;
    # an ignored SIGHUP is `nohup`.
    wanted = [n for n in SIGNALS if n == signal.SIGINT or n == signal.SIGTERM or n in _handlers()]
    _commands += 1
    try:
        for number in wanted:
            signal.signal(number, _handle)
        yield
    finally:
        _commands -= 1
        if not _commands:
            for number in wanted:
                signal.signal(number, signal.SIG_IGN)


def _handlers() -> dict[int, Any]:
    """Current handlers of the signals, except those that are ignored or not set from Python."""
    found = {number: signal.getsignal(number) for number in SIGNALS}
    return {number: handler for number, handler in found.items() if handler not in (None, signal.SIG_IGN)}


def _handle(number: int, _frame: object) -> None:
    _came.append(number)
    if not _sections:
        _end()
    if len(_came) == 1:
        if _sections[-1].note:
            _say(f"{signal.Signals(number).name}: {_sections[-1].note}")
    elif _commands:
        _end()
    elif _sections[-1].breakable:
        raise KeyboardInterrupt


def _deliver(before: dict[int, Any]) -> None:
    """Pass signals that were not acted on to the previous handlers."""
    numbers = list(dict.fromkeys(_came))
    _came.clear()
    for number in numbers:
        if not callable(before.get(number)):
            raise KeyboardInterrupt
        signal.raise_signal(number)


def _end() -> NoReturn:
    """Exit from the command line at once: remove unfinished files, without waiting for libraries."""
    if not _commands:  # a section was just left
        raise KeyboardInterrupt
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    for undo in reversed(_undo):
        with contextlib.suppress(Exception):
            undo()
    _say("interrupted")
    if sys.stderr is not None and sys.stderr.isatty():
        _say("\x1b[?25h", end="")  # the cursor, which a progress bar hides
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    os._exit(EXIT_CODE)


def _say(text: str, end: str = "\n") -> None:
    with contextlib.suppress(Exception):  # output may have been interrupted by the signal
        print(text, end=end, file=sys.stderr, flush=True)
