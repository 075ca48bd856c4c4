"""Parameters that vary over a grid, from [grid] and [derive] of a sweep file.

[grid]
gamma = [0.1, 0.2, 0.3]                          an axis
"mu_bar, delta_mu" = [[0.0, 0.1], [1.0, 0.2]]    one axis, mu_bar; delta_mu is a column along it
[derive]
injection = "0.1 * delta_mu"                     a column along the axes that it is computed from
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxtransport.arguments import show
from jaxtransport.hints import meant
from jaxtransport.parameters import Parameter
from jaxtransport.spec.derive import derived
from jaxtransport.spec.tables import TOP, Mistakes, Table, axes_of
from jaxtransport.spec.values import axis_of, one_of
from jaxtransport.sweep.grid import Axis, Column


class Varied(NamedTuple):
    """What varies over a grid, and where the file says so."""

    axes: tuple[Axis, ...]
    columns: tuple[Column, ...]
    keys: Mapping[str, str]  # name -> key of the file, such as grid.gamma or derive.gamma; also of wrong ones


def keys_of(raw: Mapping[str, Any]) -> dict[str, str]:
    """Every name in [grid] and [derive], with the key that has it."""
    tables = {name: raw.get(name) for name in ("grid", "derive")}
    held = {name: table if isinstance(table, Mapping) else {} for name, table in tables.items()}
    named = {name: f"grid.{key}" for key in held["grid"] for name in names_in(str(key))}
    return {key: f"derive.{key}" for key in held["derive"]} | named


def names_in(key: str) -> list[str]:
    """The parameters of a key of [grid]: several, separated by commas, vary together."""
    return [name.strip() for name in key.split(",")]


def unvary(tables: Mapping[str, Any], name: str) -> None:
    """Let a parameter no longer vary as it did, since it was set: take it out of [grid] and [derive]."""
    without_formulas(tables, [name])
    grid = tables.get("grid")
    if not isinstance(grid, dict):
        return
    found = [key for key in grid if name in names_in(key)]
    for key in found:
        after = list(grid)[list(grid).index(key) + 1 :]
        names, rows = names_in(key), grid.pop(key)
        left = [i for i, other in enumerate(names) if other != name]
        if not left or not isinstance(rows, list):
            continue
        grid[", ".join(names[i] for i in left)] = _without(rows, left, len(names))
        for later in after:  # the order of the axes stays
            grid[later] = grid.pop(later)


def without_formulas(tables: Mapping[str, Any], names: Collection[str]) -> None:
    """Take parameters out of [derive]."""
    formulas = tables.get("derive")
    if isinstance(formulas, dict):
        for name in names:
            formulas.pop(name, None)


def _without(rows: list[Any], left: list[int], length: int) -> list[Any]:
    """Rows with only the entries that are `left`, each once. What is no row stays, to be reported."""
    kept: list[Any] = []
    for row in rows:
        whole = isinstance(row, list) and len(row) == length
        one = row if not whole else row[left[0]] if len(left) == 1 else [row[i] for i in left]
        if one not in kept:
            kept.append(one)
    return kept


def read_varied(
    raw: Mapping[str, Any],
    parameters: Mapping[str, Parameter],
    tables: Mapping[str, Table],
    mistakes: Mistakes,
) -> Varied:
    """Read [grid] and [derive]; wrong keys are noted and left out.

    Args:
        parameters: of the model, with the numbers of its patterns.
        tables: as read, for the numbers that formulas take from them.
    """
    axes, columns = _grid(raw.get("grid", {}), parameters, mistakes)
    over = getattr(tables.get("search"), "over", None) or ()
    varied = axes, columns
    columns += derived(raw.get("derive", {}), parameters, tables, varied, keys_of(raw), mistakes, over)
    return Varied(axes, columns, keys_of(raw))


def _grid(
    raw: Any, parameters: Mapping[str, Parameter], mistakes: Mistakes
) -> tuple[tuple[Axis, ...], tuple[Column, ...]]:
    known = {row.name: row for row in axes_of(parameters)}
    if not isinstance(raw, dict):
        mistakes.add("grid", f"expected a table [grid], got {show(raw)}")
        return (), ()
    axes: list[Axis] = []
    columns: list[Column] = []
    homes: dict[str, str] = {}
    for key, value in raw.items():
        names = names_in(key)
        if not all(_is_axis(name, key, value, known, mistakes) for name in names):
            continue
        if twice := [name for name in names if name in homes or names.count(name) > 1]:
            where = f"also in grid.{homes[twice[0]]}" if twice[0] in homes else "named twice"
            mistakes.add(f"grid.{key}", f"{twice[0]} is {where}; keep one of the two")
            continue
        homes |= {name: str(key) for name in names}
        rows = [known[name] for name in names]
        try:
            values = [axis_of(rows[0])(value)] if len(names) == 1 else _zipped(rows, value)
        except ValueError as error:
            mistakes.add(f"grid.{key}", str(error))
            continue
        labels = [(row.unit, row.long_name, row.symbol) for row in rows]
        axes.append(Axis(names[0], values[0], *labels[0]))
        more = zip(names[1:], values[1:], labels[1:], strict=True)
        columns += [Column(name, numbers, *label, (names[0],)) for name, numbers, label in more]
    return tuple(axes), tuple(columns)


def _is_axis(name: str, key: str, value: Any, known: Mapping[str, Parameter], mistakes: Mistakes) -> bool:
    """Whether a name is that of a parameter that may be an axis; notes it if not."""
    if not name and key.strip():
        mistakes.add(f"grid.{key}", 'a name is missing beside a comma; expected such as "gamma, mu_bar"')
        return False
    if name not in known:
        belongs = "it belongs at the top of the file, above the first [table]"
        said = belongs if name in TOP else meant(name, known)
        which = f"{name!r} " if name != key else ""
        mistakes.add(f"grid.{key}", f"{which}cannot be an axis; {said}")
        return False
    dotted = (
        [f"{name}.{inner}" for inner in value if f"{name}.{inner}" in known]
        if isinstance(value, dict)
        else []
    )
    if dotted:
        mistakes.add(f"grid.{key}", f'put a name with a dot in quotes: "{dotted[0]}" = ...')
    return not dotted


def _zipped(rows: list[Parameter], value: Any) -> list[np.ndarray]:
    """The values of parameters that vary together: one list of numbers for each."""
    names = ", ".join(row.name for row in rows)
    if not isinstance(value, list) or not value:
        raise ValueError(f"expected a list of rows, each with one value for {names}, got {show(value)}")
    read = []
    for i, numbers in enumerate(value, 1):
        if not isinstance(numbers, list) or len(numbers) != len(rows):
            raise ValueError(f"row {i}: expected {len(rows)} values, for {names}, got {show(numbers)}")
        entries = []
        for row, number in zip(rows, numbers, strict=True):
            try:
                entries.append(one_of(row)(number))
            except ValueError as error:
                raise ValueError(f"row {i}, {row.name}: {error}") from None
        read.append(entries)
    first = [entries[0] for entries in read]
    if len(set(first)) < len(first):
        twice = next(number for number in first if first.count(number) > 1)
        raise ValueError(
            f"duplicate value {twice:g} of {rows[0].name}, which names the axis; put a parameter first whose "
            "values differ"
        )
    kinds = [int if row.integer else float for row in rows]
    return [np.array(numbers, kind) for numbers, kind in zip(zip(*read, strict=True), kinds, strict=True)]
