"""Contiguous HDF5 datasets read and written in place, by their offset in the file.

    byte of element i = offset + itemsize * (index of i in C order)

HDF5 creates the file and gives the offset of each dataset; afterwards only numbers change. They bypass the
library because it cannot handle a failed write: if the disk is full, it crashes when it closes the file.
Here that is an OSError, and only bytes of one dataset have changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import h5py
import numpy as np


@dataclass(frozen=True)
class RawDataset:
    """Location of one dataset in an open file."""

    descriptor: int
    offset: int  # in bytes
    shape: tuple[int, ...]
    dtype: np.dtype

    @classmethod
    def of(cls, dataset: h5py.Dataset, descriptor: int) -> RawDataset:
        """Location of `dataset` in the file that is open as `descriptor`.

        Raises:
            ValueError: it is not contiguous, or not allocated yet.
        """
        offset = dataset.id.get_offset()
        if offset is None or dataset.chunks is not None:
            raise ValueError(f"{dataset.name} is not contiguous")
        return cls(descriptor, int(offset), tuple(dataset.shape), dataset.dtype)

    @property
    def end(self) -> int:
        """The byte after the last."""
        return self.offset + prod(self.shape) * self.dtype.itemsize

    def write(self, box: tuple[slice, ...], values: np.ndarray) -> None:
        """Store `values`. A box may leave out trailing dimensions, which it spans.

        Raises:
            OSError: the disk is full.
        """
        box = self._whole(box)
        rows = np.ascontiguousarray(values, self.dtype).reshape(-1, self._run(box))
        for start, row in zip(self._starts(box), rows, strict=True):
            _write_all(self.descriptor, row, start)

    def read(self, box: tuple[slice, ...]) -> np.ndarray:
        """Read a box; raises OSError if that fails or the file ends too early."""
        box = self._whole(box)
        run = self._run(box)
        out = np.empty([s.stop - s.start for s in box], self.dtype)
        for start, row in zip(self._starts(box), out.reshape(-1, run), strict=True):
            _read_all(self.descriptor, row, start)
        return out

    def _whole(self, box: tuple[slice, ...]) -> tuple[slice, ...]:
        return (*box, *(slice(0, n) for n in self.shape[len(box) :]))

    def _inner(self, box: tuple[slice, ...]) -> int:
        """The first dimension from which on `box` is contiguous."""
        inner = max(len(box) - 1, 0)
        while inner and box[inner] == slice(0, self.shape[inner]):
            inner -= 1
        return inner

    def _run(self, box: tuple[slice, ...]) -> int:
        """Number of elements of each contiguous piece of `box`."""
        return prod(s.stop - s.start for s in box[self._inner(box) :])

    def _starts(self, box: tuple[slice, ...]) -> Iterator[int]:
        """Offset in the file of each contiguous piece of `box`, in C order."""
        inner = self._inner(box)
        steps = [prod(self.shape[i + 1 :]) for i in range(len(box))]
        first = sum(s.start * step for s, step in zip(box, steps, strict=True))
        for index in np.ndindex(*(s.stop - s.start for s in box[:inner])):
            flat = first + sum(i * step for i, step in zip(index, steps[:inner], strict=True))
            yield self.offset + flat * self.dtype.itemsize


def _write_all(descriptor: int, row: np.ndarray, start: int) -> None:
    left = memoryview(row.data).cast("B")
    while left:
        written = os.pwrite(descriptor, left, start)
        start, left = start + written, left[written:]


def _read_all(descriptor: int, row: np.ndarray, start: int) -> None:
    left = memoryview(row.data).cast("B")
    while left:
        read = os.pread(descriptor, len(left), start)
        if not read:
            raise OSError("the file ends too early")
        left[: len(read)] = read
        start, left = start + len(read), left[len(read) :]
