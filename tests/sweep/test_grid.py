"""Grids in blocks: every point is computed once and stored where it belongs."""

from itertools import pairwise
from math import prod

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxtransport.sweep.grid import Axis, Block, Grid, blocks, boxes, scatter

PROPERTY = settings(max_examples=100, deadline=None, derandomize=True, database=None)

SHAPES = st.lists(st.integers(1, 5), max_size=4).map(tuple)


@PROPERTY
@given(st.data(), SHAPES)
def test_boxes_cover_a_flat_range_once_and_in_order(data, shape):
    size = prod(shape)
    start = data.draw(st.integers(0, size))
    stop = data.draw(st.integers(start, size))
    flat = np.arange(size).reshape(shape)
    found = list(boxes(shape, start, stop))
    covered = [flat[box].ravel() for box in found]
    np.testing.assert_array_equal(np.concatenate([[], *covered]), np.arange(start, stop))
    assert all(len(box) == len(shape) for box in found)
    assert len(found) <= max(1, 2 * len(shape) - 1)


def test_a_whole_array_is_one_box():
    assert list(boxes((3, 4, 5), 0, 60)) == [(slice(0, 3), slice(0, 4), slice(0, 5))]
    assert list(boxes((), 0, 1)) == [()]
    assert list(boxes((3,), 2, 2)) == []


@st.composite
def grids(draw):
    """A grid of named axes, some of them free, in any order."""
    shape = draw(SHAPES)
    names = draw(st.permutations("abcd"))[: len(shape)]
    values = [np.array(draw(st.permutations(range(n))), float) for n in shape]
    axes = tuple(Axis(name, along) for name, along in zip(names, values, strict=True))
    return Grid(axes, frozenset(name for name in names if draw(st.booleans())))


STEPS = st.tuples(st.integers(1, 30), st.integers(1, 30))


@PROPERTY
@given(grids(), STEPS)
def test_blocks_cover_the_grid_once(grid, steps):
    done = np.zeros((grid.solve_axes.size, grid.free_axes.size), int)
    for block in blocks(grid, *steps):
        assert 0 < len(block.solve) <= steps[0]
        assert 0 < len(block.free) <= steps[1]
        assert block.size == len(block.solve) * len(block.free)
        done[block.solve.start : block.solve.stop, block.free.start : block.free.stop] += 1
    np.testing.assert_array_equal(done, 1)


@PROPERTY
@given(grids(), STEPS, st.lists(st.integers(1, 3), max_size=2))
def test_placed_blocks_make_up_the_array(grid, steps, more):
    """Reference: bring the solve axes to the front with numpy, and flatten."""
    wanted = np.random.default_rng(0).random((*grid.shape, *more))
    order = [i for i, a in enumerate(grid.axes) if a.name not in grid.free]
    order += [i for i, a in enumerate(grid.axes) if a.name in grid.free]
    trailing = range(len(grid.shape), wanted.ndim)
    flat = wanted.transpose(*order, *trailing).reshape(grid.solve_axes.size, grid.free_axes.size, *more)

    got, writes = np.full_like(wanted, np.nan), np.zeros(wanted.shape, int)
    for block in blocks(grid, *steps):
        values = flat[block.solve.start : block.solve.stop, block.free.start : block.free.stop]
        for box, part in scatter(grid, block, values):
            assert got[box].shape == part.shape
            got[box] = part
            writes[box] += 1
    np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(writes, 1)


@PROPERTY
@given(grids())
def test_points_are_those_of_a_mesh(grid):
    mesh = np.meshgrid(*(a.values for a in grid.axes), indexing="ij")
    points = grid.points(np.arange(grid.size))
    assert list(points) == [a.name for a in grid.axes]
    for name, values in zip(points, mesh, strict=True):
        np.testing.assert_array_equal(points[name], values.ravel())


def test_points_keep_their_type_and_order():
    grid = Grid((Axis("N", np.array([8, 4])), Axis("x", np.array([0.5, 1.5, 2.5]))))
    points = grid.points(np.array([5, 0, 4]))
    assert points["N"].dtype == int
    np.testing.assert_array_equal(points["N"], [4, 8, 4])
    np.testing.assert_array_equal(points["x"], [2.5, 0.5, 1.5])


def test_a_grid_without_axes_is_one_point():
    grid = Grid(())
    assert (grid.shape, grid.size, grid.solve_axes.size, grid.free_axes.size) == ((), 1, 1, 1)
    assert grid.points(np.arange(1)) == {}
    assert list(blocks(grid, 8, 8)) == [Block(range(1), range(1))]
    (placed,) = scatter(grid, Block(range(1), range(1)), np.array([[3.0]]))
    assert placed == ((), 3.0)


def test_blocks_follow_the_solve_axes_and_then_the_free_ones():
    grid = Grid((Axis("f", np.arange(3)), Axis("s", np.arange(5))), frozenset("f"))
    found = [(block.solve, block.free) for block in blocks(grid, 2, 2)]
    assert found == [(range(s, min(s + 2, 5)), range(f, min(f + 2, 3))) for s in (0, 2, 4) for f in (0, 2)]
    assert all(a != b for a, b in pairwise(found))
