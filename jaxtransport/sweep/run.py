"""The main loop: compute the blocks of a grid that are not in its file yet, and write them.

    every block that the file lacks, or the rest of it (see `gaps`) -> executor -> file

An executor computes blocks on the devices of this process or on a cluster, several at a time: the next ones
are computed while one is written. A block that fails is tried again; one that fails three times is
marked as crashed, and the sweep continues.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from jaxtransport.compute.batches import LANES
from jaxtransport.errors import InputError
from jaxtransport.sweep.executors import Done, Executor
from jaxtransport.sweep.grid import Block, Grid

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

TRIES = 3


class Target(Protocol):
    """Where values go: a file (`store.store`), or averages (`store.averages`)."""

    @property
    def accepts(self) -> bool:
        """Whether more blocks may be started."""

    def left(self, step: int, free_step: int) -> Iterator[Block]:
        """What is left to compute, at most so many solve and free points at a time."""

    def filled(self, block: Block) -> Block | None:
        """A block with the points of it that are left; None if there are none any more."""

    def write(self, block: Block, values: Mapping[str, np.ndarray]) -> None:
        """Take the values of a block."""

    def give_up(self, block: Block) -> None:
        """Note that a block cannot be computed."""

    def note_halving(self) -> None:
        """Note that batches were halved for lack of memory."""

    def finish(self) -> None:
        """Note that everything was computed."""

    def failed(self) -> int:
        """Number of points that failed."""


@dataclass
class Progress:
    """Progress of a run, in grid points."""

    total: int
    done: int
    resumed: int  # points that were in the file before this run
    skipped: int = 0  # points that turned out not to be needed
    failed: int = 0
    seconds: float = 0.0
    writing: float = 0.0  # of these seconds, spent on writing results
    note: str = ""  # reason for waiting
    trouble: str = ""  # the last error of a block that was given up

    @property
    def rate(self) -> float:
        """Points a second of this run."""
        return self.computed / self.seconds if self.seconds else 0.0

    @property
    def computed(self) -> int:
        """Points that this run computed."""
        return self.done - self.resumed - self.skipped

    @property
    def seconds_left(self) -> float:
        return (self.total - self.done) / self.rate if self.rate else float("inf")


def execute(
    grid: Grid,
    store: Target,
    executor: Executor,
    report: Callable[[Progress], None] = lambda progress: None,
    *,
    stop: Callable[[], bool] = lambda: False,
) -> Progress:
    """Compute and store every point of `grid` that `store` does not hold yet.

    Args:
        executor: computes the blocks.
        report: called once before the first block, after each, and while none arrives.
        stop: checked before every block; once it is true, blocks in flight are stored, and no others started.

    Raises:
        InputError: the file can no longer be written; no memory for the smallest batch; an error
            of the cluster.
        Exception: the error of the first block, if it fails every time.
    """
    plan = executor.plan
    left = deque(store.left(executor.step, plan.free_step))
    done = grid.size - sum(b.size for b in left)
    progress = Progress(grid.size, done, done)
    report(progress)
    failures: Counter[Block] = Counter()
    start = time.perf_counter()
    while True:
        while left and executor.capacity > 0 and (store.accepts or not executor.busy) and not stop():
            _submit(left.popleft(), store, executor, progress)
        if not executor.busy:
            break
        came = executor.next_done()
        progress.seconds = time.perf_counter() - start
        progress.note = executor.note
        if came is None:
            if stop() and executor.note:  # no worker could finish it
                break
            report(progress)
            continue
        if came.error is not None and _again(came, executor, store, failures, progress):
            left.appendleft(came.block)
            continue
        begun = time.perf_counter()
        if came.values is not None:
            store.write(came.block, came.values)
        else:
            store.give_up(came.block)
        now = time.perf_counter()
        progress.done += came.block.size
        progress.writing += now - begun
        progress.seconds = now - start
        report(progress)
    if progress.done == progress.total:
        store.finish()
    progress.failed = store.failed()
    return progress


def _submit(block: Block, store: Target, executor: Executor, progress: Progress) -> None:
    """Start a block, unless nothing of it is needed any more."""
    if (filled := store.filled(block)) is not None:
        executor.submit(filled)
        return
    progress.done += block.size
    progress.skipped += block.size


def _again(
    came: Done, executor: Executor, store: Target, failures: Counter[Block], progress: Progress
) -> bool:
    """Whether a block that failed is to be tried again; raises its error if no block has succeeded."""
    error = came.error
    assert error is not None
    if isinstance(error, InputError):
        raise error
    memory = isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)
    if memory:
        if came.plan is not executor.plan:  # batches are smaller already
            return True
        smaller = executor.plan.halved()
        if smaller != executor.plan:
            executor.plan = smaller
            store.note_halving()
            return True
    failures[came.block] += 1
    if failures[came.block] < TRIES:
        return True
    if not progress.done:
        if memory:
            raise InputError(
                f"memory: {LANES} points at once do not fit ({_first_line(error)}); free some memory, or "
                "use fewer variables or shorter wires"
            )
        raise error
    progress.trouble = f"a block of {came.block.size:,} points failed {TRIES} times: {_first_line(error)}"
    return False


def _first_line(error: Exception) -> str:
    text = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
