"""Standard output and standard error of the command line, if the pipe is closed or characters are missing.

A closed pipe (`jaxtransport run ... | head -1`) must neither stop a run nor change its exit code: further
output is discarded. A character that an output cannot show is printed as its number, such as \\u03bc.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys

STANDARD_OUTPUT = 1  # its file descriptor

_left = False  # whether the reader closed the pipe
_lost: list[OSError] = []  # why printed text was lost, such as a full disk


class _Stream(io.FileIO):
    """A stream that discards its output once the reader has closed the pipe."""

    def write(self, data) -> int:
        global _left
        try:
            return super().write(data)
        except BrokenPipeError:
            _left = True
        except OSError as error:
            if self.name == STANDARD_OUTPUT:
                _lost.append(error)
        # Output after the first failure is discarded.
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
        return super().write(data)


def harden() -> None:
    """Replace both streams by ones to which printing never fails."""
    sys.stdout, sys.stderr = _hardened(sys.stdout), _hardened(sys.stderr)


def lost() -> OSError | None:
    """The error that lost printed results; None if there was none, or if the reader closed the pipe."""
    with contextlib.suppress(AttributeError, ValueError):  # closed, or none at all
        sys.stdout.flush()
    return _lost[0] if _lost else None


def reader_left() -> bool:
    """True once a reader has closed the pipe."""
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
