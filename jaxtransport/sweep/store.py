"""The result file: HDF5 that h5py and xarray open, and that no kill can break.

The whole file is made first, under another name: every dataset contiguous, allocated and filled,
every scale and attribute written; then it takes its name. From there on only raw data changes,

    values -> flush -> status -> flush

so a block is either marked computed with its values on file, or not marked. One writer at a time,
by a lock on OUT.h5.lock; readers come and go freely.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from jaxtransport import status as codes
from jaxtransport.errors import InputError
from jaxtransport.sweep.grid import Block, Grid, place
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
OVERHEAD_BYTES = 2**20  # attributes and headers, generously


def load(path: str | Path) -> xarray.Dataset:
    """The result file at `path` as an `xarray.Dataset` in memory; the file is closed again.

    Raises:
        InputError: no such file, or not a result of jaxtransport.
    """
    import xarray

    _open(path, "r").close()
    try:
        # Without HDF5's own lock, as everywhere here: a file that is being written stays readable.
        return xarray.load_dataset(path, engine="h5netcdf", driver_kwds={"locking": False})
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


class Lock:
    """Exclusive right to write one output, held by `flock` on a file beside it."""

    def __init__(self, output: Path) -> None:
        self.path = output.with_name(output.name + ".lock")
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            while not self._take():
                pass
        except BlockingIOError:
            raise InputError(
                f"output {output}: another run is writing it; wait for it, or pass another output"
            ) from None
        except OSError as error:
            raise InputError(f"output {output}: cannot be written ({error.strerror or error})") from None

    def _take(self) -> bool:
        """Lock the file; False if its holder removed it meanwhile: that lock would exclude nobody."""
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(self._descriptor), os.stat(self.path)):
                return True
        except FileNotFoundError:
            pass
        except OSError:
            os.close(self._descriptor)
            raise
        os.close(self._descriptor)
        return False

    def release(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self._descriptor)


class Store:
    """A result file open for writing. Made by `create`, found again by `resume`."""

    def __init__(self, path: Path, grid: Grid, names: Sequence[str]) -> None:
        self.path, self.grid, self.names = path, grid, tuple(names)
        try:
            self._file = h5py.File(path, "r+", locking=False)
        except OSError as error:
            raise InputError(f"output {path}: cannot be written ({error.strerror or error})") from None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def holds(self, block: Block) -> bool:
        """True if every point of the block is computed."""
        flags = np.empty((len(block.solve), len(block.free)), np.int8)
        status = self._file["status"]
        return all(np.all(status[box] != codes.NOT_COMPUTED) for box, _ in place(self.grid, block, flags))

    def write(self, block: Block, values: Mapping[str, np.ndarray]) -> None:
        """Store a block, then mark it computed."""
        for name in self.names:
            self._put(name, block, values[name])
        self._file.flush()
        self._put("status", block, values["status"])
        self._file.flush()

    def _put(self, name: str, block: Block, values: np.ndarray) -> None:
        dataset = self._file[name]
        for box, part in place(self.grid, block, values):
            dataset[box] = part

    def finish(self) -> None:
        """Note the time of the last block, unless it is noted."""
        if np.isnan(self._file["finished"][()]):
            self._file["finished"][()] = time.time()
            self._file.flush()

    def failed(self) -> int:
        """Number of points computed without success."""
        return sum(
            n
            for code, n in _count(self._file["status"]).items()
            if code not in (codes.SOLVED, codes.NOT_COMPUTED)
        )


def _count(status: h5py.Dataset) -> dict[int, int]:
    """Statuses in a dataset, read in pieces: a billion points must not need a gigabyte."""
    total: dict[int, int] = {}
    pieces = [()] if not status.shape else _slabs(status.shape)
    for piece in pieces:
        for code, n in zip(*np.unique(status[piece], return_counts=True), strict=True):
            total[int(code)] = total.get(int(code), 0) + int(n)
    return total


def _slabs(shape: tuple[int, ...], most: int = 2**24):
    step = max(1, most // max(1, int(np.prod(shape[1:]))))
    return [slice(i, i + step) for i in range(0, shape[0], step)]


def needed_bytes(task: Task) -> int:
    """Size of a task's result file: its points, its axes, and an allowance for the rest."""
    values = sum(len(axis.values) for axis in (*task.grid.axes, *task.extra))
    return task.grid.size * task.bytes_per_point() + 8 * values + OVERHEAD_BYTES


