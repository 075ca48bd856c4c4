"""Export of a result: netCDF (compressed), Zarr, or rows of text (CSV).

NetCDF and Zarr keep everything: numbers bit for bit, units, labels, status codes, the spec and its
origin. CSV keeps the numbers, each in the fewest digits that give the same double again.

    result -> pieces of an array (netCDF, Zarr) or ranges of rows (CSV) -> FILE.part -> check -> FILE

Only one piece is in memory at a time; xarray would hold each variable whole. If the result is still being
computed, status is read before the values, which the run writes first: every solved point has its values.

Before the rename, netCDF and Zarr files are opened once more to check that every variable has its shape and
type and that every piece was written (HDF5 swallows errors, but successful writes are recorded, see
`disk_full`). Numbers are not read back: that would take a third of the time. CSV needs no such check, as its
writers report all errors. A signal stops an export between two pieces.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import importlib.util
import io
import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import h5netcdf
import numpy as np

from jaxtransport import arguments
from jaxtransport.compute import interrupts
from jaxtransport.errors import InputError
from jaxtransport.hints import with_hints
from jaxtransport.store import files, results
from jaxtransport.store.contents import BOOKKEEPING, GROUP, book_of
from jaxtransport.store.disk_full import SurvivingFile
from jaxtransport.store.lock import Lock
from jaxtransport.store.resultfile import ResultFile
from jaxtransport.store.targets import check_name
from jaxtransport.sweep.grid import boxes

CHUNK = 2**17  # values of a netCDF chunk: 1 MiB of doubles, the chunk cache of HDF5
ZARR_CHUNK = 2**20  # values of a Zarr chunk: 8 MiB, since each is a file
ROWS = 2**15  # rows of text at a time
LEVEL = 4  # of compression; more takes longer and gains little on doubles


@with_hints
def export(
    source: str | Path,
    target: str | Path,
    *,
    variables: Sequence[str] | None = None,
    level: int = LEVEL,
    force: bool = False,
) -> Path:
    """Write the result file `source` as `target`, in the format of its ending: .nc, .zarr, .csv or .csv.gz.

    The target appears whole, in one step, or not at all.

    Args:
        source: a result of a sweep or of a search.
        target: what to write.
        variables: which of its variables; all of them by default. Axes and status always come along.
            Columns of CSV have that order; for a search they must lie along one dimension, by
            default along the zeros.
        level: of compression, from 0 (none) to 9. CSV has none.
        force: overwrite an existing target.

    Returns:
        The target.

    Raises:
        InputError: no such result; an unknown ending, level or variable; variables that do not fit in
            the rows of one table; Zarr where it is not installed; a target that exists, is the
            source, or cannot be written. Nothing is left behind then.
        KeyboardInterrupt: after SIGINT, SIGTERM or SIGHUP. The target is as it was, or, if that came
            at the very end, whole.
    """
    arguments.require_outside("export")
    if isinstance(target, str | os.PathLike):
        check_name("-o", target)
    source, target = arguments.path("source", source), arguments.path("target", target)
    target = Path(os.path.realpath(target))
    variables = None if variables is None else arguments.texts("variables", variables)
    level, force = arguments.whole("level", level, 0, 9), arguments.flag("force", force)
    write = _writer_of(target)
    results.read_attributes(source)
    _check_target(source, target, force)
    with ResultFile(source) as file:
        result = _Result(file, tuple(variables) if variables is not None else None)
        if write is _write_csv:
            result.table()  # raises before anything is written if the variables do not fit
        results.require_intact(source)

        def write_part(part: Path) -> None:
            _check_target(source, target, force)  # again, now that the lock excludes other writers
            write(result, part, level)

        _write_in_place(target, write_part)
    return target


def _writer_of(target: Path) -> Callable[[_Result, Path, int], None]:
    if target.suffix == ".nc":
        return _write_netcdf
    if target.suffix == ".zarr":
        if importlib.util.find_spec("zarr") is None:
            raise InputError(f'-o {target}: Zarr is not installed; pip install "zarr>=3", or write .nc')
        return _write_zarr
    if target.name.endswith((".csv", ".csv.gz")):
        return _write_csv
    raise InputError(
        f"-o {target}: unknown kind of file; expected a name that ends in .nc, .zarr, .csv or .csv.gz"
    )


def _check_target(source: Path, target: Path, force: bool) -> None:
    if not os.path.lexists(target):
        return
    if os.path.samefile(source, target):
        raise InputError(f"-o {target} is the result itself; choose another name")
    if target.is_dir() and not (target.suffix == ".zarr" and _is_zarr(target)):
        raise InputError(f"-o {target} is a folder; choose another name")
    if not force:
        raise InputError(f"{target} exists; use --force to overwrite")


def _is_zarr(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("zarr.json", ".zgroup"))


class _Result:
    """A result file open for reading, and which of its variables are wanted."""

    def __init__(self, file: ResultFile, wanted: tuple[str, ...] | None) -> None:
        self.file, self.search, self.wanted = file, file.search, wanted
        every = [name for name in file.names if name not in BOOKKEEPING]  # of older files
        self.books = {
            name: file.book(name) for name in BOOKKEEPING if file.book(name) in file.contents.stored
        }
        beside = {c for n in every for c in str(file.attributes_of(n).get("coordinates", "")).split()}
        self.beside = [name for name in every if name in beside]
        fixed = {*file.sizes, *beside, *(() if file.search else ("status",))}
        self.data = [name for name in every if name not in fixed]
        if wanted is not None:
            if unknown := [name for name in wanted if name not in {*self.data, "status"}]:
                raise InputError(
                    f"--variables: {', '.join(unknown) or 'nothing'} not in {file.path}; "
                    f"expected some of {', '.join(self.data)}"
                )
            if not wanted:
                raise InputError(f"--variables: an empty list; expected some of {', '.join(self.data)}")
            self.data = [name for name in dict.fromkeys(wanted) if name in self.data]  # in that order
        kept = [name for name in every if name in fixed or name in self.data]
        self.dims = {dim for name in kept if name not in file.sizes for dim in self.dims_of(name)}
        self.names = [name for name in kept if {*self.dims_of(name)} <= self.dims]

    @property
    def ordered(self) -> list[str]:
        """Names in the order in which values are read: status first."""
        return sorted(self.names, key=lambda name: name != "status")

    def dims_of(self, name: str) -> tuple[str, ...]:
        return self.file.dims_of(name)

    def shape_of(self, name: str) -> tuple[int, ...]:
        return self.file.shape_of(name)

    def attributes_of(self, name: str) -> dict[str, Any]:
        return self.file.attributes_of(name)

    def read(self, name: str, box: tuple[slice, ...]) -> np.ndarray:
        """Part of a variable."""
        return self.file.read(name, box)

    def read_range(self, name: str, start: int, stop: int) -> np.ndarray:
        """The values start ... stop of a variable in C order."""
        pieces = [self.read(name, box).ravel() for box in boxes(self.shape_of(name), start, stop)]
        return np.concatenate(pieces) if pieces else np.empty(0)

    def table(self) -> _Table:
        """The table of the wanted variables. Raises `InputError` if they do not fit in one."""
        if self.search:
            along = "zero" if self.wanted is None else None
            data = [name for name in self.data if along is None or self.dims_of(name) == (along,)]
            found = dict.fromkeys(self.dims_of(name) for name in data)
            if len(found) != 1:
                each = " and ".join(" x ".join(dims) or "no axis" for dims in found)
                raise InputError(f"--variables: a table needs variables along the same axes, got {each}")
            dims = next(iter(found))
            last: tuple[str, ...] = ()
        else:
            data, grid = self.data, self.dims_of("status")
            extra = dict.fromkeys(dim for name in data for dim in self.dims_of(name) if dim not in grid)
            if len(extra) > 1:
                raise InputError(
                    f"--variables: a table needs variables along the same axes, got {' and '.join(extra)}"
                )
            dims, last = (*grid, *extra), ("status",)
        scales = [dim for dim in dims if dim in self.file.names]
        # Fixed parameters would be constant columns.
        varied = [name for name in self.beside if self.dims_of(name) and name not in scales]
        beside = [name for name in varied if {*self.dims_of(name)} <= {*dims}]
        shape = tuple(self.file.sizes[dim] for dim in dims)
        return _Table(dims, shape, (*scales, *beside, *data, *last))


@dataclass(frozen=True)
class _Table:
    """Rows are the product of some dimensions, the last fastest; columns are variables along them."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    columns: tuple[str, ...]


