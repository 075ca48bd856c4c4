"""Members that another file had seen, for an average over more of them.

    moments of whole pieces, by point -> OUT.h5.before -> the start of every point

The file exists until its output is complete. Without it all members are computed, with the same result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from jaxtransport.store import saved
from jaxtransport.sweep.average import Averaging
from jaxtransport.sweep.grid import Block, scatter
from jaxtransport.sweep.moments import Moments, standard_error
from jaxtransport.sweep.plan import Plan
from jaxtransport.sweep.statistics import BOOKS


@dataclass(frozen=True)
class Carried:
    """Moments over the grid of a file, by the names that they have there; none: nothing was seen."""

    averaging: Averaging
    books: Mapping[str, np.ndarray]

    @classmethod
    def read(cls, output: Path, averaging: Averaging, identity: str, plan: Plan) -> Carried:
        """What was written for this output, its spec and its plan."""
        return cls(averaging, saved.read(carried_path(output), saved.identity(identity, averaging, plan)))

    def write(self, output: Path, identity: str, plan: Plan) -> None:
        """Write it for an output. Raises OSError if the disk is full."""
        saved.write(carried_path(output), saved.identity(identity, self.averaging, plan), self.books)

    def seen(self, points: Block) -> np.ndarray:
        """How many members are known of each solve point, of all its free points.

        Free points that need no more members may have seen fewer. Where others have, it is none.
        """
        if not self.books:
            return np.zeros(len(points.solve), int)
        n = self._at(points, "n")
        seen = n + self._at(points, "failed")
        most = np.max(seen, axis=1)
        enough = seen == most[:, None]
        average = self.averaging.average
        if average.error is not None:
            enough |= standard_error(n, self._at(points, f"squares_{average.of}")) <= average.error
        return np.where(np.all(enough, axis=1), most, 0)

    def state(self, points: Block) -> dict[str, np.ndarray] | None:
        """The state of `Collected` for points of which as much is known; None if that is nothing."""
        if not (seen := int(self.seen(points)[0])):
            return None
        counts = {name: self._at(points, name) for name in ("n", "failed", "first")}
        out = {"seen": np.array(seen), **counts, "first": counts["first"].astype(np.int8)}
        shape = (len(points.solve), len(points.free))
        for kind in ("mean", "squares", "logs"):
            rows = []
            for v in self.averaging.task.variables:
                extra = self.averaging.task.trailing(v)
                name = f"{kind}_{v.name}"
                numbers = self._at(points, name) if BOOKS + name in self.books else np.zeros((*shape, *extra))
                rows.append(np.moveaxis(numbers.reshape(*shape, prod(extra)), 2, 0))
            out[kind] = np.concatenate(rows)
        assert out.keys() == {"seen", *Moments._fields}
        return out

    def _at(self, points: Block, name: str) -> np.ndarray:
        """A number at some points, shape (solve, free, ...)."""
        whole, grid = self.books[BOOKS + name], self.averaging.grid
        out = np.empty((len(points.solve), len(points.free), *whole.shape[len(grid.axes) :]), whole.dtype)
        for box, part in scatter(grid, points, out):
            part[...] = whole[box]
        return out


def carried_path(output: Path) -> Path:
    """Where it is kept."""
    return output.with_name(output.name + ".before")
