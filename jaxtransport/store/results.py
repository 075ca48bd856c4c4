"""Reading results: their kind, their progress and their numbers.

Files are opened and verified by `resultfile`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxtransport.store.resultfile import FORMAT, SEARCH_FORMAT, DamagedFile, ResultFile, damaged
from jaxtransport.sweep.task import Task

if TYPE_CHECKING:
    import xarray

    from jaxtransport.store.lazy import ClosedFile

__all__ = ["FORMAT", "SEARCH_FORMAT", "DamagedFile", "ResultFile"]

ORIGIN = (  # origin of a result, as shown by `status`
    "title",
    "model",
    "fingerprint",
    "jaxtransport_version",
    "jax_version",
    "python_version",
    "device",
    "precision",
    "revision",
)
ATTRIBUTES = ("spec", "plan", *ORIGIN)  # of every result
SINCE = "seconds since 1970-01-01 00:00:00"


def left_out(path: str | Path) -> int | None:
    """Members of averages that failed and were left out; None if the file has no averages."""
    with ResultFile(path) as file:
        return int(file.read("failed").sum()) if "averaged" in file.attributes else None


def load(path: str | Path) -> xarray.Dataset:
    """The result file at `path` as an `xarray.Dataset` in memory; the file is closed again.

    It holds what jaxtransport wrote; variables that others added to the file are left out.

    Raises:
        InputError: no such file, not a result of jaxtransport, or one that is damaged: it is not what was
            written.
    """
    from xarray.core import indexing

    with ResultFile(path) as file:
        values = _values(file)
        if file.changed(values):  # read the file once more before it is called damaged
            values = _values(file)
            if blocks := file.changed(values):
                raise file.said(blocks)
        # Lazy, as from a backend: for NumPy arrays xarray imports dask to test the type, which takes 1 s.
        lazy = lambda name: indexing.LazilyIndexedArray(indexing.NumpyIndexingAdapter(values[name]))
        return _labelled(file, lazy).load()


@contextlib.contextmanager
def lazily(path: str | Path, *, intact: bool = False) -> Iterator[xarray.Dataset]:
    """Context with a result whose numbers are read on access; axes are read at once.

    Args:
        intact: compare the numbers with their checksums first, as `load` does.

    Raises:
        InputError: as for `load`.
    """
    with ResultFile(path) as file:
        if intact:
            _attributes_of(file)
            _require_unchanged(file)
        yield _labelled(file, _lazy_of(file, file))


def chunked(path: str | Path) -> xarray.Dataset:
    """The result of a sweep as dask arrays that open the file whenever they read; that of a search as `load`.

    Labels, axes and single numbers are read and verified at once; other numbers are not compared with their
    checksums.

    Raises:
        InputError: as for `load`, and where dask is not installed. Later, on reading: the file is gone,
            damaged, or was replaced by another result.
    """
    from jaxtransport.store import lazy

    lazy.require_dask()
    with ResultFile(path) as file:
        if not file.search:
            data = _labelled(file, _lazy_of(file, lazy.ClosedFile(file)))
            cuts = {
                name: lazy.cut(file.shape_of(name), file.dtype_of(name).itemsize)
                for name in map(str, data.variables)
                if not _is_small(file, name)
            }
            return lazy.in_chunks(data, file.path, cuts)
    return load(path)


def _labelled(file: ResultFile, values: Callable[[str], Any]) -> xarray.Dataset:
    """The variables of a file with their labels, each with the values that `values` gives for its name."""
    import xarray

    with file.believing():
        variables = {
            name: xarray.Variable(file.dims_of(name), values(name), file.attributes_of(name), fastpath=True)
            for name in sorted(file.names)
        }
        return xarray.decode_cf(xarray.Dataset(variables, attrs=file.attributes))


def _lazy_of(file: ResultFile, source: ResultFile | ClosedFile) -> Callable[[str], Any]:
    """Values by name: small ones at once, others from `source` on access."""
    from xarray.core import indexing

    from jaxtransport.store.lazy import StoredArray

    def values(name: str) -> Any:
        if _is_small(file, name):
            return file.read(name)
        return indexing.LazilyIndexedArray(StoredArray(source, name))

    return values


def _is_small(file: ResultFile, name: str) -> bool:
    """An axis, one number or texts."""
    return file.dims_of(name) in ((name,), ()) or file.dtype_of(name).kind == "O"


def _values(file: ResultFile) -> dict[str, np.ndarray]:
    """Every variable; status is read first, since a run writes it last."""
    return {name: file.read(name) for name in sorted(file.names, key=lambda name: name != "status")}


def require_intact(path: str | Path) -> None:
    """Raise `DamagedFile` if the numbers of a result differ from what was written."""
    with ResultFile(path) as file:
        _require_unchanged(file)


def _require_unchanged(file: ResultFile) -> None:
    """A run may be writing: what seems changed is read once more before the file is called damaged."""
    if file.changed() and (blocks := file.changed()):
        raise file.said(blocks)


def read_attributes(path: str | Path) -> dict[str, Any]:
    """Root attributes of a result file: format, spec, fingerprint, versions, device.

    Raises:
        InputError: no such file, not a result of jaxtransport, or a damaged one.
    """
    with ResultFile(path) as file:
        return _attributes_of(file)


def _attributes_of(file: ResultFile) -> dict[str, Any]:
    attributes = file.attributes
    needed = list(ATTRIBUTES)
    if file.search:
        attributes.setdefault("plan", "")  # a search has no plan
        needed += ["message"] if "contents" in attributes else []
    if missing := [f"{name} missing" for name in needed if not isinstance(attributes.get(name), str)]:
        raise damaged(file.path, missing)
    return attributes


def is_search(path: str | Path) -> bool:
    """True for the result of a search, False for that of a sweep. Errors as for `read_attributes`."""
    return bool(read_attributes(path)["format"] == SEARCH_FORMAT)


def count_statuses(path: str | Path) -> dict[int, int]:
    """Number of grid points of a result file by status code."""
    total = np.zeros(256, int)
    with ResultFile(path) as file:
        shape = file.shape_of("status")
        for piece in [()] if not shape else _slabs(shape):  # so that a billion points do not need a gigabyte
            status = np.ravel(file.read("status", piece)).astype(np.int8)
            total += np.bincount(status.view(np.uint8), minlength=256)
    codes = np.arange(256, dtype=np.uint8).view(np.int8)
    return {int(code): int(n) for code, n in sorted(zip(codes, total, strict=True)) if n}


def times(path: str | Path) -> tuple[float, float]:
    """Start and end of the run that made a file, in seconds since 1970; NaN where that is not (yet) known."""
    with ResultFile(path) as file:
        return file.time_of("started"), file.time_of("finished")


def require_whole(path: Path, task: Task) -> None:
    """Raise `DamagedFile` unless the file at `path` has every dataset of `task`, in its shape."""
    lengths = {axis.name: len(axis.values) for axis in (*task.grid.axes, *task.extra)}
    dims: dict[str, tuple[str, ...]] = {axis.name: (axis.name,) for axis in (*task.grid.axes, *task.extra)}
    dims |= {v.name: (*(a.name for a in task.grid.axes), *v.dims) for v in task.variables}
    dims["status"] = tuple(a.name for a in task.grid.axes)
    with ResultFile(path) as file:
        for name, along in dims.items():
            shape = tuple(lengths[dim] for dim in along)
            there = name in file.contents.stored and file.shape_of(name) == shape
            if not there or file.dtype_of(name).kind not in "iuf":
                raise damaged(path, [f"{name} is incomplete"])


def _slabs(shape: tuple[int, ...], most: int = 2**20) -> list[tuple[slice, ...]]:
    step = max(1, most // max(1, int(np.prod(shape[1:]))))
    return [(slice(i, i + step),) for i in range(0, shape[0], step)]
