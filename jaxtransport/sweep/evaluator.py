"""Blocks of a task computed on the devices of this process.

    points of a block -> batches of equal shape, by padded size -> vmap and jit -> arrays of the block

Batches are always filled up to their one compiled shape, by repeating a point, so that a number
does not depend on where a run was interrupted. A device gets a few batches in one call and loops over
them: a call costs as much as a thousand points of a short wire. Several devices take turns, all
with the same program: a program for all of them together may differ in the last
bit. XLA compiles it for every device, so each has a thread from which it is called, and they compile at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxtransport import status as codes
from jaxtransport.compute import runtime, xla
from jaxtransport.compute.batches import filled
from jaxtransport.sweep.grid import Block
from jaxtransport.sweep.plan import Plan
from jaxtransport.sweep.task import Task


@dataclass
class Pending:
    """A block whose first stage was started."""

    block: Block
    points: dict[str, np.ndarray]
    sizes: np.ndarray  # padded, of every solve point
    free: dict[str, Any]
    batches: list[tuple[np.ndarray, Any]] = field(default_factory=list)  # (rows, future of their results)


class Evaluator:
    """A task compiled once for every padded size, on one device or on several."""

    def __init__(self, task: Task, plan: Plan, devices: Sequence[Any] = ()) -> None:
        self.task, self.plan = task, plan
        devices = list(devices) or jax.local_devices()[:1]
        self.width = len(devices)
        self._turn = itertools.cycle(devices)
        self._threads = ThreadPoolExecutor(len(devices))
        self._shared: dict[tuple[int, Any], Any] = {}
        sequential = task.sequential and devices[0].platform == "cpu"
        self._compiled, *self._retries = (
            batch_by_batch(evaluate, sequential, task.quickly) for evaluate in (task.evaluate, *task.retries)
        )

    @property
    def step(self) -> int:
        """Solve points of a block."""
        return self.plan.step(self.width)

    def __call__(self, block: Block) -> dict[str, np.ndarray]:
        """Every variable over a block, shape (len(block.rows), len(block.free), *extra)."""
        return self.finish(self.start(block))

    def start(self, block: Block) -> Pending:
        """Hand the batches of a block to the devices; does not wait for them."""
        grid = self.task.grid
        points = grid.solve_axes.points(block.rows)
        free = self._fill(grid.free_axes.points(np.arange(block.free.start, block.free.stop)), block)
        pending = Pending(block, points, self.task.padded(points, len(block.rows)), free)
        every = np.arange(len(block.rows))
        pending.batches = self._batches(self._compiled, self.plan.batch.__getitem__, every, pending)
        return pending

    def finish(self, pending: Pending) -> dict[str, np.ndarray]:
        """The values of a block that was started, or what the task reduces them to."""
        task, block = self.task, pending.block
        out = {v.name: self._blank(v, block) for v in task.variables}
        out["status"] = np.full((len(block.rows), len(block.free)), -1, np.int8)
        for chosen, result in self._fetched(pending.batches):
            for name, values in result.items():
                self._scatter(out[name], chosen, values[: len(chosen), : len(block.free)])
        for retry in self._retries:  # gather the unfinished points, so that they do not hold up the batch
            unfinished = np.isin(out["status"], task.unfinished)
            rows = np.flatnonzero(unfinished.any(axis=1))
            for chosen, result in self._fetched(self._batches(retry, self._retry_batch, rows, pending)):
                status = result["status"][: len(chosen), : len(block.free)]
                taken = unfinished[chosen] & codes.is_better(status, out["status"][chosen])
                for name, values in result.items():
                    better = values[: len(chosen), : len(block.free)]
                    wanted = taken.reshape(*better.shape[:2], *[1] * (better.ndim - 2))
                    self._scatter(out[name], chosen, better, wanted)
        return out if task.reduce is None else task.reduce(block, out, self.plan.piece)

    def _batches(self, compiled, batch_of, rows, pending: Pending) -> list[tuple[np.ndarray, Any]]:
        """Some points of a block as batches of equal shape on their way through the devices."""
        out: list[tuple[np.ndarray, Any]] = []
        sizes, free = pending.sizes[rows], {}
        for size in _distinct(sizes):
            members = rows[sizes == size]
            batch = batch_of(int(size))
            shape = (self.plan.rows(batch, self.width), batch)
            fair = -(-len(members) // (batch * self.width))  # an equal share for every device
            call = min(shape[0], fair) * batch
            for start in range(0, len(members), call):
                chosen = members[start : start + call]
                each = filled(chosen, shape)
                point = {name: values[each] for name, values in pending.points.items()}
                point["_"] = np.zeros(shape)  # gives vmap its axis where there is no solve axis
                device, count = next(self._turn), -(-len(chosen) // batch)
                if device not in free:
                    free[device] = jax.device_put(pending.free, device)
                point = jax.device_put(point, device)
                given = (point, count, free[device], self._share(int(size), device))
                if not out:
                    compiled.trace(*given)  # once, instead of in every thread
                out.append((chosen, self._threads.submit(_called, compiled, given)))
        return out

    @staticmethod
    def _fetched(batches):
        """Results as they arrive, each released as soon as it is used: (rows, {variable: array})."""
        while batches:
            chosen, result = batches.pop(0)
            rows = {name: np.asarray(values) for name, values in result.result().items()}
            yield chosen, {name: values.reshape(-1, *values.shape[2:]) for name, values in rows.items()}

    def _retry_batch(self, size: int) -> int:
        return self.plan.retry_batch(size, self.task)

    def _share(self, size: int, device):
        if (size, device) not in self._shared:
            shared = jax.tree.map(np.asarray, self.task.shared(size))
            self._shared[size, device] = jax.device_put(shared, device)
        return self._shared[size, device]

    def _fill(self, free: dict[str, np.ndarray], block: Block) -> dict[str, Any]:
        """Free points, filled up to the one compiled shape by repeating them."""
        padded = {name: filled(values, self.plan.free_step) for name, values in free.items()}
        padded["_"] = np.zeros(self.plan.free_step)
        return padded

    def _blank(self, variable, block: Block) -> np.ndarray:
        shape = (len(block.rows), len(block.free), *self.task.trailing(variable))
        return np.full(shape, np.nan if variable.dtype == "f8" else 0, variable.dtype)

    @staticmethod
    def _scatter(target: np.ndarray, rows: np.ndarray, values: np.ndarray, wanted: Any = True) -> None:
        """Put rows into a block, where `wanted`; arrays may be longer or shorter than stored."""
        every = slice(None)
        extent = [slice(0, min(a, b)) for a, b in zip(target.shape[2:], values.shape[2:], strict=True)]
        run = len(rows) and rows[-1] - rows[0] == len(rows) - 1  # rows ascend, so they are contiguous
        into: Any = (slice(rows[0], rows[-1] + 1) if run else rows, every, *extent)
        given = values[(every, every, *extent)]
        target[into] = given if wanted is True else np.where(wanted, given, target[into])


def batch_by_batch(evaluate, sequential: bool = False, quickly: bool = False):
    """`evaluate` of one point, mapped over the first `count` rows of points, compiled.

    Args:
        sequential: in a loop instead of by `vmap`.
        quickly: compiled with `xla.quickly`.

    Returns:
        A function of points, each of shape (rows, batch), count, free and shared. Its results have shape
        (rows, batch, ...); the rows from `count` on are zeros.
    """
    mapped = _in_turn(evaluate) if sequential else jax.vmap(evaluate, in_axes=(0, None, None))
    batch = jax.jit(mapped)  # traced once, although used twice

    def run(points, count, free, shared):
        of_row = lambda i: {name: values[i] for name, values in points.items()}
        shapes = jax.eval_shape(batch, of_row(0), free, shared)
        rows = points["_"].shape[0]
        out = {name: jnp.zeros((rows, *one.shape), one.dtype) for name, one in shapes.items()}

        def step(i, out):
            result = batch(of_row(i), free, shared)
            return {name: values.at[i].set(result[name]) for name, values in out.items()}

        return lax.fori_loop(0, count, step, out)

    return jax.jit(run, compiler_options=xla.quickly() if quickly else None)


def _called(program, given):
    with runtime.computing():  # settings of JAX are per thread
        return program(*given)


def _in_turn(evaluate):
    """As `jax.vmap` over the first argument, point after point."""
    return lambda points, free, shared: lax.map(lambda point: evaluate(point, free, shared), points)


def _distinct(sizes: np.ndarray) -> np.ndarray:
    """The values among `sizes`, in order."""
    if len(sizes) and np.all(sizes == sizes[0]):  # the common case; sorting takes longer
        return sizes[:1]
    return np.unique(sizes)
