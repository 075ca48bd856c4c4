"""A file under HDF5 that survives a full disk.

HDF5 crashes, as it closes a file, of writes that failed before. Here a failed write looks like any other
to HDF5, nothing more is written after it, and who asks is told.
"""

from __future__ import annotations

import io
from typing import Any


class SurvivingFile(io.FileIO):
    """A file to make HDF5 in. Call `require_good` when HDF5 is done: the file is whole only then."""

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        written = 0
        try:
            while written < len(view) and self.failure is None:
                written += super().write(view[written:]) or 0
        except OSError as error:
            self.failure = error
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        try:
            if self.failure is None:
                super().truncate(size)
        except OSError as error:
            self.failure = error
        return size or 0

    def readinto(self, buffer: Any) -> int:
        """Zeros where nothing is, as HDF5 has it."""
        view = memoryview(buffer).cast("B")
        read = 0
        while read < len(view) and (more := super().readinto(view[read:])):
            read += more
        view[read:] = bytes(len(view) - read)
        return len(view)

    def require_good(self) -> None:
        """Raise the first `OSError` that there was, if any."""
        if self.failure is not None:
            raise self.failure
