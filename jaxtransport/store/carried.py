"""Members that another file had seen, for an average over more of them.

    moments of whole pieces, by point -> OUT.h5.before -> the start of every point

The file exists until its output is complete. Without it all members are computed, with the same result.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from jaxtransport.sweep.average import Averaging
from jaxtransport.sweep.grid import Block, scatter
from jaxtransport.sweep.moments import Moments
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
        try:
            with np.load(carried_path(output)) as saved:  # compares the numbers with their checksums
                books = dict(saved)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return cls(averaging, {})
        known = str(books.pop("identity", "")) == _identity(identity, plan)
        return cls(averaging, books if known else {})

    def write(self, output: Path, identity: str, plan: Plan) -> None:
        """Write it for an output. Raises OSError if the disk is full."""
        path = carried_path(output)
        part = path.with_name(path.name + ".part")
        try:
            with open(part, "wb") as file:
                saved = {"identity": np.array(_identity(identity, plan)), **self.books}
                np.savez(file, **saved)  # type: ignore[arg-type]
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)

    def seen(self, points: Block) -> np.ndarray:
        """How many members are known of each solve point: the fewest of its free points."""
        if not self.books:
            return np.zeros(len(points.solve), int)
        return np.min(self._at(points, "n") + self._at(points, "failed"), axis=1)

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


def _identity(spec: str, plan: Plan) -> str:
    return f"{spec} {plan.to_json()}"


def carried_path(output: Path) -> Path:
    """Where it is kept."""
    return output.with_name(output.name + ".before")
