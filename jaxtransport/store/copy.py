"""Points of finished files in a new one, bit for bit.

    every tile of the new grid <- those of its points that a file has, in boxes of tens of megabytes

A file has a point if every coordinate of it is among the values of its axes (`alike`) and its status is
final. The new file has no name meanwhile (`files.create`), so that a kill leaves everything as it was.
Numbers of several files for one point are compared; the first file's are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from jaxtransport.compute import interrupts
from jaxtransport.errors import InputError
from jaxtransport.store import alike, checksums
from jaxtransport.store.resultfile import ResultFile
from jaxtransport.store.store import Store
from jaxtransport.sweep.grid import Block, Grid, blocks, scatter
from jaxtransport.sweep.task import Task

AT_ONCE = 2**24  # bytes of a variable that are read at once, at least a number
AGREEMENT = 1e-12  # of the largest number of that unit

Box = tuple[slice, ...]


@dataclass(frozen=True)
class Source:
    """A file and, for every axis of the new grid, where its values are in the file (-1: nowhere)."""

    file: ResultFile
    places: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, file: ResultFile, task: Task) -> Source:
        """Raises `InputError` if a dimension beyond the grid, such as site, counts something else."""
        for axis in task.extra:
            stored = file.read(axis.name) if axis.name in file.names else np.zeros(0)
            common = min(len(stored), len(axis.values))
            if not np.array_equal(stored[:common], axis.values[:common]):
                raise InputError(f"{file.path}: {axis.name} counts something else than in the output")
        return cls(file, tuple(cls._places(file, task, axis.name, axis.values) for axis in task.grid.axes))

    @staticmethod
    def _places(file: ResultFile, task: Task, name: str, values: np.ndarray) -> np.ndarray:
        along = [one for one in task.beside if one.dims == (name,) and one.name in file.names]
        along = [one for one in along if file.dims_of(one.name) == (name,)]
        old = [file.read(name), *(file.read(one.name) for one in along)]
        return alike.places(old, [values, *(one.values for one in along)])

    def held(self) -> int:
        """How many points of the new grid the file has."""
        wanted = [where[where >= 0] for where in self.places]
        if not all(map(len, wanted)):
            return 0
        found = 0
        for part in _parts([np.arange(len(one)) for one in wanted], 1):
            status = self._read("status", [one[i] for one, i in zip(wanted, part, strict=True)], ())
            found += int(np.count_nonzero(~checksums.left(status)))
        return found

    def within(self, box: Box) -> list[np.ndarray] | None:
        """The positions in a box of the new grid at which the file may have points; None without any."""
        inside = [np.flatnonzero(w[s] >= 0) for w, s in zip(self.places, box, strict=True)]
        return inside if all(map(len, inside)) else None

    def has(self, point: Sequence[int]) -> bool:
        """Whether the file has a point of the new grid."""
        cell = tuple(slice(k, k + 1) for k in point)
        inside = self.within(cell)
        return inside is not None and checksums.settled(self.read("status", cell, inside, ()))

    def read(self, name: str, box: Box, inside: Sequence[np.ndarray], more: tuple[int, ...]) -> np.ndarray:
        """A variable there, at most `more` long beyond the grid: shape (*map(len, inside), *shorter)."""
        wanted = [w[s][i] for w, s, i in zip(self.places, box, inside, strict=True)]
        stored = self.file.shape_of(name)[len(wanted) :]
        return self._read(name, wanted, tuple(min(pair) for pair in zip(more, stored, strict=True)))

    def spread(self, names: Mapping[str, str], task: Task) -> dict[str, np.ndarray]:
        """Some variables, with their types, over the whole new grid; 0 where the file has no point."""
        shape = task.grid.shape
        box = tuple(slice(0, n) for n in shape)
        more = {v.name: task.trailing(v) for v in task.variables}
        out = {name: np.zeros((*shape, *more[name]), dtype) for name, dtype in names.items()}
        if (inside := self.within(box)) is None:
            return out
        known = ~checksums.left(self.read("status", box, inside, ()))
        for name, whole in out.items():
            given = self.read(name, box, inside, more[name])
            wide = known.reshape(*known.shape, *[1] * (given.ndim - known.ndim))
            at: Any = (*np.ix_(*inside), *(slice(0, n) for n in given.shape[known.ndim :]))
            whole[at] = np.where(wide, given, whole[at])
        return out

    def _read(self, name: str, wanted: Sequence[np.ndarray], more: tuple[int, ...]) -> np.ndarray:
        dtype = self.file.dtype_of(name)
        out = np.empty((*map(len, wanted), *more), dtype)
        for part in _parts(wanted, dtype.itemsize * prod(more)):
            indices = [w[i] for w, i in zip(wanted, part, strict=True)]
            hull = [slice(int(i.min()), int(i.max()) + 1) for i in indices]
            got = self.file.read(name, (*hull, *(slice(0, n) for n in more)))
            at = np.ix_(*(i - s.start for i, s in zip(indices, hull, strict=True)))
            out[np.ix_(*part)] = got[at]
        return out


def _parts(wanted: Sequence[np.ndarray], width: int) -> Iterator[list[np.ndarray]]:
    """Positions in parts: from the first index `wanted` in one to the last are at most `AT_ONCE` bytes."""

    def cut(part: list[np.ndarray]) -> Iterator[list[np.ndarray]]:
        hull = prod(int(np.ptp(w[i])) + 1 for w, i in zip(wanted, part, strict=True))
        longer = [k for k, i in enumerate(part) if len(i) > 1]
        if hull * width <= AT_ONCE or not longer:
            yield part
            return
        k = longer[0]
        for half in np.array_split(part[k], 2):
            yield from cut([*part[:k], half, *part[k + 1 :]])

    yield from cut([np.arange(len(w)) for w in wanted])


@dataclass(frozen=True)
class Agreement:
    """What several files have to agree in.

    Args:
        sources: in order.
        units: the variables that are compared, with their units.
    """

    sources: Sequence[Source]
    units: Mapping[str, str]

    @cached_property
    def tolerances(self) -> dict[str, float]:
        """By unit: `AGREEMENT` times the largest number in all files."""
        largest = dict.fromkeys(self.units.values(), 0.0)
        for file in (source.file for source in self.sources):
            for name, unit in self.units.items():
                shape = file.shape_of(name)
                for part in _parts([np.arange(n) for n in shape], file.dtype_of(name).itemsize):
                    found = np.abs(file.read(name, tuple(slice(int(i[0]), int(i[-1]) + 1) for i in part)))
                    largest[unit] = max(largest[unit], float(found[np.isfinite(found)].max(initial=0)))
        return {unit: AGREEMENT * size for unit, size in largest.items()}

    def differ(self, name: str, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Where two files differ."""
        if name == "status":
            return one != other
        if name not in self.units:
            return np.zeros(one.shape, bool)
        one, other = one.astype(float), other.astype(float)
        with np.errstate(invalid="ignore"):
            near = np.abs(one - other) <= self.tolerances[self.units[name]]
        return ~(near | (one == other) | (np.isnan(one) & np.isnan(other)))


