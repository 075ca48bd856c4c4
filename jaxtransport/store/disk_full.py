"""File object that keeps HDF5 alive when the disk is full, and checks that everything was written.

HDF5 crashes when it closes a file after a failed write, and it swallows exceptions that Python raises in a
write. Here a failed write looks successful to HDF5, nothing more is written after it, and `require_good`
raises the error. Hold signals meanwhile (see `interrupts`): Python may raise before a write has begun.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from typing import Any

import h5py


class SurvivingFile(io.FileIO):
    """A file to make HDF5 in. Call `require_good` when HDF5 is done: the file is whole only then."""

    failure: BaseException | None = None

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._written: list[tuple[int, int]] = []  # start and stop of every write

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        try:
            start, written = self.tell(), 0
            while written < len(view) and self.failure is None:
                written += super().write(view[written:]) or 0
            if self._written and self._written[-1][1] == start:
                start = self._written.pop()[0]
            self._written.append((start, self.tell()))
        except BaseException as error:  # also from a signal handler of the user
            self.failure = self.failure or error
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        try:
            if self.failure is None:
                super().truncate(size)
        except BaseException as error:
            self.failure = error
        return size or 0

    def readinto(self, buffer: Any) -> int:
        """Read; zeros where nothing was written, as HDF5 expects."""
        view = memoryview(buffer).cast("B")
        read = 0
        while read < len(view) and (more := super().readinto(view[read:])):
            read += more
        view[read:] = bytes(len(view) - read)
        return len(view)

    def require_good(self) -> None:
        """Raise the first error of a write, if any."""
        if self.failure is not None:
            raise self.failure

    def require_whole(self) -> None:
        """Raise `OSError` unless every piece of every dataset was written, which HDF5 may not report.

        Reads the metadata of the file, not the numbers.
        """
        self.require_good()
        written = _merged(self._written)
        with h5py.File(self.name, "r", locking=False) as file:
            for dataset in _datasets(file):
                for start, stop in _stored(dataset):
                    if not any(a <= start and stop <= b for a, b in written):
                        raise OSError(f"a piece of {dataset.name} was not written")


def _merged(pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for start, stop in sorted(pieces):
        if out and start <= out[-1][1]:
            out[-1] = out[-1][0], max(stop, out[-1][1])
        else:
            out.append((start, stop))
    return out


def _datasets(group: h5py.Group) -> Iterator[h5py.Dataset]:
    for member in group.values():
        if isinstance(member, h5py.Dataset):
            yield member
        else:
            yield from _datasets(member)


def _stored(dataset: h5py.Dataset) -> Iterator[tuple[int, int]]:
    """Start and stop of the pieces of a dataset in its file; (-1, -1) if one is missing."""
    if not dataset.size:
        return
    if dataset.chunks is None:
        start = dataset.id.get_offset()
        if start is not None:  # otherwise it is in the header, or has no data
            yield start, start + dataset.id.get_storage_size()
        return
    starts = (range(0, n, step) for n, step in zip(dataset.shape, dataset.chunks, strict=True))
    for corner in itertools.product(*starts):
        chunk = dataset.id.get_chunk_info_by_coord(corner)
        yield (chunk.byte_offset, chunk.byte_offset + chunk.size) if chunk.size else (-1, -1)
