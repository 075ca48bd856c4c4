"""The one loop: compute the blocks of a task that are not in its file yet, and write them.

    for every block: points -> batches of equal shape, by padded size -> vmap and jit -> file

Batches are always filled up to their one compiled shape, by repeating a point, so that a number
does not depend on where a run was interrupted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxtransport.sweep.grid import Block, blocks
from jaxtransport.sweep.plan import Plan
from jaxtransport.sweep.store import Store
from jaxtransport.sweep.task import Task


@dataclass
class Progress:
    """How far a run is, in grid points."""

    total: int
    done: int
    resumed: int  # points that were in the file before this run
    failed: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Points a second of this run."""
        return (self.done - self.resumed) / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float:
        return (self.total - self.done) / self.rate if self.rate else float("inf")


class Evaluator:
    """A task compiled once for every padded size."""

    def __init__(self, task: Task, plan: Plan) -> None:
        self.task, self.plan = task, plan
        self._shared: dict[int, Any] = {}
        self._compiled, *self._again = (
            jax.jit(jax.vmap(evaluate, in_axes=(0, None, None))) for evaluate in (task.evaluate, *task.again)
        )

    def __call__(self, block: Block) -> dict[str, np.ndarray]:
        """Every variable over a block, shape (len(block.solve), len(block.free), *extra)."""
        task = self.task
        points = task.grid.solve_axes.points(np.arange(block.solve.start, block.solve.stop))
        free = self._fill(task.grid.free_axes.points(np.arange(block.free.start, block.free.stop)), block)
        sizes = task.padded(points, len(block.solve))
        out = {v.name: self._blank(v, block) for v in task.variables}
        out["status"] = np.full((len(block.solve), len(block.free)), -1, np.int8)
        every = np.arange(len(block.solve))
        for chosen, result in self._batches(
            self._compiled, self.plan.batch.__getitem__, every, sizes, points, free
        ):
            for name, values in result.items():
                self._scatter(out[name], chosen, values[: len(chosen), : len(block.free)])
        for again in self._again:  # gather what is not finished, so that it does not hold the batch
            unfinished = np.isin(out["status"], task.unfinished)
            rows = np.flatnonzero(unfinished.any(axis=1))
            for chosen, result in self._batches(again, self._batch_again, rows, sizes, points, free):
                for name, values in result.items():
                    better = values[: len(chosen), : len(block.free)]
                    wanted = unfinished[chosen].reshape(*better.shape[:2], *[1] * (better.ndim - 2))
                    self._scatter(out[name], chosen, better, wanted)
        return out

    def _batches(self, compiled, batch_of, rows, sizes, points, free):
        """Results of some points of a block, in batches of equal shape: (rows, {variable: array})."""
        pending = []
        for size in np.unique(sizes[rows]):
            members = rows[sizes[rows] == size]
            batch = batch_of(int(size))
            for start in range(0, len(members), batch):
                chosen = members[start : start + batch]
                filled = np.resize(chosen, batch) if len(chosen) < batch else chosen
                point = {name: jnp.asarray(values[filled]) for name, values in points.items()}
                point["_"] = jnp.zeros(batch)  # gives vmap its axis where there is no solve axis
                pending.append((chosen, compiled(point, free, self._share(int(size)))))
        for chosen, result in pending:
            yield chosen, {name: np.asarray(values) for name, values in result.items()}

    def _batch_again(self, size: int) -> int:
        return self.plan.again(size, self.task.again_bytes)

    def _share(self, size: int):
        if size not in self._shared:
            self._shared[size] = jax.tree.map(jnp.asarray, self.task.shared(size))
        return self._shared[size]

    def _fill(self, free: dict[str, np.ndarray], block: Block) -> dict[str, Any]:
        """Free points, filled up to the one compiled shape by repeating the last."""
        extra = self.plan.free_step - len(block.free)
        padded = {name: np.concatenate([v, np.repeat(v[-1:], extra)]) for name, v in free.items()}
        padded["_"] = np.zeros(self.plan.free_step)
        return jax.tree.map(jnp.asarray, padded)

    def _blank(self, variable, block: Block) -> np.ndarray:
        shape = (len(block.solve), len(block.free), *self.task.trailing(variable))
        return np.full(shape, np.nan if variable.dtype == "f8" else 0, variable.dtype)

    @staticmethod
    def _scatter(target: np.ndarray, rows: np.ndarray, values: np.ndarray, wanted: Any = True) -> None:
        """Put rows into a block, where `wanted`; arrays may be longer or shorter than stored."""
        every = slice(None)
        extent = [slice(0, min(a, b)) for a, b in zip(target.shape[2:], values.shape[2:], strict=True)]
        into: Any = (rows, every, *extent)
        target[into] = np.where(wanted, values[(every, every, *extent)], target[into])


def execute(
    task: Task, store: Store, plan: Plan, report: Callable[[Progress], None] = lambda progress: None
) -> Progress:
    """Compute and store every block of `task` that `store` does not hold yet.

    `report` is called once before the first block and after each.
    """
    evaluator = Evaluator(task, plan)
    waiting = [b for b in blocks(task.grid, plan.solve_step, plan.free_step) if not store.holds(b)]
    done = task.grid.size - sum(b.size for b in waiting)
    progress = Progress(task.grid.size, done, done)
    report(progress)
    start = time.perf_counter()
    for block in waiting:
        store.write(block, evaluator(block))
        progress.done += block.size
        progress.seconds = time.perf_counter() - start
        report(progress)
    store.finish()
    progress.failed = store.failed()
    return progress
