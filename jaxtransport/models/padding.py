"""Wires of many lengths in arrays of few sizes: layouts as tables, padded sizes, site and bond axes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from jaxtransport import layout as layouts
from jaxtransport.compute.batches import padded_sizes
from jaxtransport.errors import InputError
from jaxtransport.patterns import Pattern, is_patterned, pattern_of
from jaxtransport.patterns.paths import numbers_of
from jaxtransport.spec.checks import sites_of
from jaxtransport.spec.spec import Spec
from jaxtransport.sweep.grid import Axis, Grid
from jaxtransport.sweep.task import StoredVariable, Task

MOST_TABLE_BYTES = 4 * 10**9


def sizes_of(spec: Spec, grid: Grid) -> dict[int, int]:
    """Array size of every length that a spec asks for."""
    wire: Any = spec.tables["wire"]
    lengths = spec.varied("N")
    if lengths is None:
        return {wire.N: wire.N}
    distinct = np.unique(lengths.values)
    return padded_sizes(distinct.tolist(), grid.solve_axes.size // len(distinct))


def along_the_wire(variables: Iterable[StoredVariable], sites: int) -> tuple[Axis, ...]:
    """The axes along a wire of `sites` sites that some of the variables need."""
    axes = (
        Axis("site", np.arange(1, sites + 1), "1", "site", "l"),
        Axis("node", np.arange(1, sites + 1), "1", "node", "l"),
        Axis("bond", np.arange(1, sites), "1", "bond from site l to l + 1", "l"),
    )
    needed = {dim for v in variables for dim in v.dims}
    return tuple(axis for axis in axes if axis.name in needed)


def layout_tables(wire: Any, lengths: list[int], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Reservoirs along wires of several lengths, one column per length.

    Args:
        wire: a [wire] table with layout, its sites and strengths.
        lengths: values of N.
        size: entries along a wire, at least the longest N.

    Returns:
        occupied, bool, and strength in I_g, both of shape (size, len(lengths)).
    """
    occupied = np.zeros((size, len(lengths)), bool)
    strength = np.zeros((size, len(lengths)))
    for column, N in enumerate(lengths):
        layout = layouts.make(wire.layout, N, **sites_of(wire))
        occupied[:N, column] = layout.occupied()
        strength[:N, column] = layout.strength(wire.strengths)
    return occupied, strength


def table_bytes(sizes: dict[int, int]) -> int:
    """Memory of `layout_tables` for the padded size that takes most, on the host and on the device.

    Raises:
        InputError: more than `MOST_TABLE_BYTES`.
    """
    needed = 2 * 9 * max(size * len(of_size(sizes, size)) for size in set(sizes.values()))
    if needed > MOST_TABLE_BYTES:
        raise InputError(
            f"grid.N: {len(sizes):,} lengths up to {max(sizes):,} sites take {needed / 1e9:.1f} GB for their "
            f"layouts alone, more than {MOST_TABLE_BYTES / 1e9:.0f} GB; use fewer lengths at once"
        )
    return needed


def of_size(sizes: dict[int, int], size: int) -> list[int]:
    """The lengths that are padded to `size`, in order."""
    return sorted(N for N, padded in sizes.items() if padded == size)


def fixed_numbers(spec: Spec, tables: Iterable[str]) -> dict[str, Any]:
    """Every number of these tables that is given and not swept, by its key."""
    swept = spec.swept
    return {
        key: np.asarray(value, float)
        for table in tables
        for key, value in spec.tables[table].model_dump().items()
        if isinstance(value, int | float | list)
        and not is_patterned(value)
        and key not in swept
        and key not in NOT_NUMBERS
    }


def patterned(
    wire: Any, names: Mapping[str, int], lengths: list[int], size: int, varied: Collection[str] = ()
) -> tuple[dict[str, np.ndarray], dict[str, Pattern]]:
    """Numbers along wires of several lengths, for the keys of a [wire] table that hold patterns.

    Args:
        wire: a [wire] table.
        names: keys, and how many numbers fewer than sites each has: 1 for bonds.
        lengths: values of N.
        size: entries along a wire, at least the longest N.
        varied: parameters that differ from point to point.

    Returns:
        Arrays (size,), or (size, len(lengths)) of a pattern whose numbers depend on the length; one less of
        bonds. And the patterns that points have to evaluate, since some of their numbers are varied.
    """
    out, of_points = {}, {}
    for name, fewer in names.items():
        if not is_patterned(value := getattr(wire, name)):
            continue
        pattern, index = pattern_of(name, value, of_bonds=fewer == 1), np.arange(size - fewer)
        if any(path in varied for path in numbers_of(name, pattern)):
            from jaxtransport.patterns.traced import traceable  # JAX is loaded: computing starts

            of_points[name] = traceable(pattern)
            continue
        along = [pattern.along(index, N - fewer) for N in (lengths if pattern.of_length else lengths[:1])]
        out[name] = np.stack(along, 1).astype(float) if pattern.of_length else np.asarray(along[0], float)
    return out, of_points


def plain_task(
    spec: Spec,
    known: Mapping[str, StoredVariable],
    sizes: dict[int, int],
    evaluate: Callable[..., Mapping[str, Any]],
    shared: Callable[..., Any],
) -> Task:
    """A task that computes every point separately, without free axes or later stages.

    Args:
        spec: the spec.
        known: the variables of its model.
        sizes: array size of every length.
        evaluate: (point, free, shared, names=...) -> variables.
        shared: (spec, sizes, size) -> what all points of a size share.
    """
    variables = tuple(known[name] for name in spec.variables)
    return Task(
        grid=spec.grid(),
        variables=variables,
        evaluate=partial(evaluate, names=spec.variables),
        shared=partial(shared, spec, sizes),
        shared_bytes=table_bytes(sizes),
        extra=along_the_wire(variables, max(sizes)),
        size_axis=None if spec.varied("N") is None else "N",
        sizes=sizes,
        size=max(sizes.values()),
    )


# Keys that say where reservoirs are: `layout_tables` has read them.
NOT_NUMBERS = frozenset({"N", "spacing", *layouts.ROLES, "positions", "strengths"})
