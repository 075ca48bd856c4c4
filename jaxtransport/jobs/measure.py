"""The time of a sweep, from a short trial: some of its points, all over the grid, each computed twice.

    time of all = that of compiling every size + work of all points * time of the second calls / their work

Work is what a point of its size costs, as the plan counts it. The first call of a size compiles it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from jaxtransport import models
from jaxtransport.compute import interrupts
from jaxtransport.spec.spec import Spec
from jaxtransport.sweep import plan as plans
from jaxtransport.sweep.average import Members
from jaxtransport.sweep.grid import Block
from jaxtransport.sweep.task import Task

MOST_TRIED = 8  # places
ENOUGH_SECONDS = 10.0  # after which no other place is tried
GROWTH = 16
LONG_ENOUGH = 0.2  # seconds of one of them: less is the time of a call, and more points are tried at once


@dataclass(frozen=True)
class Measured:
    """What a trial found."""

    seconds: float  # of the whole sweep on one core
    compile_seconds: float  # ... of these, until all programs are compiled
    points: int  # tried
    points_per_second: float  # of those
    unsolved: int  # of those


def measure(spec: Spec) -> Measured:
    """Try some points of a sweep on one device. Nothing is stored."""
    from jaxtransport.compute import runtime  # loads JAX
    from jaxtransport.sweep.evaluator import Evaluator

    devices = runtime.devices(1)
    task = replace(models.make_task(spec), reduce=None)
    plan = models.plan_of(spec, task, runtime.kind(devices), runtime.memory(devices))
    total = task.grid.solve_axes.size
    size = min(total, max(plan.batch.values()))
    free = range(min(plan.free_step, task.grid.free_axes.size))
    begun = time.perf_counter()
    compiling = computing = work = 0.0
    known: set[int] = set()
    points = unsolved = 0
    average = models.averaging(spec, task)
    with runtime.computing():
        evaluator = Evaluator(task, plan, devices)

        def timed(block: Block) -> tuple[float, np.ndarray]:
            """Seconds of a block, and the status of its points."""
            start = time.perf_counter()
            values = evaluator(block)
            if average is not None:  # as if all were members of one point
                average.reduced(Members.among(Block(range(1), free), range(size), size), values, plan.piece)
            return time.perf_counter() - start, values["status"]

        for place in np.linspace(0, 1, MOST_TRIED):
            interrupts.check()
            if points >= total * len(free) or (points and time.perf_counter() > begun + ENOUGH_SECONDS):
                break
            start = int(place * (total - size))
            block = Block(range(start, start + size), free)
            first, _ = timed(block)
            again, status = timed(block)
            compiling += max(0.0, first - again)
            sizes = task.padded(task.grid.solve_axes.points(block.rows), size)
            known |= set(sizes.tolist())
            if again < LONG_ENOUGH and size < min(total, plan.solve_step):
                size = min(total, plan.solve_step, GROWTH * size)
                computing = work = 0.0
                points = unsolved = 0
            computing, work = computing + again, work + _work(task, sizes) * len(free)
            points, unsolved = points + block.size, unsolved + int(np.count_nonzero(status))
    every = plans.work(task) * task.grid.free_axes.size
    compiling *= len(plan.batch) / len(known)
    seconds = plans.START_SECONDS + compiling + every / work * computing
    return Measured(seconds, compiling, points, points / computing, unsolved)


def _work(task: Task, sizes: np.ndarray) -> float:
    """Of points of some padded sizes."""
    each = zip(*np.unique(sizes, return_counts=True), strict=True)
    return float(sum(count * task.cost(int(size)) for size, count in each))
