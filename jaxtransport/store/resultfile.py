"""Opening and verification of result files for reading.

    bytes as sealed               -> opened at once
    no seal, or a broken one      -> opened by a child process first (see `trial`), then compared
    any error of HDF5              -> "is damaged", with the cause and a remedy

Readers need no lock: a file that is being written is consistent at any time (see `store`).
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jaxtransport.errors import InputError
from jaxtransport.store import checksums, contents, seal, trial
from jaxtransport.sweep.grid import Axis, Block, Grid

FORMAT = "jaxtransport sweep 1"
SEARCH_FORMAT = "jaxtransport search 1"
# All exceptions that HDF5, h5py and NumPy were seen to raise for a file with wrong bytes.
BROKEN: tuple[type[Exception], ...] = (ArithmeticError, AttributeError, LookupError, MemoryError, OSError)
BROKEN += (RuntimeError, SystemError, TypeError, ValueError)


class DamagedFile(InputError):
    """A result of jaxtransport whose content differs from what was written."""


def damaged(path: Path, what: Sequence[str]) -> DamagedFile:
    """The error for a damaged file."""
    some = ", ".join(what[:5]) + (f" and {len(what) - 5} more" if len(what) > 5 else "")
    return DamagedFile(
        f"{path} is damaged ({some}); compute it again, with --force into this file, or delete it. "
        "h5py and xarray may still open what is left"
    )


class ResultFile:
    """A result open for reading.

    Args:
        path: a result of a sweep or of a search.
        tried: True in the child process that tries to open the file.
        known: its contents, if it has been opened before.

    Raises:
        InputError: no such file, or not a result of jaxtransport.
        DamagedFile: its content differs from what was written. Every method raises it if reading fails.
    """

    def __init__(
        self, path: str | Path, *, tried: bool = False, known: contents.Contents | None = None
    ) -> None:
        self.path = Path(path)
        _require_file(self.path)
        look = seal.Seal.INTACT if known is not None else self._look()
        if look is not seal.Seal.INTACT and not tried:
            self._try()
        try:
            # Without HDF5's own lock: a file that is being written stays readable.
            self.file = h5py.File(path, "r", locking=False)
        except BROKEN as error:
            if look is not seal.Seal.NONE:
                raise damaged(self.path, [str(error)]) from None
            raise _no_result(self.path, error) from None
        try:
            with self.believing():
                self.contents = self._contents(look) if known is None else known
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> ResultFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(*BROKEN):
            self.file.close()

    @property
    def search(self) -> bool:
        """Whether it is the result of a search."""
        with self.believing():
            return bool(contents.attribute(self.file, "format") == SEARCH_FORMAT)

    @property
    def names(self) -> list[str]:
        """All variables, axes and bookkeeping included."""
        return self.contents.variables

    @property
    def sizes(self) -> dict[str, int]:
        """Length of every dimension."""
        return self.contents.sizes

    def dims_of(self, name: str) -> tuple[str, ...]:
        return self._stored(name).dims

    def shape_of(self, name: str) -> tuple[int, ...]:
        return self._stored(name).shape

    def dtype_of(self, name: str) -> np.dtype:
        dtype = self._stored(name).dtype
        return h5py.string_dtype() if dtype == "O" else np.dtype(dtype)

    @property
    def attributes(self) -> dict[str, Any]:
        """Root attributes."""
        with self.believing():
            return contents.attributes(self.file)

    def attributes_of(self, name: str) -> dict[str, Any]:
        with self.believing():
            return contents.attributes(self.dataset(name))

    def dataset(self, name: str) -> h5py.Dataset:
        """A dataset, opened anew each time, so that HDF5 caches nothing of a file that is being written."""
        with self.believing():
            return self.file[name]

    def read(self, name: str, box: tuple[slice, ...] = ()) -> np.ndarray:
        """Part of a variable."""
        with self.believing(name):
            dataset = self.file[name]
            if dataset.dtype.kind == "O":
                dataset = dataset.asstr()
            return np.asarray(dataset[box or ()])

    def book(self, name: str) -> str:
        """Path of a bookkeeping value: in its group, or in older files among the variables."""
        inner = contents.book_of(name)
        return inner if inner in self.contents.stored else name

    def time_of(self, name: str) -> float:
        """When a run "started" or "finished", in seconds since 1970; NaN where that is not (yet) known."""
        book = self.book(name)
        return float(self.read(book)) if book in self.contents.stored else float("nan")

    def touch(self) -> None:
        """Read one number of every variable, to see whether HDF5 can."""
        for name, one in self.contents.stored.items():
            with self.believing(name):
                dataset = self.file[name]
                if dataset.chunks is not None:
                    dataset.id.get_num_chunks()
                if dataset.size:
                    dataset[(0,) * len(one.shape)]

    @contextlib.contextmanager
    def believing(self, name: str = "") -> Iterator[None]:
        """Context for reading: any error of HDF5 becomes `DamagedFile`."""
        try:
            yield
        except InputError:
            raise
        except BROKEN as error:
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise damaged(self.path, [f"{name}: {reason}" if name else reason]) from None

    def changed(self, values: dict[str, np.ndarray] | None = None) -> list[Block]:
        """The blocks of points whose numbers or status differ from what was written.

        Args:
            values: whole variables, the status read first; by default the file is read in pieces.
        """
        if not self.contents.tile:
            return []
        with self.believing():
            if wrong := self._changed_books():
                raise damaged(self.path, wrong)
            tiles = self._tiles()
            known = values or {}
            read = lambda name, box: known[name][box] if name in known else self.read(name, box)
            return checksums.changed(tiles, read, lambda: self._checksums(tiles), self._points(tiles.grid))

    def said(self, blocks: Sequence[Block]) -> DamagedFile:
        """The error for changed points."""
        tiles = self._tiles()
        total, count = tiles.grid.size, sum(block.size for block in blocks)
        grid = tiles.grid
        first = {
            **grid.solve_axes.points(np.array(blocks[0].solve.start)),
            **grid.free_axes.points(np.array(blocks[0].free.start)),
        }
        where = ", ".join(f"{a.name} = {first[a.name]:.6g}" for a in grid.axes)
        from_ = f", from {where} on" if where else ""
        return damaged(self.path, [f"numbers or status changed among {count:,} of {total:,} points{from_}"])

    # Opening a file.

    def _look(self) -> seal.Seal:
        try:
            return seal.look(self.path)
        except OSError as error:
            if not os.access(self.path, os.R_OK):
                raise InputError(f"{self.path}: permission denied; make it readable") from None
            raise InputError(f"{self.path} cannot be read ({error.strerror or error})") from None

    def _try(self) -> None:
        if not h5py.is_hdf5(self.path):
            raise _no_result(self.path, None)
        found = trial.mistakes_of(self.path)
        if found is None:
            return
        lines, is_damaged = found
        if not is_damaged:
            raise InputError(lines)
        raise (
            DamagedFile(lines)
            if lines[0].startswith(f"{self.path} is damaged")
            else damaged(self.path, lines)
        )

    def _contents(self, look: seal.Seal) -> contents.Contents:
        form = contents.attribute(self.file, "format") if "format" in self.file.attrs else None
        noted = contents.read(self.file)
        if form not in (FORMAT, SEARCH_FORMAT):
            if noted is not None or look is not seal.Seal.NONE:
                raise ValueError("attribute format")
            raise InputError(f"{self.path} is HDF5, but not a result of jaxtransport; choose another file")
        if noted is not None:
            wrong = [] if look is seal.Seal.INTACT else contents.differences(self.file, noted)
        elif look is not seal.Seal.NONE:
            raise ValueError(f"group {contents.GROUP} missing")
        else:
            noted = contents.describe(self.file, os.path.getsize(self.path))
            wrong = self._missing(noted)
        if wrong:
            raise damaged(self.path, wrong)
        return noted

    def _missing(self, found: contents.Contents) -> list[str]:
        """Missing parts of a file without a description of its contents."""
        needed = {} if self.search else {"status": "iu"}
        listed = str(self.attributes.get("contents", "")).split() if self.search else ()
        garbled = ["attribute spec"] if "spec" in self.file.attrs and "spec" not in self.attributes else []
        return garbled + [
            f"{name} missing"
            for name in dict.fromkeys((*needed, *listed))
            if name not in found.stored
            or (name in needed and np.dtype(found.stored[name].dtype).kind not in needed[name])
        ]

    # Comparing its points.

    def _stored(self, name: str) -> contents.Stored:
        return self.contents.stored[name]

    def _points(self, grid: Grid) -> dict[str, tuple]:
        """Every variable over the grid, as `checksums.changed` takes them."""
        inner = len(grid.axes)
        books = [contents.book_of(name) for name in contents.BOOKKEEPING]
        return {
            name: (one.dtype, one.shape[inner:])
            for name, one in self.contents.stored.items()
            if one.checksum is None and name not in ("status", *contents.BOOKKEEPING, *books)
        }

    def _tiles(self) -> checksums.Tiles:
        axes = tuple(Axis(name, self.read(name)) for name in self.contents.grid)
        return checksums.Tiles(Grid(axes, frozenset(self.contents.free)), *self.contents.tile)

    def _checksums(self, tiles: checksums.Tiles) -> np.ndarray:
        dataset = self.file[checksums.NAME]
        if dataset.shape != (len(tiles),) or dataset.dtype != np.uint32:
            raise ValueError(f"{checksums.NAME} has a wrong shape or type")
        return dataset[()]

    def _changed_books(self) -> list[str]:
        """Names of bookkeeping values that do not match their checksums."""
        wrong = []
        for name in contents.CHANGING_BOOKS:
            value, crc = self.read(self.book(name)), int(self.read(crc_name(name)))
            if not np.isnan(value) and crc not in possible(name, value):
                wrong.append(name)
        return wrong


def crc_name(name: str) -> str:
    """Path of the checksum of a bookkeeping value."""
    return f"{checksums.NAME}_{name}"


def crc_of_book(value: np.ndarray) -> int:
    return zlib.crc32(np.asarray(value, value.dtype.newbyteorder("<")).tobytes())


def possible(name: str, value: np.ndarray) -> list[int]:
    """Valid checksums of a value: its own, or that of the next value, which is written first."""
    following = [value + np.ones_like(value)] if name == "halvings" else []
    return [crc_of_book(one) for one in (value, *following)]


def _require_file(path: Path) -> None:
    if not os.path.exists(path):
        raise InputError(f"{path}: no such file; run a sweep first, or check the name")
    if not os.path.isfile(path):
        raise InputError(f"{path} is a folder or a device; expected a result file")


def _no_result(path: Path, error: Exception | None) -> InputError:
    if not os.access(path, os.R_OK):
        return InputError(f"{path}: permission denied; make it readable")
    if not h5py.is_hdf5(path):
        if path.suffix == ".toml":
            return InputError(
                f"{path} is a sweep file, not a result; `jaxtransport run {path}` computes its result"
            )
        return InputError(f"{path} is not an HDF5 file; expected a result of jaxtransport")
    return InputError(f"{path} cannot be opened ({error}); delete it and compute it again")
