"""Sets of sites for sources and drains: all of them, or a search that moves one reservoir at a time."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from jaxtransport import layout as layouts
from jaxtransport.designs.merit import Candidates, Task, margin, rate
from jaxtransport.layout import Layout


def leaders(task: Task, candidates: Candidates, merits: np.ndarray, count: int) -> np.ndarray:
    """Rows of the `count` best candidates, best first, no two on the same sites with the same couplings."""
    best = np.max(merits)
    order = np.argsort(-np.where(merits >= best - margin(task, best), best, merits), kind="stable")
    seen: dict[bytes, int] = {}
    for row in order[merits[order] > -np.inf]:
        by_site = np.argsort(candidates.sites[row])
        key = candidates.sites[row, by_site].tobytes() + candidates.gammas[row, by_site].tobytes()
        seen.setdefault(key, int(row))
        if len(seen) == count:
            break
    return np.array(list(seen.values()), int)


def every_set(N: int, pairs: int) -> np.ndarray:
    """All sets of 2 `pairs` middle sites, one a row."""
    sets = itertools.combinations(range(1, N - 1), 2 * pairs)
    return np.fromiter(itertools.chain.from_iterable(sets), int).reshape(-1, 2 * pairs)


def some_sets(N: int, pairs: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Starting points of a search: evenly spaced, at the ends, at one end, and `count` random sets."""
    middle, n = np.arange(1, N - 1), 2 * pairs
    even = middle[np.linspace(0, N - 3, n).round().astype(int)]
    ends = np.concatenate([middle[:pairs], middle[-pairs:]])
    drawn = [np.sort(rng.permutation(middle)[:n]) for _ in range(count)]
    return np.stack([even, ends, middle[:n], *drawn])


def moves(N: int, sites: np.ndarray, gammas: np.ndarray, levels: Sequence[float] = ()) -> Candidates:
    """Every candidate that differs in one reservoir: on a free site, with a coupling of `levels`, or both."""
    slots = np.flatnonzero(gammas)
    free = np.setdiff1d(np.arange(1, N - 1), sites)
    rows = [(slot, site, gammas[slot]) for slot in slots for site in free]
    rows += [(slot, site, level) for level in levels for slot in slots for site in (sites[slot], *free)]
    moved = Candidates(np.tile(sites, (len(rows), 1)), np.tile(gammas, (len(rows), 1)))
    if rows:
        slot, site, gamma = (np.array(column) for column in zip(*rows, strict=True))
        moved.sites[np.arange(len(rows)), slot] = site
        moved.gammas[np.arange(len(rows)), slot] = gamma
    return moved


def climb(task: Task, N: int, starts: Candidates, levels: Sequence[float] = ()) -> Candidates:
    """From each start, take the best of its `moves` repeatedly until none helps."""
    current = Candidates(starts.sites.copy(), starts.gammas.copy())
    merits = rate(task, current)[0]
    active = np.arange(len(merits))
    while active.size:
        around = [moves(N, *current.take(row), levels) for row in active]
        if not len(around[0].sites):
            break
        values = rate(task, Candidates.join(*around))[0].reshape(active.size, -1)
        best = np.argmax(values, axis=1)
        gained = values[np.arange(active.size), best]
        better = gained > merits[active] + margin(task, merits[active])
        for near in np.flatnonzero(better):
            current.sites[active[near]], current.gammas[active[near]] = around[near].take(best[near])
        merits[active[better]] = gained[better]
        active = active[better]
    return current


def standard_layouts(N: int, pairs: int) -> dict[str, Layout]:
    """The standard layouts that exist: dimers and pair with their numbers of pairs, spaced with `pairs`."""
    found = {} if N % 2 else {"dimers": layouts.dimers(N)}
    found["pair"] = layouts.pair(N)
    for spacing in range(1, N):
        if len(range(2, N, spacing)) == 2 * pairs:
            found[f"spaced {spacing}"] = layouts.spaced(N, spacing)
    return found
