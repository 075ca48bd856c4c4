"""Standard output and standard error of the command line, which may lose their reader or lack letters.

A reader that leaves (`jaxtransport run ... | head -1`) must not end a run, nor change its exit code: what is
printed then goes nowhere. A letter that an output cannot show is printed as its number, such as \\u03bc.
"""

from __future__ import annotations

import io
import os
import sys

_left = False  # whether a reader did


class _Stream(io.FileIO):
    """A stream that goes on without a reader."""

    def write(self, data) -> int:
        global _left
        try:
            return super().write(data)
        except BrokenPipeError:
            _left = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            return super().write(data)


def harden() -> None:
    """Make both streams such that printing never fails."""
    sys.stdout, sys.stderr = _hardened(sys.stdout), _hardened(sys.stderr)


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
