"""Averages on their way into a file: pieces are merged in the order of their members, whoever is done first.

    moments of pieces -> merged, in order -> all members of a point -> statistics -> file

Points are finished one group after another, so one group is under way at a time. What is known of it is
saved every second or so in OUT.h5.members, replaced in one step: a run that is killed loses no more.
Without that file, the group starts again, with the same result.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from jaxtransport.store import saved
from jaxtransport.store.carried import Carried, carried_path
from jaxtransport.store.store import Store
from jaxtransport.sweep.average import Averaging, Members
from jaxtransport.sweep.collected import Collected
from jaxtransport.sweep.gaps import Gappy
from jaxtransport.sweep.grid import Block
from jaxtransport.sweep.plan import Plan

SAVED_SECONDS = 1.0
SAVING_SHARE = 0.02  # most of the time that saving may take
MOST_WAITING = 64  # blocks that are kept until it is their turn

Values = Mapping[str, np.ndarray]


class Averages:
    """Where the pieces of an average go. See `sweep.run.Target`."""

    def __init__(self, store: Store, averaging: Averaging, plan: Plan, identity: str) -> None:
        """Make it, with what a run that was killed had saved.

        Args:
            store: of the file.
            averaging: what is averaged.
            plan: of the members' task.
            identity: of the spec; what another one saved is not used.
        """
        self._store, self._averaging, self._piece = store, averaging, plan.piece
        self._path = members_path(store.path)
        self._identity = f"{saved.identity(identity, averaging, plan)} {store.halvings}"
        self._carried = Carried.read(store.path, averaging, identity, plan)
        self._order = [
            (block, points)
            for points in self._groups(plan)
            for block in averaging.blocks(points, plan, int(self._carried.seen(points)[0]))
        ]
        self._points: dict[Block, Block] = dict(self._order)
        self._waiting: dict[Block, Values | None] = {}  # values, None if they cannot be computed
        self._finished: set[Block] = set()
        self._at = 0  # in the order: whose turn it is
        self._under_way: Collected | None = None
        self._read()
        self._save_from = time.monotonic() + SAVED_SECONDS

    def _groups(self, plan: Plan) -> Iterator[Block]:
        """The points that are left, in runs of which as many members are known."""
        for group in self._averaging.groups(plan):
            left = np.asarray(self._store.points_left(group).any(axis=1))
            known = np.where(left, self._carried.seen(group), -1)
            ends = [0, *(np.flatnonzero(np.diff(known)) + 1), len(known)]
            for start, stop in itertools.pairwise(int(end) for end in ends):
                if known[start] >= 0:
                    yield Block(range(group.solve[start], group.solve[stop - 1] + 1), group.free)

    def __enter__(self) -> Averages:
        return self

    def __exit__(self, *_: object) -> None:
        if self._under_way is not None:
            self._save()

    @property
    def accepts(self) -> bool:
        return len(self._waiting) < MOST_WAITING

    def left(self, step: int, free_step: int) -> Iterator[Block]:
        return (block for block, _ in self._order[self._at :])

    def filled(self, block: Block) -> Block | None:
        """None if its points are finished: their error is small enough, or one of their blocks failed."""
        return None if self._points[block] in self._finished else block

    def write(self, block: Block, values: Values) -> None:
        self._take(block, values)

    def give_up(self, block: Block) -> None:
        self._take(block, None)

    def note_halving(self) -> None:
        self._store.note_halving()

    def finish(self) -> None:
        self._store.finish()
        self._path.unlink(missing_ok=True)
        carried_path(self._store.path).unlink(missing_ok=True)

    def failed(self) -> int:
        return self._store.failed()

    def _take(self, block: Block, values: Values | None) -> None:
        if self._points[block] not in self._finished:
            self._waiting[block] = values
        while self._at < len(self._order):
            block, points = self._order[self._at]
            if points not in self._finished:
                if block not in self._waiting:
                    break
                self._merge(block, points, self._waiting.pop(block))
            self._waiting.pop(block, None)
            self._at += 1
        if self._under_way is not None and time.monotonic() > self._save_from:
            self._save()

    def _merge(self, block: Members, points: Block, values: Values | None) -> None:
        """Add the values whose turn it is."""
        if values is None:
            self._store.give_up(self._rows(points))
        else:
            state = self._carried.state(points)
            group = self._under_way or Collected(self._averaging, points, self._piece, state)
            self._under_way = None  # not to be saved with a block half in it, or complete
            group.add(block, values)
            if not group.complete:
                self._under_way = group
                return
            self._store.write(self._rows(points), group.statistics())
        self._under_way = None
        self._finished.add(points)

    def _rows(self, points: Block) -> Block:
        """Points as rows of the group of the file that they belong to, whose others are on file."""
        left = int(self._store.points_left(points).sum())
        return Gappy(points.solve, points.free, left, np.arange(points.solve.start, points.solve.stop))

    # What is saved of the group under way.

    def _save(self) -> None:
        assert self._under_way is not None
        start = time.monotonic()
        block, _ = self._order[self._at]
        state = self._under_way.state()
        place = np.array([block.solve.start, block.free.start, state["seen"]])
        with contextlib.suppress(OSError):  # nothing is lost but time
            saved.write(self._path, self._identity, {"place": place, **state})
        end = time.monotonic()
        self._save_from = end + max(SAVED_SECONDS, (end - start) / SAVING_SHARE)

    def _read(self) -> None:
        """Take up the group that was under way, if it is that of this run."""
        state = saved.read(self._path, self._identity)
        if not state or not self._order:
            return
        place, first = state.pop("place").tolist(), self._order[0][1]
        for at, (block, points) in enumerate(self._order):
            if points != first:
                return
            if [block.solve.start, block.free.start, block.members.start] == place:
                self._at, self._under_way = at, Collected(self._averaging, points, self._piece, state)
                return


def under_way(output: Path) -> int:
    """Members of the points under way that are saved beside an output; 0 if there are none."""
    try:
        with saved.opened(members_path(output)) as members:
            return int(members["seen"])
    except saved.BROKEN:
        return 0


def members_path(output: Path) -> Path:
    """Where the members of the group under way are saved."""
    return output.with_name(output.name + ".members")
