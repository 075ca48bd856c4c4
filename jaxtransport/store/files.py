"""Creation of a result file, at its full size, before anything is computed.

Every dataset is contiguous, allocated and filled, and every scale and attribute is written under a temporary
name; then the file is renamed. Lack of disk space shows at this point.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jaxtransport import status as codes
from jaxtransport.compute import interrupts
from jaxtransport.compute.batches import LANES
from jaxtransport.errors import InputError
from jaxtransport.store import checksums
from jaxtransport.store.checksums import Tiles
from jaxtransport.store.contents import CHANGING_BOOKS, GROUP, book_of, note
from jaxtransport.store.disk_full import SurvivingFile
from jaxtransport.store.resultfile import FORMAT, crc_name, crc_of_book
from jaxtransport.store.results import SINCE
from jaxtransport.store.seal import seal
from jaxtransport.sweep.plan import Plan
from jaxtransport.sweep.task import Task

OVERHEAD_BYTES = 2**20  # attributes and headers, generously


def needed_bytes(task: Task) -> int:
    """Size of a task's result file: its points, its axes, and an allowance for the rest."""
    values = sum(len(axis.values) for axis in (*task.grid.axes, *task.extra))
    return task.grid.size * task.bytes_per_point() + 8 * values + OVERHEAD_BYTES + _checksum_bytes(task)