def _tiles(shape: tuple[int, ...], tile: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Pieces that cover an array."""
    starts = (range(0, n, step) for n, step in zip(shape, tile, strict=True))
    for corner in itertools.product(*starts):
        yield tuple(slice(i, min(i + step, n)) for i, step, n in zip(corner, tile, shape, strict=True))


def _tile(shape: tuple[int, ...], most: int) -> tuple[int, ...]:
    """Shape of a piece of at most `most` values: whole last axes, an even share of the one before."""
    tile, room = [1] * len(shape), most
    for i in reversed(range(len(shape))):
        pieces = max(1, -(-shape[i] // room))
        tile[i] = max(1, -(-shape[i] // pieces))
        room //= tile[i]
    return tuple(tile)


def _write_netcdf(result: _Result, part: Path, level: int) -> None:
    with SurvivingFile(part, "w+") as plain, h5netcdf.File(plain, "w") as out:
        out.attrs.update(result.file.attributes)
        sizes = {dim: size for dim, size in result.file.sizes.items() if dim in result.dims}
        out.dimensions = {dim: size or None for dim, size in sizes.items()}  # netCDF has no length 0
        for name in result.names:
            shape = result.shape_of(name)
            storage: dict[str, Any] = {}
            if prod(shape) and shape:
                storage["chunks"] = _tile(shape, CHUNK)
                if level:
                    storage |= {"compression": "gzip", "compression_opts": level, "shuffle": True}
            dtype = result.file.dtype_of(name)
            made = out.create_variable(name, result.dims_of(name), dtype, **storage)
            made.attrs.update(result.attributes_of(name))
        for name in result.ordered:
            shape = result.shape_of(name)
            for box in _tiles(shape, _tile(shape, CHUNK)):
                interrupts.check()
                out.variables[name][box] = result.read(name, box)
                plain.require_good()
        for name, place in result.books.items():
            made = out.create_variable(f"/{book_of(name)}", (), data=result.read(place, ()))
            made.attrs.update(result.attributes_of(place))
    plain.require_whole()
    with h5netcdf.File(part, "r", locking=False) as file:
        _require_same(result, {name: (tuple(v.shape), v.dtype) for name, v in file.variables.items()})


def _require_same(result: _Result, made: dict[str, tuple]) -> None:
    """Raise `OSError` unless every variable was written with its shape and type."""
    wanted = {name: (result.shape_of(name), result.file.dtype_of(name)) for name in result.names}
    if wrong := [name for name in {*wanted, *made} if wanted.get(name) != made.get(name)]:
        raise OSError(f"{', '.join(sorted(wrong))} were written with a wrong shape or type")


def _write_zarr(result: _Result, part: Path, level: int) -> None:
    import zarr
    from zarr.codecs import BloscCodec

    group = zarr.create_group(part, zarr_format=3, attributes=_plain(result.file.attributes))
    arrays = {}
    for name in result.names:
        shape, dtype = result.shape_of(name), result.file.dtype_of(name)
        arrays[name] = group.create_array(
            name,
            shape=shape,
            dtype=dtype,
            chunks=_tile(shape, ZARR_CHUNK),
            compressors=BloscCodec(cname="zstd", clevel=level, shuffle="shuffle") if level else None,
            fill_value=np.nan if dtype.kind == "f" else 0,
            dimension_names=result.dims_of(name),
            attributes=_plain(result.attributes_of(name)),
            config={"write_empty_chunks": True},  # each is a file, so a missing one is noticed
        )
    for name in result.ordered:
        shape = result.shape_of(name)
        for box in _tiles(shape, _tile(shape, ZARR_CHUNK)):
            interrupts.check()
            arrays[name][box] = result.read(name, box)
    for name, place in result.books.items():
        group.require_group(GROUP).create_array(
            name, data=result.read(place, ()), attributes=_plain(result.attributes_of(place))
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not part of format 3, but xarray writes and reads it
        zarr.consolidate_metadata(part, zarr_format=3)
    made = dict(zarr.open_group(part, mode="r").arrays())
    _require_same(result, {name: (array.shape, array.dtype) for name, array in made.items()})
    if lost := [name for name, array in made.items() if array.nchunks_initialized < array.nchunks]:
        raise OSError(f"a piece of {lost[0]} was not written")


def _plain(attributes: dict[str, Any]) -> dict[str, Any]:
    """Attributes as types of JSON."""
    return {k: v.tolist() if isinstance(v, np.ndarray | np.generic) else v for k, v in attributes.items()}


def _write_csv(result: _Result, part: Path, level: int) -> None:
    table = result.table()
    first = sorted(table.columns, key=lambda name: name != "status")
    with contextlib.ExitStack() as stack:
        out: Any = stack.enter_context(open(part, "wb"))
        if part.name.removesuffix(".part").endswith(".gz"):
            out = stack.enter_context(gzip.GzipFile("", "wb", level, out, mtime=0))
        text = stack.enter_context(io.TextIOWrapper(out, "utf-8", newline=""))
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(table.columns)
        total = prod(table.shape)
        for start in range(0, total, ROWS):
            interrupts.check()
            chosen = np.arange(start, min(start + ROWS, total))
            values = {name: _column(result, name, table, chosen).tolist() for name in first}
            rows.writerows(zip(*(values[name] for name in table.columns), strict=True))


def _column(result: _Result, name: str, table: _Table, rows: np.ndarray) -> np.ndarray:
    """A variable at rows of a table; repeated along the dimensions that it does not have."""
    flat = rows
    if result.dims_of(name) != table.dims:
        index = dict(zip(table.dims, np.unravel_index(rows, table.shape), strict=True))
        own = tuple(index[dim] for dim in result.dims_of(name))
        flat = np.ravel_multi_index(own, result.shape_of(name)) if own else np.zeros_like(rows)
    start = int(flat.min())
    return result.read_range(name, start, int(flat.max()) + 1)[flat - start]


def _write_in_place(target: Path, write: Callable[[Path], None]) -> None:
    """Let `write` make the target under a temporary name, then rename it; a lock excludes other writers."""
    part = files.part_of(target)
    with interrupts.held():
        lock = Lock(target)
        try:
            with interrupts.undone_by(lambda: _discard(part)):
                _discard(part)
                write(part)
                interrupts.check()
                _swap(part, target)
        except BaseException as error:
            with contextlib.suppress(OSError):
                _discard(part)
            if isinstance(error, OSError | RuntimeError):  # HDF5 raises both if the disk is full
                reason = getattr(error, "strerror", None) or error
                raise InputError(f"-o {target} cannot be written ({reason})") from None
            raise
        finally:
            lock.release()


def _swap(part: Path, target: Path) -> None:
    """Rename `part` to `target`. An old folder is moved away first: it cannot be replaced in one step."""
    if not target.is_dir():
        os.replace(part, target)
        return
    old = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))

    def put_back() -> None:
        with contextlib.suppress(OSError):  # the new one is already in place
            os.rename(old / "old", target)
        shutil.rmtree(old, ignore_errors=True)
        _discard(part)

    with interrupts.undone_by(put_back):
        try:
            os.rename(target, old / "old")
            os.rename(part, target)
        finally:
            put_back()


def _discard(part: Path) -> None:
    """Remove the unfinished file or folder of an export."""
    if part.is_dir():
        if any(part.iterdir()) and not _is_zarr(part):
            raise InputError(f"{part} is in the way; move it")
        shutil.rmtree(part)
    else:
        part.unlink(missing_ok=True)
