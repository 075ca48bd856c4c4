"""Result files as they are read: what they are, how far they are, and their numbers.

Readers need no lock: a file that is being written is whole at any time (see `store`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from jaxtransport.arguments import path as checked_path
from jaxtransport.arguments import require_outside
from jaxtransport.errors import InputError
from jaxtransport.sweep.task import Task

if TYPE_CHECKING:
    import xarray

FORMAT = "jaxtransport sweep 1"
SEARCH_FORMAT = "jaxtransport search 1"
ORIGIN = (  # where a result comes from, as `status` shows it
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
ATTRIBUTES = ("spec", "plan", *ORIGIN)  # that every result carries
SINCE = "seconds since 1970-01-01 00:00:00"


def load(path: str | Path) -> xarray.Dataset:
    """The result file at `path` as an `xarray.Dataset` in memory; the file is closed again.

    Raises:
        InputError: no such file, or not a result of jaxtransport.
    """
    require_outside("load")
    path = checked_path("path", path)
    import xarray

    _open(path, "r").close()
    try:
        # Without HDF5's own lock, as everywhere here: a file that is being written stays readable.
        with xarray.open_dataset(path, engine="h5netcdf", driver_kwds={"locking": False}) as data:
            if "status" in data:
                data["status"].load()  # before the values, as a run writes it after them
            return data.load()
    except (AttributeError, KeyError, OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{path}: is damaged ({error}); delete it and run its sweep again") from None


def read_attributes(path: str | Path) -> dict[str, Any]:
    """Root attributes of a result file: format, spec, fingerprint, versions, device.

    Raises:
        InputError: no such file, or not a result of jaxtransport.
    """
    with _open(path, "r") as file:
        attributes = dict(file.attrs)
        there = set(file)
    if attributes["format"] == SEARCH_FORMAT:
        attributes.setdefault("plan", "")  # a search is done in one go
        if lost := sorted(set(str(attributes.get("contents", "")).split()) - there):
            raise _damaged(Path(path), lost)
        if "contents" in attributes and not isinstance(attributes.get("message"), str):
            raise _damaged(Path(path), ["message"])
    if missing := [name for name in ATTRIBUTES if not isinstance(attributes.get(name), str)]:
        raise _damaged(path, missing)
    return attributes


def is_search(path: str | Path) -> bool:
    """True for the result of a search, False for that of a sweep. Errors as for `read_attributes`."""
    return bool(read_attributes(path)["format"] == SEARCH_FORMAT)


def count_statuses(path: str | Path) -> dict[int, int]:
    """How many grid points of a result file have which status code."""
    with _open(path, "r") as file:
        return _count(file["status"])


def times(path: str | Path) -> tuple[float, float]:
    """Start and end of the run that made a file, in seconds since 1970; NaN while unfinished."""
    with _open(path, "r") as file:
        return float(file["started"][()]), float(file["finished"][()])


def _open(path: str | Path, mode: str) -> h5py.File:
    path = Path(path)
    if not os.path.exists(path):
        raise InputError(f"{path}: no such file; run a sweep first, or check the name")
    if not os.path.isfile(path):
        raise InputError(f"{path}: is a folder or a device; pass a result file")
    try:
        # Opened without HDF5's own lock: a file that is being written stays readable.
        file = h5py.File(path, mode, locking=False)
    except OSError as error:
        if not os.access(path, os.R_OK):
            raise InputError(f"{path}: may not be read; change its permissions") from None
        if not h5py.is_hdf5(path):
            raise InputError(
                f"{path}: is not an HDF5 file; pass a result of jaxtransport, or delete it"
            ) from None
        raise InputError(f"{path}: cannot be opened ({error}); delete it and run its sweep again") from None
    form = file.attrs.get("format")
    if not isinstance(form, str) or form not in (FORMAT, SEARCH_FORMAT):
        file.close()
        raise InputError(f"{path}: is HDF5, but not a result of jaxtransport; pass another file")
    needed: dict[str, type] = {"started": np.floating, "finished": np.floating}
    if form == FORMAT:
        needed["status"] = np.integer
    if missing := [name for name, kind in needed.items() if not _is_dataset(file, name, kind)]:
        file.close()
        raise _damaged(path, missing)
    return file


def _is_dataset(file: h5py.File, name: str, kind: type) -> bool:
    try:
        dataset = file[name]
    except KeyError:
        return False
    return isinstance(dataset, h5py.Dataset) and np.issubdtype(dataset.dtype, kind)


def _damaged(path: str | Path, missing: list[str]) -> InputError:
    return InputError(f"{path}: is damaged ({', '.join(missing)} missing); run its sweep again elsewhere")


def require_whole(path: Path, task: Task) -> None:
    """Raise `InputError` unless the file at `path` has every dataset of `task`, in its shape."""
    lengths = {axis.name: len(axis.values) for axis in (*task.grid.axes, *task.extra)}
    dims: dict[str, tuple[str, ...]] = {axis.name: (axis.name,) for axis in (*task.grid.axes, *task.extra)}
    dims |= {v.name: (*(a.name for a in task.grid.axes), *v.dims) for v in task.variables}
    dims["status"] = tuple(a.name for a in task.grid.axes)
    with _open(path, "r") as file:
        for name, along in dims.items():
            shape = tuple(lengths[dim] for dim in along)
            if not _is_dataset(file, name, np.number) or file[name].shape != shape:
                raise InputError(f"{path}: is damaged ({name} is not there whole); --force replaces it")


def _count(status: h5py.Dataset) -> dict[int, int]:
    """Statuses in a dataset, read in pieces: a billion points must not need a gigabyte."""
    total = np.zeros(256, int)
    for piece in [()] if not status.shape else _slabs(status.shape):
        total += np.bincount(np.ravel(status[piece]).astype(np.int8).view(np.uint8), minlength=256)
    codes = np.arange(256, dtype=np.uint8).view(np.int8)
    return {int(code): int(n) for code, n in sorted(zip(codes, total, strict=True)) if n}


def _slabs(shape: tuple[int, ...], most: int = 2**20):
    step = max(1, most // max(1, int(np.prod(shape[1:]))))
    return [slice(i, i + step) for i in range(0, shape[0], step)]
