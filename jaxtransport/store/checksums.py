"""A CRC-32 of every block of points: of the bytes of all its variables, and of its status.

    variables by name, then status; each of shape (solve, free, ...), little-endian

A block here is a tile of the grid that depends on the file alone, not on the devices that compute it; runs
write whole tiles, what is on file of them with the same numbers. The checksum is written before the status,
so it is valid once every point of the tile has a final status.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np

from jaxtransport import status as codes
from jaxtransport.sweep.grid import Block, Grid, blocks, boxes, scatter

NAME = "run/checksum"
AT_ONCE = 2**24  # bytes of a variable that are compared at once, at least a tile

Box = tuple[slice, ...]
Read = Callable[[str, Box], np.ndarray]  # part of a variable


@dataclass(frozen=True)
class Tiles:
    """A grid in tiles of so many solve points and free points, counted from 0."""

    grid: Grid
    solve: int
    free: int

    def __len__(self) -> int:
        return -(-self.grid.solve_axes.size // self.solve) * self._columns

    @property
    def _columns(self) -> int:
        return -(-self.grid.free_axes.size // self.free)

    def within(self, block: Block) -> Iterator[tuple[int, Block]]:
        """The tiles of a block, with their numbers.

        Raises:
            ValueError: the block ends within a tile.
        """
        total = self.grid.solve_axes.size, self.grid.free_axes.size
        for ends, step, all_ in ((block.solve, self.solve, total[0]), (block.free, self.free, total[1])):
            if ends.start % step or (ends.stop % step and ends.stop != all_):
                raise ValueError(f"{block} does not consist of tiles of {self.solve} x {self.free}")
        for s in range(block.solve.start, block.solve.stop, self.solve):
            for f in range(block.free.start, block.free.stop, self.free):
                solve = range(s, min(s + self.solve, block.solve.stop))
                free = range(f, min(f + self.free, block.free.stop))
                yield s // self.solve * self._columns + f // self.free, Block(solve, free)


def part_of(values: np.ndarray, block: Block, tile: Block) -> np.ndarray:
    """The part of the values of a block that belongs to a tile."""
    s, f = tile.solve.start - block.solve.start, tile.free.start - block.free.start
    return values[s : s + len(tile.solve), f : f + len(tile.free)]


def left(status: np.ndarray) -> np.ndarray:
    """Which points have no final status."""
    return np.logical_or.reduce([status == code for code in codes.TO_COMPUTE])


def settled(status: np.ndarray) -> bool:
    """True if every point of a tile has a final status."""
    return not left(status).any()


def checksum(arrays: Sequence[np.ndarray], crc: int = 0) -> int:
    """CRC-32 of the arrays of a tile: its variables by name, then its status."""
    for array in arrays:
        crc = zlib.crc32(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data.cast("B"), crc)
    return crc


def changed(
    tiles: Tiles, read: Read, checksums: Callable[[], np.ndarray], variables: Mapping[str, tuple]
) -> list[Block]:
    """The tiles whose numbers or status differ from what was written.

    Args:
        tiles: of the grid.
        read: part of a variable, or of the status.
        checksums: the current checksums of all tiles in the file.
        variables: name -> (dtype, lengths of its dimensions beyond the grid).

    Status is read first, checksums and values after it, so that a file may be written meanwhile: a tile
    with a status already has the others.
    """
    row = max((np.dtype(d).itemsize * prod(more) for d, more in variables.values()), default=1) * tiles.free
    step = max(1, AT_ONCE // max(1, row * tiles.solve)) * tiles.solve
    found = []
    for block in blocks(tiles.grid, step, tiles.free):
        gather = partial(_gather, tiles.grid, block, read)
        status = gather("status", "i1", ())
        known = checksums()
        parts = {n: tile for n, tile in tiles.within(block) if settled(part_of(status, block, tile))}
        crcs = dict.fromkeys(parts, 0)
        for name in (*sorted(variables), "status") if parts else ():
            values = status if name == "status" else gather(name, *variables[name])
            for number, tile in parts.items():
                crcs[number] = checksum([part_of(values, block, tile)], crcs[number])
        found += [tile for number, tile in parts.items() if known[number] != crcs[number]]
    return found


def _gather(grid: Grid, block: Block, read: Read, name: str, dtype: str, more: tuple[int, ...]) -> np.ndarray:
    """The values of a variable at a block, as they were computed."""
    shape = (len(block.solve), len(block.free), *more)
    if not grid.free:
        found = list(boxes(grid.shape, block.solve.start, block.solve.stop))
        if len(found) == 1:  # contiguous in the file
            return read(name, found[0]).reshape(shape)
    out = np.empty(shape, dtype)
    for box, part in scatter(grid, block, out):
        part[...] = read(name, box)
    return out
