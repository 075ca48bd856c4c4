"""What is left of a grid: every point once, in blocks that are full."""

import numpy as np
import pytest

from jaxtransport.sweep.gaps import Gappy, blocks_left
from jaxtransport.sweep.grid import Axis, Grid

SHAPE = (37, 5)  # solve and free points
GRID = Grid((Axis("a", np.arange(37)), Axis("f", np.arange(5))), frozenset("f"))
RNG = np.random.default_rng(3)
ROWS = np.arange(37)[:, None] + np.zeros(5, int)
MISSING = {
    "all": np.ones(SHAPE, bool),
    "none": np.zeros(SHAPE, bool),
    "every other": ROWS % 2 == 1,
    "the end": ROWS > 20,
    "the end within a block": ROWS > 25,
    "a free point of each": np.arange(5) + 0 * ROWS == 3,
    "some": RNG.random(SHAPE) < 0.1,
    "most": RNG.random(SHAPE) < 0.9,
    "whole and broken blocks": (ROWS // 8 % 2 == 0) | (ROWS % 3 == 0),
}


@pytest.mark.parametrize("free_step", [2, 5])
@pytest.mark.parametrize("step", [1, 8, 40])
@pytest.mark.parametrize("name", MISSING)
def test_every_point_that_is_left_once(name, step, free_step):
    missing, seen = MISSING[name], np.zeros(SHAPE, int)

    def left(block):
        return missing[block.solve.start : block.solve.stop, block.free.start : block.free.stop]

    found = list(blocks_left(GRID, left, step, free_step))
    for block in found:
        gappy = isinstance(block, Gappy)
        assert gappy or left(block).all()
        filled = block.filled(left) if gappy else block
        assert filled == block
        assert 0 < len(filled.rows) <= step
        assert block.size == np.count_nonzero(left(block))
        seen[np.ix_(filled.rows, block.free)] += 1
        if gappy:
            tiles = list(filled.tiles(4, 37))
            joined = np.concatenate([filled.rows[filled.rows_of(tile)] for tile in tiles])
            np.testing.assert_array_equal(joined, filled.rows)
            assert all(len(filled.rows[filled.rows_of(tile)]) for tile in tiles)
    needed = np.concatenate(
        [
            np.repeat(missing[:, f : f + free_step].any(1, keepdims=True), min(free_step, 5 - f), 1)
            for f in range(0, 5, free_step)
        ],
        axis=1,
    )
    np.testing.assert_array_equal(seen, needed)
    assert sum(block.size for block in found) == np.count_nonzero(missing)


def test_points_of_several_blocks_are_joined():
    every_other = lambda block: ROWS[block.solve.start : block.solve.stop, :1] % 2 == 1
    grid = Grid(GRID.axes[:1])
    found = [block.filled(every_other).rows for block in blocks_left(grid, every_other, 8, 1)]
    assert [len(rows) for rows in found] == [8, 8, 2]