def free_bytes(path: Path) -> int:
    """Free space where `path` lies or will lie."""
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def require_space(path: Path, needed: int) -> None:
    """Raise `InputError` if a file of `needed` bytes does not fit beside `path`."""
    free = free_bytes(path)
    if needed > free:
        raise InputError(
            f"output {path}: needs {needed:,} bytes and the disk has {free:,} free; "
            "free some space, pass another output, or ask for fewer variables"
        )


def discard_part(path: Path) -> None:
    """Remove what a run that was killed while it made `path` has left of it."""
    with contextlib.suppress(OSError):
        part_of(path).unlink(missing_ok=True)


def part_of(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def create(path: Path, task: Task, attributes: Mapping[str, str]) -> None:
    """Make the whole file, filled with "not computed", and put it at `path` in one step.

    Args:
        path: where it goes; an existing file is replaced.
        task: its grid, variables and coordinates.
        attributes: root attributes.

    Raises:
        InputError: no space, or no permission; nothing is left behind then.
    """
    require_space(path, needed_bytes(task))
    part = part_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(part, "w", locking=False) as file:
            _fill(file, task, attributes)
        os.replace(part, path)
    except OSError as error:
        discard_part(path)
        raise InputError(f"output {path}: cannot be written ({error.strerror or error})") from None
    except BaseException:
        discard_part(path)
        raise


def _fill(file, task, attributes) -> None:
    axes = (*task.grid.axes, *task.extra)
    file.attrs["format"] = FORMAT
    for name, value in attributes.items():
        file.attrs[name] = value
    for axis in axes:
        values = np.asarray(axis.values)
        scale = file.create_dataset(axis.name, data=values)
        scale.make_scale(axis.name)
        _label(scale, axis.unit, axis.long_name, axis.symbol)
    dims = tuple(axis.name for axis in task.grid.axes)
    lengths = {axis.name: len(axis.values) for axis in axes}

    def dataset(name, dims, dtype, fill, unit, long_name, symbol=""):
        out = file.create_dataset(
            name, tuple(lengths[d] for d in dims), dtype, fillvalue=fill, dcpl=_allocated_early()
        )
        if not dims:
            out[()] = fill  # a scalar is allocated by its first write, and that must not come later
        for i, dim in enumerate(dims):
            out.dims[i].attach_scale(file[dim])
        _label(out, unit, long_name, symbol)
        return out

    coordinates = " ".join(task.along)
    for name, (axis, values, unit, long_name) in task.along.items():
        dataset(name, (axis,), "f8", np.nan, unit, long_name)[...] = values
    for v in task.variables:
        fill = np.nan if v.dtype == "f8" else 0
        made = dataset(v.name, (*dims, *v.dims), v.dtype, fill, v.unit, v.long_name, v.symbol)
        if coordinates:
            made.attrs["coordinates"] = coordinates
    status = dataset("status", dims, "i1", codes.NOT_COMPUTED, "1", "status of the point")
    status.attrs["flag_values"] = np.array(list(codes.MEANINGS), np.int8)
    status.attrs["flag_meanings"] = " ".join(codes.MEANINGS.values())
    dataset("started", (), "f8", np.nan, SINCE, "start of the run")[()] = time.time()
    dataset("finished", (), "f8", np.nan, SINCE, "end of the run")


def _label(dataset: h5py.Dataset, unit: str, long_name: str, symbol: str) -> None:
    dataset.attrs["units"], dataset.attrs["long_name"] = unit, long_name
    if symbol:
        dataset.attrs["symbol"] = symbol  # in TeX, for plots


def _allocated_early():
    dcpl = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    dcpl.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    dcpl.set_fill_time(h5py.h5d.FILL_TIME_ALLOC)
    return dcpl


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What differs between two sets of parameters, a line for each key."""
    lines = []
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            lines.append(f"{key}: the file has {_short(old.get(key))}, the spec has {_short(new.get(key))}")
    return lines


def _short(value: Any, width: int = 60) -> str:
    text = "nothing" if value is None else json.dumps(value)
    return text if len(text) <= width else f"{text[: width - 3]}..."
