"""Executors of the blocks of a sweep: devices of this process (here), or a cluster (see `cluster`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from jaxtransport.sweep.grid import Block
from jaxtransport.sweep.plan import Plan
from jaxtransport.sweep.task import Task

if TYPE_CHECKING:
    from jaxtransport.sweep.evaluator import Pending

AHEAD = 1  # blocks that are computed while one is written


@dataclass(frozen=True)
class Done:
    """A finished block, with its values or its error."""

    block: Block
    plan: Plan  # by which it was computed
    values: Mapping[str, np.ndarray] | None = None
    error: Exception | None = None


class Executor(Protocol):
    """Computes blocks, several at once, and returns them in any order."""

    plan: Plan  # may be replaced; later blocks use the new one
    note: str  # why no results arrive, if known

    @property
    def step(self) -> int:
        """Solve points of a block."""

    @property
    def capacity(self) -> int:
        """Number of further blocks it accepts now."""

    @property
    def busy(self) -> bool:
        """Whether a block is in flight."""

    def submit(self, block: Block) -> None:
        """Start a block."""

    def next_done(self) -> Done | None:
        """The next finished block; None if none finished for a while."""


class Local:
    """Computes on devices of this process, which share each block."""

    note = ""

    def __init__(self, task: Task, plan: Plan, devices: Sequence[Any] = ()) -> None:
        """Args: as for `Evaluator`."""
        from jaxtransport.sweep.evaluator import Evaluator  # here, as it loads JAX

        self._evaluator = Evaluator(task, plan, devices)
        self._coming: deque[tuple[Block, Plan, Pending | Exception]] = deque()

    @property
    def plan(self) -> Plan:
        return self._evaluator.plan

    @plan.setter
    def plan(self, plan: Plan) -> None:
        self._evaluator.plan = plan

    @property
    def step(self) -> int:
        return self._evaluator.step

    @property
    def capacity(self) -> int:
        return 1 + AHEAD - len(self._coming)

    @property
    def busy(self) -> bool:
        return bool(self._coming)

    def submit(self, block: Block) -> None:
        started: Pending | Exception
        try:
            started = self._evaluator.start(block)
        except Exception as error:
            started = error
        self._coming.append((block, self.plan, started))

    def next_done(self) -> Done | None:
        block, plan, started = self._coming.popleft()
        if isinstance(started, Exception):
            return Done(block, plan, error=started)
        try:
            return Done(block, plan, self._evaluator.finish(started))
        except Exception as error:
            return Done(block, plan, error=error)