def _checksum_bytes(task: Task) -> int:
    """Largest size of the checksums: one for each batch, of at least LANES points."""
    return 4 * (task.grid.size // LANES + 1)


def free_bytes(path: Path) -> int:
    """Free space on the disk of `path`."""
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def require_space(path: Path, needed: int) -> None:
    """Raise `InputError` if a file of `needed` bytes does not fit beside `path`."""
    free = free_bytes(path)
    if needed > free:
        raise InputError(
            f"output {path} needs {needed:,} bytes, but the disk has {free:,} free; "
            "free some space, choose another output, or store fewer variables"
        )


def reserve(part: Path, needed: int) -> None:
    """Allocate `needed` bytes in `part` as a test: unlike the free space, this respects quotas and limits.

    Raises:
        OSError: the disk does not have them.
    """
    with open(part, "wb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, needed)


def discard_part(path: Path) -> None:
    """Remove the temporary file of a run that was killed while it created `path`."""
    with contextlib.suppress(OSError):
        part_of(path).unlink(missing_ok=True)


def part_of(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def create(
    path: Path,
    task: Task,
    attributes: Mapping[str, str],
    plan: Plan | None = None,
    fill: Callable[[Path], Any] = lambda part: None,
) -> None:
    """Create the whole file, filled with "not computed", and move it to `path` in one step.

    Args:
        path: where it goes; an existing file is replaced.
        task: its grid, variables and coordinates.
        attributes: root attributes.
        plan: how its blocks are cut; without it they get no checksums.
        fill: puts points into the file before it gets its name.

    Raises:
        InputError: no space, or no permission; nothing is left behind then.
        KeyboardInterrupt: a signal came; nothing is left behind, or, at the very end, the file is complete.
    """
    needed = needed_bytes(task)
    require_space(path, needed)
    part = part_of(path)
    try:
        with interrupts.held(), interrupts.undone_by(lambda: discard_part(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            reserve(part, needed)
            with SurvivingFile(part, "w+") as plain:
                # Creation order is tracked, as netCDF requires for files that it appends to.
                with h5py.File(plain, "w", track_order=True) as file:
                    _fill(file, task, attributes)
                    changing = _note(file, task, plan)
                plain.require_whole()
                seal(plain, changing)
                plain.require_good()
            fill(part)
            interrupts.check()
            os.replace(part, path)
    except OSError as error:
        discard_part(path)
        reason = f"{error.strerror or error}; it needs {needed:,} bytes"
        raise InputError(f"output {path} cannot be written ({reason})") from None
    except BaseException:
        discard_part(path)
        raise


def vouch_for(part: Path, started: float) -> None:
    """Store the times and the description of a finished file, and seal it.

    Raises:
        OSError: the disk takes no more.
    """
    with SurvivingFile(part, "r+") as plain:
        with h5py.File(plain, "r+") as file:
            for name, value, what in (("started", started, "start"), ("finished", time.time(), "end")):
                _label(file.create_dataset(book_of(name), data=value), SINCE, f"{what} of the run", "")
            note(file)
        seal(plain, ())
        plain.require_good()


def _fill(file, task, attributes) -> None:
    axes = (*task.grid.axes, *task.extra)
    file.create_group(GROUP, track_order=True)
    file.attrs["format"] = FORMAT
    for name, value in attributes.items():
        file.attrs[name] = value
    for axis in axes:
        values = np.asarray(axis.values)
        scale = file.create_dataset(axis.name, data=values, track_order=True)
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

    coordinates = " ".join(one.name for one in task.beside)
    for one in task.beside:
        dtype, labels = one.values.dtype, (one.unit, one.long_name, one.symbol)
        dataset(one.name, one.dims, dtype, dtype.type(0), *labels)[...] = one.values
    for v in task.variables:
        fill = np.nan if v.dtype == "f8" else 0
        made = dataset(v.name, (*dims, *v.dims), v.dtype, fill, v.unit, v.long_name, v.symbol)
        if coordinates:
            made.attrs["coordinates"] = coordinates
    status = dataset("status", dims, "i1", codes.NOT_COMPUTED, "1", "status of the point")
    status.attrs["flag_values"] = np.array(list(codes.MEANINGS), np.int8)
    status.attrs["flag_meanings"] = " ".join(codes.MEANINGS.values())
    dataset(book_of("started"), (), "f8", np.nan, SINCE, "start of the run")[()] = time.time()
    dataset(book_of("finished"), (), "f8", np.nan, SINCE, "end of the run")
    dataset(book_of("halvings"), (), "i1", 0, "1", "how often batches were halved for lack of memory")


def _note(file: h5py.File, task: Task, plan: Plan | None) -> list[tuple[int, int]]:
    """Describe a file and allocate its checksums; returns the byte ranges that runs will write."""
    changing = [*(v.name for v in task.variables), "status", *map(book_of, CHANGING_BOOKS)]
    grid, tile = task.grid, () if plan is None else (plan.tile, plan.free_step)
    written = [file[name] for name in changing]
    if plan is not None:
        shape = (len(Tiles(grid, *tile)),)
        sums = file.create_dataset(checksums.NAME, shape, "u4", fillvalue=0, dcpl=_allocated_early())
        sums.make_scale(sums.name)
        _label(sums, "1", "CRC-32 of a block of points: variables by name, then status", "")
        written.append(sums)
        for name in CHANGING_BOOKS:
            crc = np.uint32(crc_of_book(file[book_of(name)][()]))
            book = file.create_dataset(crc_name(name), data=crc, track_order=True)
            _label(book, "1", f"CRC-32 of {name}", "")
            written.append(book)
    names = [axis.name for axis in grid.axes]
    note(file, changing, names, [name for name in names if name in grid.free], tile)
    starts = [(int(one.id.get_offset()), one.nbytes) for one in written]
    return [(start, start + length) for start, length in starts]


def _label(dataset: h5py.Dataset, unit: str, long_name: str, symbol: str) -> None:
    dataset.attrs["units"], dataset.attrs["long_name"] = unit, long_name
    if symbol:
        dataset.attrs["symbol"] = symbol  # in TeX, for plots


def _allocated_early():
    dcpl = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    dcpl.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    dcpl.set_fill_time(h5py.h5d.FILL_TIME_ALLOC)
    dcpl.set_attr_creation_order(h5py.h5p.CRT_ORDER_TRACKED | h5py.h5p.CRT_ORDER_INDEXED)
    return dcpl
