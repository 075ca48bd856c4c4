"""Description of a computation for the sweep loop, independent of its physics.

A model provides a function of one point,

    evaluate(point, free, shared) -> {variable: array}

with `point` a dict of scalars (the solve axes), `free` a dict of arrays of one length F (the free
axes, evaluated together) and `shared` data common to all points. Every variable is returned
with F as its first axis and with the int8 "status" among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from jaxtransport.sweep.grid import Axis, Block, Grid


class StoredVariable(Protocol):
    """Properties of a variable that the store needs."""

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def long_name(self) -> str: ...
    @property
    def symbol(self) -> str: ...
    @property
    def dims(self) -> tuple[str, ...]: ...
    @property
    def dtype(self) -> str: ...


class Beside(NamedTuple):
    """A coordinate that is no axis: a fixed parameter, or a quantity that varies along an axis."""

    name: str
    values: np.ndarray  # one number, or one for each value of the axes `dims`
    dims: tuple[str, ...]
    unit: str
    long_name: str
    symbol: str = ""


# From a block, its values and the members of a piece (see `plan`) to arrays of any shape.
Reduce = Callable[[Block, Mapping[str, np.ndarray], int], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Task:
    """A function to map over a grid, and the shape of its results."""

    grid: Grid
    variables: tuple[StoredVariable, ...]
    evaluate: Callable[[dict, dict, Any], Mapping[str, Any]]
    retries: tuple[Callable[[dict, dict, Any], Mapping[str, Any]], ...] = ()  # by later stages
    retry_bytes: int = 0  # memory of a grid point in the last of them
    retry_points: int = 64  # of a batch of those: few if points are rare and take long
    unfinished: tuple[int, ...] = ()  # status codes of points that a later stage may finish
    shared: Callable[[int], Any] = lambda size: None  # data common to all points of one padded size
    shared_bytes: int = 0  # memory of `shared` at the largest size
    extra: tuple[Axis, ...] = ()  # dimensions of variables beyond the grid, such as site
    beside: tuple[Beside, ...] = ()  # coordinates beyond the axes
    size_axis: str | None = None  # the solve axis that sets the shape of a point's arrays
    sizes: Mapping[int, int] = field(default_factory=dict)  # its values -> padded sizes
    size: int = 1  # the padded size where there is no such axis
    compile_bytes: int = 0  # memory of compiling beyond that of any program
    scratch_bytes: int = 0  # memory of a grid point while computed, beyond its results
    arrays: int = 1  # arrays per point in a step, relative to a wire solved at its leads only
    kept: int = 8  # numbers that are kept of every site of a point until it is finished
    matrices: bool = False  # of sites by sites, in place of arrays along the wire
    quickly: bool = False  # whether compiling it takes longer than most sweeps
    sequential: bool = False  # on CPUs a loop over points is faster than `vmap`
    reduce: Reduce | None = None  # what becomes of the values of a block
    cost: Callable[[int], float] = float  # work of one point of that size, in site updates
    update_seconds: float = 1e-8  # of one of them, on one core
    compile_seconds: float = 1.0  # of one padded size

    def padded(self, points: Mapping[str, np.ndarray], count: int) -> np.ndarray:
        """The padded size of each of `count` points."""
        if self.size_axis is None or self.size_axis not in points:
            return np.full(count, self.size)
        lengths = np.sort(np.fromiter(self.sizes, int))
        padded = np.array([self.sizes[int(N)] for N in lengths])
        return padded[np.searchsorted(lengths, points[self.size_axis])]

    def trailing(self, variable: StoredVariable) -> tuple[int, ...]:
        """Stored length of each extra dimension of a variable."""
        lengths = {axis.name: len(axis.values) for axis in self.extra}
        return tuple(lengths[dim] for dim in variable.dims)

    def bytes_per_point(self) -> int:
        """Stored bytes of one grid point."""
        widths = {"f8": 8, "i8": 8, "i2": 2, "i1": 1}
        return 1 + sum(widths[v.dtype] * int(np.prod(self.trailing(v), dtype=int)) for v in self.variables)
