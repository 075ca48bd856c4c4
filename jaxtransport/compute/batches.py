"""Batches and arrays of few shapes, as every shape is a compilation of its own.

Batches are filled up by repeating what is in them, arrays along a wire by sites that are cut off.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

LANES = 8  # doubles of a vector register: sizes are multiples of it
COMPILE_COST = 2**24  # site updates done in the time of one compilation, about a second


def filled(rows: np.ndarray, shape: int | tuple[int, ...]) -> np.ndarray:
    """`rows`, which are few enough, in an array of this shape: from the first on again, until it is full."""
    return np.resize(rows, shape)


def batches(count: int, size: int) -> Iterator[np.ndarray]:
    """The numbers from 0 to `count` - 1 in batches of `size`, the last one filled up."""
    for start in range(0, count, size):
        yield filled(np.arange(start, min(start + size, count)), size)


def in_batches(compute: Callable[[np.ndarray], Any], count: int, size: int) -> Any:
    """What `compute` makes of all numbers below `count` > 0, `size` at a time, joined as NumPy arrays."""
    import jax  # plans need none

    parts = [jax.tree.map(np.asarray, compute(rows)) for rows in batches(count, size)]
    return jax.tree.map(lambda *arrays: np.concatenate(arrays)[:count], *parts)


def multiple(entries: int, of: int = LANES) -> int:
    """The next multiple from `entries` on."""
    return of * -(-entries // of)


def padded(sites: int) -> int:
    """Array entries of wires up to `sites` long: multiples of 8, then two sizes in every doubling."""
    if sites <= 64:
        return multiple(sites)
    power = 1 << (sites - 1).bit_length()
    return 3 * power // 4 if sites <= 3 * power // 4 else power


def padded_sizes(lengths: Iterable[int], points_each: int) -> dict[int, int]:
    """Array size for every length of a grid.

    Lengths are padded to the next power of two, the longest to a multiple of 8. A size moves up to
    the next one where compiling it would take longer than carrying the cut-off sites along.
    """
    top = multiple(max(lengths))
    sizes = {int(N): min(top, max(LANES, 1 << (int(N) - 1).bit_length())) for N in lengths}
    used = sorted(set(sizes.values()))
    for size, following in itertools.pairwise(used):
        members = [N for N, padded in sizes.items() if padded == size]
        if len(members) * points_each * (following - size) < COMPILE_COST:
            sizes.update(dict.fromkeys(members, following))
    return sizes
