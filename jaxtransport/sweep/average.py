"""An average over some axes of a grid: which points are its members, and what is stored of them.

    every member of a point -> pieces of so many members -> moments of each piece

The members of a point are the points of the averaged axes, which are the last solve axes of its grid. Pieces
depend on the spec alone, so that they are the same whoever computes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from jaxtransport.sweep.grid import Axis, Block, Grid, blocks
from jaxtransport.sweep.moments import Moments, moments
from jaxtransport.sweep.plan import Plan
from jaxtransport.sweep.quantiles import EXACT_BYTES, SKETCH_BYTES
from jaxtransport.sweep.statistics import QUANTILE, state_of, statistics_of
from jaxtransport.sweep.task import Task

PIECE = 1024  # members of a piece
COSTLY_PIECE = 64  # ... of members that take long
COSTLY_SECONDS = 1e-4


@dataclass(frozen=True)
class Members(Block):
    """Some members of some points: the same ones of each."""

    points: range
    members: range
    of: int  # members of a point in all

    @classmethod
    def among(cls, points: Block, members: range, of: int) -> Members:
        """Of all points of a block of the file."""
        first, last = points.solve.start * of + members.start, (points.solve.stop - 1) * of + members.stop
        return cls(range(first, last), points.free, points.solve, members, of)

    @property
    def size(self) -> int:
        return len(self.points) * len(self.members) * len(self.free)

    @property
    def rows(self) -> np.ndarray:
        points, members = (np.arange(one.start, one.stop) for one in (self.points, self.members))
        return (points[:, None] * self.of + members).ravel()


@dataclass(frozen=True)
class Average:
    """What is averaged, and which statistics are kept."""

    over: tuple[str, ...]  # axes
    statistics: tuple[str, ...]
    quantiles: tuple[float, ...] = ()
    error: float | None = None  # standard error that ends an average ...
    of: str = ""  # ... of this variable

    @property
    def squares(self) -> bool:
        """Whether deviations from the mean are needed."""
        return self.error is not None or bool({"error", "variance"}.intersection(self.statistics))

    @property
    def logs(self) -> bool:
        return "typical" in self.statistics


@dataclass(frozen=True)
class Averaging:
    """An average of a task: the members' task, and that of the file."""

    average: Average
    task: Task  # of the members

    @cached_property
    def grid(self) -> Grid:
        """The grid of the file."""
        members = self.task.grid
        kept = lambda along: not set(along).intersection(self.average.over)
        axes = tuple(axis for axis in members.axes if kept((axis.name,)))
        return Grid(axes, members.free, tuple(c for c in members.columns if kept(c.along)))

    @cached_property
    def members(self) -> int:
        """Members of a point."""
        return self.task.grid.size // self.grid.size

    @cached_property
    def quantities(self) -> int:
        """Numbers that are averaged at a point."""
        return sum(prod(self.task.trailing(v)) for v in self.task.variables)

    @property
    def exact(self) -> bool:
        """Whether quantiles are those of all members, and not of a sketch."""
        return 8 * self.members * self.quantities <= EXACT_BYTES

    def stored(self) -> Task:
        """The task as its file sees it: statistics over the grid without the averaged axes."""
        task, average = self.task, self.average
        quantiles = Axis(QUANTILE, np.array(average.quantiles), "1", "fraction of the members below", "q")
        beside = tuple(one for one in task.beside if not set(one.dims).intersection(average.over))
        state = state_of(task.variables, squares=average.squares, logs=average.logs)
        return replace(
            task,
            grid=self.grid,
            variables=(*statistics_of(task.variables, average.statistics), *state),
            extra=(*task.extra, *((quantiles,) if average.quantiles else ())),
            beside=beside,
        )

    def planned(self, plan: Plan) -> Plan:
        """A plan of the members' task, with the points of the file that are written together, and pieces."""
        tile, free = max(1, plan.solve_step // self.members), plan.free_step
        if self.average.quantiles:  # as many at once as fit
            free = min(free, max(1, EXACT_BYTES // self._bytes_kept))
        return replace(plan, tile=tile, free_step=free, piece=self.piece)

    @property
    def _bytes_kept(self) -> int:
        """Of one point, for its quantiles."""
        return self.quantities * (8 * self.members if self.exact else SKETCH_BYTES)

    @property
    def piece(self) -> int:
        """Members that are summed together: fewer of those that take long, so that less is lost or wasted."""
        seconds = self.task.update_seconds * self.task.cost(max(self.task.sizes.values(), default=1))
        return COSTLY_PIECE if seconds > COSTLY_SECONDS else PIECE

    def groups(self, plan: Plan) -> Iterator[Block]:
        """The points of the file, in the groups that are finished together."""
        yield from blocks(self.grid, plan.tile, plan.free_step)

    def blocks(self, points: Block, plan: Plan, seen: int = 0) -> Iterator[Members]:
        """All members of some points of a group, in order, but for those that were `seen`."""
        step = self.members
        if step > plan.solve_step:
            step = max(1, plan.solve_step // plan.piece) * plan.piece
        for first in range(seen, self.members, step):
            members = range(first, min(first + step, self.members))
            yield Members.among(points, members, self.members)

    def reduced(self, block: Any, values: Mapping[str, np.ndarray], piece: int) -> dict[str, np.ndarray]:
        """Moments of the pieces of a block, each with the piece as its first axis; members for quantiles.

        Args:
            block: some members.
            values: every variable and the status, as the members' task has them.
            piece: members of a piece; the last one may have fewer.
        """
        x, status = self._along_members(block, values)
        how: dict[str, Any] = {"squares": self.average.squares, "logs": self.average.logs}
        pieces = [
            moments(x[..., i : i + piece], status[..., i : i + piece], **how)
            for i in range(0, status.shape[-1], piece)
        ]
        out = {
            name: np.stack(each)
            for name, each in zip(Moments._fields, zip(*pieces, strict=True), strict=True)
        }
        return out | ({"x": x, "status": status} if self.average.quantiles else {})

    def _along_members(
        self, block: Members, values: Mapping[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """All numbers of a block, shape (quantity, point, free, member), and the status of its members."""
        points, members, free = len(block.points), len(block.members), len(block.free)
        x = np.empty((self.quantities, points, free, members))
        i = 0
        for v in self.task.variables:
            numbers = values[v.name].reshape(points, members, free, -1)
            x[i : i + numbers.shape[-1]] = numbers.transpose(3, 0, 2, 1)
            i += numbers.shape[-1]
        status = values["status"].reshape(points, members, free).transpose(0, 2, 1)
        return x, np.ascontiguousarray(status)

    def memory_bytes(self, plan: Plan) -> int:
        """What pieces and quantiles take beyond the members' task."""
        kept = 2 * self._bytes_kept * plan.tile * plan.free_step if self.average.quantiles else 0
        return 3 * 8 * plan.solve_step * self.quantities * plan.free_step + kept
