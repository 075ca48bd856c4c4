"""Standard output and standard error of the command line, which may lose their reader or lack letters.

A reader that leaves (`jaxtransport run ... | head -1`) must not end a run, nor change its exit code: what is
printed then goes nowhere. A letter that an output cannot show is printed as its number, such as \\u03bc.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys

STANDARD_OUTPUT = 1  # its file descriptor

_left = False  # whether a reader did
_lost: list[OSError] = []  # why something that was printed is lost, such as a full disk


class _Stream(io.FileIO):
    """A stream that goes on without a reader."""

    def write(self, data) -> int:
        global _left
        try:
            return super().write(data)
        except BrokenPipeError:
            _left = True
        except OSError as error:
            if self.name == STANDARD_OUTPUT:
                _lost.append(error)
        # What comes after the first failure goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
        return super().write(data)


def harden() -> None:
    """Make both streams such that printing never fails."""
    sys.stdout, sys.stderr = _hardened(sys.stdout), _hardened(sys.stderr)


def lost() -> OSError | None:
    """Why what was printed as a result did not arrive; None if it did, or if its reader left."""
    with contextlib.suppress(AttributeError, ValueError):  # closed, or none at all
        sys.stdout.flush()
    return _lost[0] if _lost else None


def reader_left() -> bool:
    """True once somebody who read what we print is gone."""
    return _left


def _hardened(stream):
    try:
        raw = _Stream(stream.fileno(), "w", closefd=False)
    except (AttributeError, OSError, ValueError):  # closed, or not a file
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering or stream.write_through,  # the latter of `python -u`
    )
