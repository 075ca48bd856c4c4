"""Division of a task: batches that fit memory and cache, blocks that are written at once.

The shape of a batch affects the last bit of a result, so it is fixed when a file is made, stored in
it, and used again when a run resumes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from jaxtransport.compute.batches import LANES
from jaxtransport.compute.xla import CALLS, WHOLE
from jaxtransport.sweep.task import Task

# Numbers that a batch keeps along its wires, its most points, and its least unless it has too many sites. A
# CPU that calls every step of a loop pays a microsecond and more for it however few the points are: batches
# fill the second-level cache. One that compiles whole loops (`xla`) wants each array of a step in the first,
# and what it keeps along the wires in the last. A GPU wants parallelism.
BATCH_NUMBERS = {CALLS: 2**20, WHOLE: 2**20, "gpu": 2**27}
BATCH_ENTRIES = 2**11  # of each of the matrices: with some ten of them in the second-level cache
BATCH_POINTS = {CALLS: 4096, WHOLE: 128, "gpu": 2**18}
BATCH_FEW_POINTS = {CALLS: 256, WHOLE: 32, "gpu": 256}
BATCH_MOST_SITES = {CALLS: 2**19, WHOLE: 2**22, "gpu": 2**24}
BATCH_BYTES = 2**28  # most that one batch's results and scratch may take
SHARE = 1 / 8  # ... of a device's memory: two blocks are on it, and compilers make copies
AT_ONCE = 2**18  # points of one call
BLOCK_COST = 2**24  # site updates of one block: a fraction of a second on one core
TILE_BATCHES = 64  # a block of fewer is several checksums: several devices may share it unevenly
KEPT_PER_SITE = 32  # numbers a kernel keeps per site and point of a batch
PROGRAM_BYTES = 310_000_000  # measured: Python, JAX, and what it takes to compile
START_SECONDS = 2.0  # until the first program is compiled
COMPILED_TOGETHER = 0.3  # extra time of compiling for two devices at once, relative to one
WRITTEN = 5e8  # bytes of results that are gathered and written in a second
BLOCKS_AT_ONCE = 3
BLOCK_BYTES = 2**26  # most that one block's results may take in host memory


@dataclass(frozen=True)
class Plan:
    """Batch shape for every padded size, and the extent of a block."""

    batch: Mapping[int, int]
    solve_step: int
    free_step: int
    tile: int = 1  # solve points that share a checksum: every block is a whole number of these
    piece: int = 0  # members of an average that are summed together; 0 without averages

    def step(self, devices: int) -> int:
        """Solve points of a block: enough to give every device a batch."""
        if devices == 1:
            return self.solve_step
        return self.tile * -(-max(self.solve_step, devices * max(self.batch.values())) // self.tile)

    def rows(self, batch: int, devices: int) -> int:
        """Batches that a device gets in one call: it loops over them, since a call costs time."""
        return max(1, min(AT_ONCE // batch, -(-self.step(devices) // (batch * devices))))

    def halved(self, times: int = 1) -> Plan:
        """The same blocks in batches of half the size, if possible."""
        fewer = lambda count: max(min(LANES, count), LANES * ((count >> times) // LANES))
        batch = {size: fewer(count) for size, count in self.batch.items()}
        return replace(self, batch=batch)

    def retry_batch(self, size: int, task: Task) -> int:
        """Batch of the points that are gathered to be finished by a later stage."""
        if self.batch[size] == 1:  # points are computed one by one
            return 1
        most = BATCH_BYTES // max(1, task.retry_bytes)
        return max(LANES, min(self.batch[size], task.retry_points, LANES * (most // LANES)))

    def memory_bytes(self, task: Task) -> int:
        """Approximate peak memory of a run (`scripts/memory.py` measures it).

        The sum of the program; coordinates and results of blocks, one being written and two in progress;
        intermediate results of a batch; the same for points that are finished by a later stage.
        """
        axes = task.grid.solve_axes
        coordinates = 8 * (len(axes.axes) + 1)
        points = min(self.solve_step, axes.size)
        block = points * (task.bytes_per_point() * self.free_step + coordinates)
        kept = max(size * count for size, count in self.batch.items()) * KEPT_PER_SITE * 8
        together = 1 if task.sequential else max(self.batch.values())
        scratch = together * self.free_step * task.scratch_bytes
        most = max(self.retry_batch(size, task) for size in self.batch) if task.retries else 0
        retries = (1 if task.sequential else most) * task.retry_bytes
        program = PROGRAM_BYTES + task.compile_bytes
        return program + BLOCKS_AT_ONCE * block + kept + scratch + retries + task.shared_bytes

    def seconds(self, task: Task) -> float:
        """Approximate time of a run on one core, unless many points need a later stage."""
        stored = task.grid.size * task.bytes_per_point()
        compiling = task.compile_seconds * len(self.batch)
        return START_SECONDS + compiling + work_seconds(task) + stored / WRITTEN

    def to_json(self) -> str:
        batch = {str(size): count for size, count in self.batch.items()}
        return json.dumps({**asdict(self), "batch": batch})

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """What `to_json` wrote; raises ValueError for anything else."""
        try:
            raw: dict[str, Any] = json.loads(text)
            batch = {int(k): int(v) for k, v in raw["batch"].items()}
            return cls(batch, raw["solve_step"], raw["free_step"], raw.get("tile", 1), raw.get("piece", 0))
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"not a plan ({error})") from None


def counts(task: Task) -> dict[int, int]:
    """Number of solve points of every padded size."""
    total = task.grid.solve_axes.size
    if task.size_axis is None:
        return {task.size: total}
    lengths = task.grid.varied(task.size_axis)
    assert lengths is not None
    out: dict[int, int] = {}
    for value, times in zip(*np.unique(lengths.values, return_counts=True), strict=True):
        size = task.sizes[int(value)]
        out[size] = out.get(size, 0) + total * int(times) // lengths.values.size
    return out


def work(task: Task) -> float:
    """Work of all solve points of a task, in site updates."""
    return sum(count * task.cost(size) for size, count in counts(task).items())


def work_seconds(task: Task) -> float:
    """Approximate time of the points of a task on one core."""
    return task.update_seconds * work(task)


def devices_worth(task: Task, most: int) -> int:
    """Number of devices worth using, given that a large program is compiled for each of them."""
    saved = work_seconds(task) * (1 - 1 / most)
    return most if not task.quickly or saved > COMPILED_TOGETHER * task.compile_seconds else 1


def make_plan(task: Task, kind: str = CALLS, memory: int | None = None) -> Plan:
    """Make the plan of a task for a device.

    Args:
        kind: of device, "gpu" or as `xla.kind_of_cpu`.
        memory: bytes of the device, of which a batch takes a small part.
    """
    per_size = counts(task)
    alone = task.sequential and kind != "gpu"
    point_bytes = task.bytes_per_point() + (0 if alone else task.scratch_bytes)
    free = task.grid.free_axes.size
    most_bytes, kept = BATCH_BYTES, BATCH_MOST_SITES[kind] // task.arrays
    if memory is not None:
        most_bytes = min(most_bytes, int(memory * SHARE))
        kept = min(kept, int(memory * SHARE) // (8 * KEPT_PER_SITE))
    free_step = max(1, min(free, most_bytes // (LANES * point_bytes)))
    row_bytes = point_bytes * free_step

    def batch(size: int, count: int) -> int:
        if alone:
            return 1
        few = BATCH_FEW_POINTS[kind]
        if kind != WHOLE:
            few //= task.arrays**2  # measured: long profiles leave the cache first
        well = max(BATCH_NUMBERS[kind] // (task.kept * size), few)
        if task.matrices and kind != "gpu":
            well = BATCH_ENTRIES // size**2
        most = min(well, BATCH_POINTS[kind] // task.arrays, kept // size, most_bytes // row_bytes)
        return max(LANES, LANES * int(min(most // LANES, -(-count // LANES))))

    batches = {size: batch(size, count) for size, count in sorted(per_size.items())}
    largest = max(per_size)
    step = int(min(BLOCK_COST / task.cost(largest), BLOCK_BYTES // row_bytes))
    most = max(batches.values())
    step = max(1, step // most) * most
    return Plan(batches, step, free_step, step if step >= TILE_BATCHES * most else most)
