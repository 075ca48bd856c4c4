"""Writing a result file: HDF5 that stays valid if the process is killed.

The whole file exists from the start (see `files`). Afterwards only raw data changes,

    values -> checksum -> flush -> status

written by `in_place`, so a block is either marked computed with its values and its checksum on file, or not
marked. Where a part of a block is on file, its numbers stay, to the bit. A lock on OUT.h5.lock allows one
writer at a time; readers need no lock.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from jaxtransport import status as codes
from jaxtransport.errors import InputError
from jaxtransport.store import checksums, files
from jaxtransport.store.checksums import Tiles, checksum, part_of
from jaxtransport.store.contents import CHANGING_BOOKS
from jaxtransport.store.in_place import RawDataset
from jaxtransport.store.lock import share
from jaxtransport.store.resultfile import ResultFile, crc_name, crc_of_book
from jaxtransport.store.results import count_statuses
from jaxtransport.sweep.gaps import Gappy, blocks_left
from jaxtransport.sweep.grid import Block, Grid, scatter

UNTILED = 1024  # solve points that are merged at once in files without checksums


class Store:
    """A result file open for writing. `files.create` makes it."""

    def __init__(self, path: Path, grid: Grid, names: Sequence[str]) -> None:
        self.path, self.grid, self.names = path, grid, tuple(names)
        try:
            self._descriptor = os.open(path, os.O_RDWR)
        except OSError as error:
            raise InputError(f"output {path} cannot be written ({error.strerror or error})") from None
        try:
            share(self._descriptor, path)
            with ResultFile(path) as result:
                tile = result.contents.tile
                self._tiles = Tiles(grid, *tile) if tile else None
                held = {name: name for name in (*names, "status")}
                held |= {
                    n: result.book(n) for n in CHANGING_BOOKS if result.book(n) in result.contents.stored
                }
                held |= {name: name for name in (checksums.NAME, *map(crc_name, CHANGING_BOOKS)) if tile}
                self._data = {
                    name: RawDataset.of(result.dataset(place), self._descriptor)
                    for name, place in held.items()
                }
        except BaseException as error:
            os.close(self._descriptor)
            if isinstance(error, OSError | ValueError) and not isinstance(error, InputError):
                reason = getattr(error, "strerror", None) or error
                raise InputError(f"output {path} cannot be written ({reason})") from None
            raise
        self._end = max(data.end for data in self._data.values())

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    accepts = True

    def left(self, step: int, free_step: int) -> Iterator[Block]:
        """Blocks with everything that is left to compute. They have to be `filled`."""
        return blocks_left(self.grid, self.points_left, step, free_step)

    def filled(self, block: Block) -> Block | None:
        """A block with the points of it that are left, if some are on file."""
        return block.filled(self.points_left) if isinstance(block, Gappy) else block

    def write(self, block: Block, values: Mapping[str, np.ndarray]) -> None:
        """Store a block, then mark it computed.

        Raises:
            InputError: the disk is full; the file was removed, replaced or truncated. Blocks written
                before are kept, or saved again.
        """
        with self._guarded():
            marks = [(tile, self._put_values(tile, of_tile)) for tile, of_tile in self._tiled(block, values)]
            self.flush()  # otherwise a crash of the machine could keep the mark and lose the values
            for tile, status in marks:
                self._put("status", tile, status)

    def give_up(self, block: Block) -> None:
        """Mark a block as one whose computation failed. Errors as for `write`."""
        crashed = np.full((len(block.rows), len(block.free)), codes.CRASHED, np.int8)
        with self._guarded():
            for tile, of_tile in self._tiled(block, {"status": crashed}):
                self._put("status", tile, of_tile["status"])

    @property
    def tile(self) -> tuple[int, int]:
        """Solve and free points of a checksum; of a file that has some."""
        assert self._tiles is not None
        return self._tiles.solve, self._tiles.free

    def blank(self, block: Block) -> dict[str, np.ndarray]:
        """The values of a block of which nothing is computed, as a file is made with them."""
        fill = {"f": np.nan, "i": 0}
        out = {}
        for name in (*self.names, "status"):
            data = self._data[name]
            shape = (len(block.solve), len(block.free), *data.shape[len(self.grid.axes) :])
            value = codes.NOT_COMPUTED if name == "status" else fill[data.dtype.kind]
            out[name] = np.full(shape, value, data.dtype)
        return out

    def adopt(self, block: Block, values: Mapping[str, np.ndarray]) -> None:
        """Put points into a file that is being made; call `flush` at the end. `OSError` if that fails."""
        self._put("status", block, self._put_values(block, values))

    def flush(self) -> None:
        """Wait until everything is on the disk."""
        getattr(os, "fdatasync", os.fsync)(self._descriptor)

    def points_left(self, block: Block) -> np.ndarray:
        """Which points of a block are left, shape (solve, free)."""
        return checksums.left(self._get("status", block))

    def _tiled(
        self, block: Block, values: Mapping[str, np.ndarray]
    ) -> Iterator[tuple[Block, Mapping[str, np.ndarray]]]:
        """The tiles of a block in which something is left, with their values; what is on file stays."""
        if isinstance(block, Gappy):
            step = UNTILED if self._tiles is None else self._tiles.solve
            for tile in block.tiles(step, self.grid.solve_axes.size):
                rows = block.rows_of(tile)
                of_rows = {name: array[rows] for name, array in values.items()}
                yield tile, self._merged(tile, block.rows[rows] - tile.solve.start, of_rows)
            return
        tiles = [] if self._tiles is None else [tile for _, tile in self._tiles.within(block)]
        left = [tile for tile in tiles if self.points_left(tile).any()]
        for part in [block] if len(left) == len(tiles) else left:
            yield part, {name: part_of(array, block, part) for name, array in values.items()}

    def _merged(
        self, tile: Block, rows: np.ndarray, values: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """The values of a tile: those on file, and where its points are left, those given for its `rows`."""
        taken, out = self.points_left(tile)[rows], {}
        for name, given in values.items():
            out[name] = self._get(name, tile)
            wanted = taken.reshape(*taken.shape, *[1] * (given.ndim - 2))
            out[name][rows] = given if taken.all() else np.where(wanted, given, out[name][rows])
        return out

    def _put_values(self, block: Block, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Store the values of whole tiles, and their checksums; returns their status."""
        for name in self.names:
            self._put(name, block, values[name])
        if self._tiles is not None:
            arrays = [np.asarray(values[n], self._data[n].dtype) for n in (*sorted(self.names), "status")]
            for number, tile in self._tiles.within(block):
                crc = checksum([part_of(array, block, tile) for array in arrays])
                self._data[checksums.NAME].write((slice(number, number + 1),), np.array([crc]))
        return values["status"]

    def _put(self, name: str, block: Block, values: np.ndarray) -> None:
        for box, part in scatter(self.grid, block, values):
            self._data[name].write(box, part)

    def _get(self, name: str, block: Block) -> np.ndarray:
        data = self._data[name]
        shape = (len(block.solve), len(block.free), *data.shape[len(self.grid.axes) :])
        out = np.empty(shape, data.dtype)
        for box, part in scatter(self.grid, block, out):
            part[...] = data.read(box)
        return out

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Context for writing: checks the file first, and turns failures into `InputError`."""
        self._require_there()
        try:
            yield
        except OSError as error:
            raise InputError(
                f"output {self.path} can no longer be written ({error.strerror or error}); finished points "
                "are kept: fix the cause, and run the same command again, without --force, to resume"
            ) from None

    def _require_there(self) -> None:
        """Raise `InputError` if the file was truncated, removed or replaced; save it if possible."""
        mine = os.fstat(self._descriptor)
        if mine.st_size < self._end:
            raise InputError(
                f"output {self.path} was truncated during the run; delete it and run its sweep again"
            )
        try:
            there = os.stat(self.path)
        except OSError:
            what, target = "removed", self.path
        else:
            if os.path.samestat(mine, there):
                return
            what, target = "replaced", self._free_name()
        try:
            self._save(target)
        except OSError as error:
            raise InputError(
                f"output {self.path} was {what} during the run, and its finished points cannot be saved "
                f"({error.strerror or error}); run its sweep again"
            ) from None
        elsewhere = "" if target == self.path else f" with -o {target}"
        raise InputError(
            f"output {self.path} was {what} during the run; its finished points were saved as {target}: "
            f"run the same command again{elsewhere}, without --force, to resume, or delete it"
        )

    def _free_name(self) -> Path:
        """An unused name next to the file."""
        numbered = (self.path.with_stem(f"{self.path.stem}-rescued-{n}") for n in itertools.count(1))
        return next(path for path in numbered if not os.path.lexists(path))

    def _save(self, target: Path) -> None:
        """Copy the file, which was removed or replaced, to `target`, and rename it in one step."""
        target.parent.mkdir(parents=True, exist_ok=True)
        part = files.part_of(target)
        try:
            with open(part, "wb") as out, open(os.dup(self._descriptor), "rb") as source:
                source.seek(0)
                shutil.copyfileobj(source, out, 2**20)
            os.replace(part, target)
        except BaseException:
            files.discard_part(target)
            raise

    @property
    def halvings(self) -> int:
        """Number of times the batches were halved for lack of memory."""
        return int(self._data["halvings"].read(())) if "halvings" in self._data else 0

    def note_halving(self) -> None:
        """Store that batches are half as large from now on."""
        if "halvings" in self._data:
            with self._guarded():
                self._write_book("halvings", np.array(self.halvings + 1, np.int8))

    def finish(self) -> None:
        """Store the time of the last block, unless it is stored already."""
        if "finished" in self._data and np.isnan(self._data["finished"].read(())):
            with self._guarded():
                self.flush()
                self._write_book("finished", np.array(time.time()))

    def _write_book(self, name: str, value: np.ndarray) -> None:
        """Write a bookkeeping value after its checksum, so that a value always has one."""
        if self._tiles is not None:
            self._data[crc_name(name)].write((), np.array(crc_of_book(value)))
            self.flush()
        self._data[name].write((), value)

    def failed(self) -> int:
        """Number of points computed without success."""
        counts = count_statuses(self.path)
        return sum(n for code, n in counts.items() if code not in (codes.SOLVED, codes.NOT_COMPUTED))
