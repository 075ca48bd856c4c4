"""Blocks with gaps: the points that are left of a grid of which some are on file.

    nothing on file  -> the block, as `grid.blocks` cuts it
    some on file     -> a range of solve points, as long as it takes to find a block of them that are left

So a sweep that was interrupted or extended computes what it lacks, in batches that are full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from jaxtransport.sweep.grid import Block, Grid, blocks

Left = Callable[[Block], np.ndarray]  # of a block, which points are left; shape (solve, free)


@dataclass(frozen=True)
class Gappy(Block):
    """A block of which only some points are left. Its values are those of `rows`."""

    left: int  # points that are left
    found: np.ndarray = field(default_factory=lambda: np.zeros(0, int), compare=False)

    @property
    def rows(self) -> np.ndarray:
        return self.found

    @property
    def size(self) -> int:
        return self.left

    def filled(self, left: Left) -> Gappy:
        """The same, with the solve points that are left."""
        return replace(self, found=self.solve.start + np.flatnonzero(left(self).any(axis=1)))

    def rows_of(self, tile: Block) -> slice:
        """Those of its rows that belong to a tile of the grid."""
        first, last = np.searchsorted(self.found, (tile.solve.start, tile.solve.stop))
        return slice(int(first), int(last))

    def tiles(self, step: int, total: int) -> Iterator[Block]:
        """The tiles of `step` out of `total` solve points in which it has rows."""
        for start in (int(number) * step for number in np.unique(self.found // step)):
            yield Block(range(start, min(start + step, total)), self.free)


def blocks_left(grid: Grid, left: Left, solve_step: int, free_step: int) -> Iterator[Block]:
    """What is left of a grid, at most `solve_step` x `free_step` points at a time.

    Blocks of which nothing is on file come as they are. Others are joined, and have to be `filled`.
    """
    opened: dict[range, tuple[int, int, int]] = {}  # free points -> first row, rows, points that are left

    def closed(free: range, stop: int) -> Iterator[Block]:
        first, rows, points = opened.pop(free, (stop, 0, 0))
        if rows:
            yield Gappy(range(first, stop), free, points)

    for block in blocks(grid, solve_step, free_step):
        missing = left(block)
        free, start = block.free, block.solve.start
        if missing.all():
            yield from closed(free, start)
            yield block
            continue
        points = missing.sum(axis=1)
        rows = np.flatnonzero(points)
        while len(rows):
            first, known, before = opened.get(free, (start + int(rows[0]), 0, 0))
            taken, rows = np.split(rows, [solve_step - known])
            opened[free] = first, known + len(taken), before + int(points[taken].sum())
            if len(rows) or known + len(taken) == solve_step:
                yield from closed(free, start + int(taken[-1]) + 1)
    for free in list(opened):
        yield from closed(free, grid.solve_axes.size)
