"""Grids: named axes, flat ranges of their points, and the boxes that cover such a range.

Points are counted in C order of the axes, the last axis fastest. A grid splits into *solve* axes,
whose points each cost a computation, and *free* axes, evaluated together at every one of them. Other
parameters may vary along axes as *columns*: zipped with an axis, or computed from several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np


@dataclass(frozen=True)
class Axis:
    """One dimension: its name, its values (1-d) and how to label it."""

    name: str
    values: np.ndarray
    unit: str = "1"
    long_name: str = ""
    symbol: str = ""


@dataclass(frozen=True)
class Column(Axis):
    """A parameter that varies along axes without being one itself: one value for each of theirs."""

    along: tuple[str, ...] = ()
    formula: str = ""  # by which it was computed, in a normal form; none: it was given value by value


@dataclass(frozen=True)
class Grid:
    """The product of some axes, in the order of the stored dimensions."""

    axes: tuple[Axis, ...]
    free: frozenset[str] = frozenset()  # of the axes; no column varies along free and solve axes
    columns: tuple[Column, ...] = ()

    @cached_property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(axis.values) for axis in self.axes)

    @cached_property
    def size(self) -> int:
        return prod(self.shape)

    @cached_property
    def solve_axes(self) -> Grid:
        return self._part(lambda name: name not in self.free)

    @cached_property
    def free_axes(self) -> Grid:
        return self._part(self.free.__contains__)

    def _part(self, chosen: Callable[[str], bool]) -> Grid:
        """Some of the axes with the columns along them; constant columns are with the solve axes."""
        axes = tuple(a for a in self.axes if chosen(a.name))
        return Grid(axes, columns=tuple(c for c in self.columns if chosen(c.along[0] if c.along else "")))

    def points(self, flat: np.ndarray) -> dict[str, np.ndarray]:
        """Value of every axis and column at the points counted by `flat`, each of the shape of `flat`."""
        index = np.unravel_index(flat, self.shape) if self.axes else ()
        place = {a.name: i for a, i in zip(self.axes, index, strict=True)}
        out = {a.name: a.values[place[a.name]] for a in self.axes}
        for c in self.columns:
            values = c.values[tuple(place[name] for name in c.along)]
            out[c.name] = values if c.along else np.full(np.shape(flat), values)
        return out

    def varied(self, name: str) -> Axis | None:
        """The axis of a parameter, or its column."""
        return next((one for one in (*self.axes, *self.columns) if one.name == name), None)


@dataclass(frozen=True)
class Block:
    """A unit of work and of writing: a range of solve points times a range of free points."""

    solve: range
    free: range

    @property
    def size(self) -> int:
        return len(self.solve) * len(self.free)

    @property
    def rows(self) -> np.ndarray:
        """The solve points that are computed: all, but see `gaps`."""
        return np.arange(self.solve.start, self.solve.stop)


def blocks(grid: Grid, solve_step: int, free_step: int) -> Iterator[Block]:
    """The whole grid in blocks of at most `solve_step` x `free_step` points."""
    for s in range(0, grid.solve_axes.size, solve_step):
        for f in range(0, grid.free_axes.size, free_step):
            yield Block(
                range(s, min(s + solve_step, grid.solve_axes.size)),
                range(f, min(f + free_step, grid.free_axes.size)),
            )


def boxes(shape: tuple[int, ...], start: int, stop: int) -> Iterator[tuple[slice, ...]]:
    """Boxes that cover the flat range start ... stop of an array of `shape`, in its order.

    At most two for every axis but the first: a ragged head, whole rows, a ragged tail.
    """
    if start >= stop:
        return
    if not shape:
        yield ()
        return
    row = prod(shape[1:])
    first, last = start // row, (stop - 1) // row
    if start == first * row and stop == (last + 1) * row:
        yield (slice(first, last + 1), *(slice(0, n) for n in shape[1:]))
        return
    if first == last:
        for rest in boxes(shape[1:], start - first * row, stop - first * row):
            yield (slice(first, first + 1), *rest)
        return
    middle_start = first * row if start == first * row else (first + 1) * row
    middle_stop = (last + 1) * row if stop == (last + 1) * row else last * row
    yield from boxes(shape, start, middle_start)
    yield from boxes(shape, middle_start, middle_stop)
    yield from boxes(shape, middle_stop, stop)


def scatter(grid: Grid, block: Block, values: np.ndarray) -> Iterator[tuple[tuple[slice, ...], np.ndarray]]:
    """Positions of the values of a block in an array over the grid.

    Args:
        grid: the whole grid.
        block: the block that was computed.
        values: shape (len(block.solve), len(block.free), *more).

    Yields:
        An index into the array of shape (*grid.shape, *more), and the values that belong there.
    """
    names = [a.name for a in grid.solve_axes.axes + grid.free_axes.axes]
    order = [names.index(a.name) for a in grid.axes]
    more = values.shape[2:]
    i = 0
    for solve_box in boxes(grid.solve_axes.shape, block.solve.start, block.solve.stop):
        solve_shape = tuple(s.stop - s.start for s in solve_box)
        rows = values[i : i + prod(solve_shape)]
        i += prod(solve_shape)
        j = 0
        for free_box in boxes(grid.free_axes.shape, block.free.start, block.free.stop):
            free_shape = tuple(s.stop - s.start for s in free_box)
            part = rows[:, j : j + prod(free_shape)].reshape((*solve_shape, *free_shape, *more))
            j += prod(free_shape)
            box = (*solve_box, *free_box)
            trailing = range(len(names), len(names) + len(more))
            yield tuple(box[k] for k in order), part.transpose((*order, *trailing))