def copy(sources: Sequence[Source], task: Task, part: Path, compared: Mapping[str, str] | None = None) -> int:
    """Put what `sources` have into the file at `part`, which has no points yet.

    Args:
        compared: variables that the sources have to agree in, with their units.

    Returns:
        How many points of the new grid they have.

    Raises:
        InputError: two sources differ.
        OSError: the disk is full.
        KeyboardInterrupt: a signal came.
    """
    grid, agreement = task.grid, Agreement(sources, compared or {})
    more = {v.name: task.trailing(v) for v in task.variables} | {"status": ()}
    found = 0
    with Store(part, grid, [v.name for v in task.variables]) as store:
        for block in blocks(grid, *_extent(store, task)):
            interrupts.check()
            values = store.blank(block)
            copied = [_add(number, agreement, grid, block, values, more) for number in range(len(sources))]
            if any(copied):
                store.adopt(block, values)
                found += int(np.count_nonzero(~checksums.left(values["status"])))
        if found == grid.size:
            store.finish()
        store.flush()
    return found


def _extent(store: Store, task: Task) -> tuple[int, int]:
    """Solve and free points of a block: whole tiles, some ten megabytes of them."""
    solve, free = store.tile
    return max(1, AT_ONCE // (task.bytes_per_point() * free * solve)) * solve, free


def _add(
    number: int, agreement: Agreement, grid: Grid, block: Block, values: dict, more: Mapping[str, tuple]
) -> bool:
    """Put what one source has of a block into its `values`, and compare what is there; whether it has any."""
    source, found = agreement.sources[number], False
    names = ["status", *(name for name in values if name != "status")]
    for pieces in zip(*(scatter(grid, block, values[name]) for name in names), strict=True):
        box: Box = pieces[0][0]
        if (inside := source.within(box)) is None:
            continue
        at = np.ix_(*inside)
        known, status = pieces[0][1][at], source.read("status", box, inside, ())
        had, has = ~checksums.left(known), ~checksums.left(status)
        if not has.any():
            continue
        found = True
        for name, (_, piece) in zip(names, pieces, strict=True):
            given = status if name == "status" else source.read(name, box, inside, more[name])
            into = (*at, *(slice(0, n) for n in given.shape[len(inside) :]))
            old, wide = np.asarray(piece[into]), (*status.shape, *[1] * (given.ndim - len(inside)))
            if (had & has).any():
                wrong = (had & has).reshape(wide) & agreement.differ(name, old, given)
                if wrong.any():
                    raise _conflict(agreement, number, grid, name, (box, inside), (wrong, old, given))
            piece[into] = np.where((has & ~had).reshape(wide), given, old)
    return found


def _conflict(
    agreement: Agreement, number: int, grid: Grid, name: str, where: tuple, found: tuple
) -> InputError:
    """The error for the first number in which a source differs from one before it."""
    (box, inside), (wrong, old, given) = where, found
    source, first = agreement.sources[number], tuple(int(i) for i in np.argwhere(wrong)[0])
    point = [int(s.start + i[k]) for s, i, k in zip(box, inside, first, strict=False)]
    at = [f"{axis.name} = {axis.values[k]:.10g}" for axis, k in zip(grid.axes, point, strict=True)]
    dims = source.file.dims_of(name)[len(point) :]
    at += [f"{dim} = {source.file.read(dim)[k]}" for dim, k in zip(dims, first[len(point) :], strict=True)]
    before = next(one for one in agreement.sources[:number] if one.has(point))
    return InputError(
        f"{source.file.path} does not agree with {before.file.path}: {name} at "
        f"{', '.join(at) or 'their point'} is {given[first]:.17g}, not {old[first]:.17g}"
    )
