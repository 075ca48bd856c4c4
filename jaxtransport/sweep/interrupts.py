"""Stopping in good order: at the first signal what is in flight is stored; a second one breaks off.

Either way the file is whole (see `sweep.store`). SIGINT comes from Ctrl-C, SIGTERM from `kill` and from
batch systems shortly before a job's time is up.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def graceful() -> Iterator[Callable[[], bool]]:
    """Inside, signals ask for a stop: yields the function that tells whether one came.

    Outside the main thread Python gives no signals to handle, and they stay as they are.
    """
    came: list[int] = []

    def note(number: int, _frame: object) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)
        if sys.stderr is not None:
            name = signal.Signals(number).name
            print(
                f"{name}: storing what is in flight, then stopping; once more stops at once", file=sys.stderr
            )

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
