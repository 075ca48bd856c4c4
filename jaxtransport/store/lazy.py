"""Variables of a result as lazy arrays of xarray, which read only the requested part.

    file stays open    -> `StoredArray` of the open file, for a `with` block
    file closed again  -> the same of a `ClosedFile`, cut into the chunks of dask

A contiguous dataset is cut along its first axes, into chunks of `CHUNK` bytes at most and half of that at
least. Steps are powers of two, so that the borders of chunks of one variable are borders of those of another
of more numbers per point.
"""

from __future__ import annotations

import os
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from xarray.backends import BackendArray
from xarray.core import indexing

from jaxtransport.errors import InputError
from jaxtransport.store.resultfile import ResultFile

if TYPE_CHECKING:
    import xarray

CHUNK = 2**25  # bytes


class ClosedFile:
    """A result that is opened for every read. Programs that it is sent to read it under the same path.

    Args:
        file: the same, open and verified.
    """

    def __init__(self, file: ResultFile) -> None:
        self.path = Path(os.path.abspath(file.path))
        self.contents = file.contents
        self.fingerprint = file.attributes.get("fingerprint")

    def shape_of(self, name: str) -> tuple[int, ...]:
        return self.contents.stored[name].shape

    def dtype_of(self, name: str) -> np.dtype:
        return np.dtype(self.contents.stored[name].dtype)

    def read(self, name: str, box: tuple[slice, ...] = ()) -> np.ndarray:
        """Part of a variable. Raises `InputError` if the file is not there or holds another result by now."""
        with ResultFile(self.path, known=self.contents) as file:
            there = name in file.file and file.dataset(name).shape == self.shape_of(name)
            if not there or file.attributes.get("fingerprint") != self.fingerprint:
                raise InputError(
                    f"{self.path} was replaced by another result after it was loaded; load it again"
                )
            return file.read(name, box)


class StoredArray(BackendArray):
    """One variable of a result file."""

    def __init__(self, file: ResultFile | ClosedFile, name: str) -> None:
        self.file, self.name = file, name
        self.shape, self.dtype = file.shape_of(name), file.dtype_of(name)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        of_h5py = indexing.IndexingSupport.OUTER_1VECTOR
        return indexing.explicit_indexing_adapter(key, self.shape, of_h5py, self._read)

    def _read(self, key: tuple) -> Any:
        return self.file.read(self.name, key)


def require_dask() -> None:
    """Raise `InputError` where dask is not installed."""
    try:
        import dask.array  # noqa: F401
    except ImportError:
        raise InputError(
            'lazy = True: dask is not installed; pip install "dask>=2024.10", or load without lazy'
        ) from None


def in_chunks(data: xarray.Dataset, path: Path, cuts: dict[str, tuple[int, ...]]) -> xarray.Dataset:
    """`data` with the variables of `cuts` as arrays of dask, in chunks of those lengths.

    Names of their chunks tell files and their versions apart, as dask computes chunks of one name once.
    """
    from dask.base import tokenize
    from dask.utils import SerializableLock

    found = os.stat(path)
    version = (os.path.abspath(path), found.st_ino, found.st_size, found.st_mtime_ns)
    lock: Any = SerializableLock("jaxtransport")  # HDF5 reads one after the other in any case
    return data.assign(
        {
            name: data[name].variable.chunk(
                dict(zip(data[name].dims, lengths, strict=True)),
                name=f"{name}-{tokenize(*version, name)}",
                lock=lock,
            )
            for name, lengths in cuts.items()
        }
    )


def cut(shape: tuple[int, ...], itemsize: int, most: int = CHUNK) -> tuple[int, ...]:
    """Lengths of chunks of at most `most` bytes, for a contiguous array of this shape."""
    lengths = []
    for axis, length in enumerate(shape):
        row = itemsize * prod(shape[axis + 1 :])
        fitting = max(1, most // max(1, row))
        lengths.append(max(1, length) if fitting >= length else 2 ** (fitting.bit_length() - 1))
    return tuple(lengths)
