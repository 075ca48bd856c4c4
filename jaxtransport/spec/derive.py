"""[derive] of a sweep file: parameters that are computed from others, by formulas (see `expressions`).

[derive]
injection = "0.1 * delta_mu"
gamma     = "0.5 / sqrt(N)"

A formula names axes, what varies along them, fixed numbers of the tables, and other derived parameters. Its
value is a column along all axes that it depends on.
"""

from __future__ import annotations

import contextlib
import graphlib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxtransport.arguments import show
from jaxtransport.hints import meant
from jaxtransport.parameters import Parameter
from jaxtransport.patterns import is_patterned, paths, pattern_of
from jaxtransport.spec.expressions import Expression, parse
from jaxtransport.spec.tables import Mistakes, Table, axes_of
from jaxtransport.spec.values import one_of
from jaxtransport.sweep.grid import Axis, Column

MOST_NUMBERS = 10**7  # of one derived parameter
ROUNDING = 1e-9  # of a whole number that a formula gives


def derived(
    raw: Any,
    parameters: Mapping[str, Parameter],
    tables: Mapping[str, Table],
    varied: tuple[tuple[Axis, ...], tuple[Column, ...]],
    keys: Mapping[str, str],
    mistakes: Mistakes,
    searched: Collection[str] = (),
) -> tuple[Column, ...]:
    """The columns of [derive]; wrong formulas are noted and left out.

    Args:
        varied: axes and columns of [grid].
        keys: name -> key of the file, of everything in [grid] and [derive].
        searched: parameters that a search varies, which no formula may name.
    """
    if not isinstance(raw, dict):
        mistakes.add("derive", f"expected a table [derive], got {show(raw)}")
        return ()
    known = {row.name: row for row in axes_of(parameters)}
    formulas: dict[str, Expression] = {}
    for name, text in raw.items():
        try:
            formulas[name] = _formula(name, text, known, keys)
        except ValueError as error:
            mistakes.add(f"derive.{name}", str(error))
    axes, columns = varied
    found = _Columns(parameters, tables, axes, columns, keys, mistakes, searched)
    wrong = found.compute(formulas)
    for name in formulas:
        if name in wrong:
            mistakes.add(f"derive.{name}", wrong[name])
    return tuple(found.columns[name] for name in formulas if name in found.columns)


def _formula(name: str, text: Any, known: Mapping[str, Parameter], keys: Mapping[str, str]) -> Expression:
    if isinstance(text, dict) and (dotted := [path for key in text if (path := f"{name}.{key}") in known]):
        raise ValueError(f'put a name with a dot in quotes: "{dotted[0]}" = ...')
    if name not in known:
        raise ValueError(f"cannot be derived; {meant(name, known)}")
    if keys.get(name, "").startswith("grid."):
        raise ValueError(f"is also in {keys[name]}; keep one of the two")
    if not isinstance(text, str):
        raise ValueError(f'expected a formula in quotes, such as "0.1 * delta_mu", got {show(text)}')
    return parse(text)


@dataclass
class _Columns:
    """Columns as they are computed, each once."""

    parameters: Mapping[str, Parameter]
    tables: Mapping[str, Table]
    axes: tuple[Axis, ...]
    given: tuple[Column, ...]
    keys: Mapping[str, str]
    mistakes: Mistakes
    searched: Collection[str]

    def __post_init__(self) -> None:
        self.columns: dict[str, Column] = {}

    def compute(self, formulas: Mapping[str, Expression]) -> dict[str, str]:
        """Compute every formula behind those that it names; what is wrong with some of them, by name."""
        needs = {name: [used for used in one.names if used in formulas] for name, one in formulas.items()}
        wrong: dict[str, str] = {}
        order = graphlib.TopologicalSorter(needs)
        with contextlib.suppress(graphlib.CycleError):  # formulas that are in no ring come nevertheless
            order.prepare()
        while ready := order.get_ready():
            for name in ready:
                try:
                    self.columns[name] = self._computed(name, formulas[name])
                except ValueError as error:
                    wrong[name] = str(error)
            order.done(*ready)
        for name in formulas.keys() - self.columns.keys() - wrong.keys():
            ring = _ring(name, needs)
            behind = next((used for used in needs[name] if used not in self.columns), "")
            itself = f"is computed from itself ({' -> '.join(ring)})"
            wrong[name] = itself if ring else self._spoilt(behind)
        return wrong

    def _spoilt(self, name: str) -> str:
        return f"{name} is wrong in {self.keys[name]}"

    def _computed(self, name: str, formula: Expression) -> Column:
        found = {used: self._named(used) for used in formula.names}
        needed = {dim for dims, _ in found.values() for dim in dims}
        axes = [axis for axis in self.axes if axis.name in needed]
        along = tuple(axis.name for axis in axes)
        shape = tuple(len(axis.values) for axis in axes)
        if (count := math.prod(shape)) > MOST_NUMBERS:
            raise ValueError(
                f"expected at most {MOST_NUMBERS:,} values along {', '.join(along)}, got {count:,}"
            )
        numbers = {used: _spread(values, dims, along) for used, (dims, values) in found.items()}
        values = np.broadcast_to(formula.value(numbers), shape)
        row = self.parameters[name]
        checked = _checked(row, np.array(values, float), axes)
        return Column(name, checked, row.unit, row.long_name, row.symbol, along, formula.canonical)

    def _named(self, name: str) -> tuple[tuple[str, ...], np.ndarray]:
        """The axes along which a parameter varies, and its values; of a fixed one no axes and one value."""
        if name in self.searched:
            raise ValueError(f"{name} is searched, which formulas cannot follow; use a number or an axis")
        for axis in self.axes:
            if axis.name == name:
                return (name,), axis.values
        for column in self.given:
            if column.name == name:
                return column.along, column.values
        if name in self.columns:
            return self.columns[name].along, self.columns[name].values
        if name in self.keys:
            raise ValueError(self._spoilt(name))
        known = [row.name for row in axes_of(self.parameters)]
        if name not in known:
            raise ValueError(f"unknown name {name!r}; {meant(name, known)}")
        return (), np.array(self._fixed(name))

    def _fixed(self, name: str) -> float:
        """A fixed parameter that is one number."""
        row = self.parameters[name]
        base = name.partition(".")[0]
        value = getattr(self.tables[row.table], base, None)
        if not self.mistakes.clean(f"{row.table}.{base}"):
            raise ValueError(f"{name} is wrong in {row.table}.{base}")
        if is_patterned(value):
            value = paths.numbers_of(base, pattern_of(base, value)).get(name, value)
        if isinstance(value, list) and len(set(map(str, value))) == 1:
            value = value[0]
        if value is None:
            raise ValueError(f"{name} has no value; set {row.table}.{base}, or make it an axis")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name} is not one number, but {show(value)}")
        return float(value)


def _ring(name: str, needs: Mapping[str, Collection[str]]) -> list[str]:
    """The shortest way from a formula back to itself, along those that it is computed from; [] if none."""
    paths = [[name]]
    seen: set[str] = set()
    for path in paths:
        for used in needs[path[-1]]:
            if used == name:
                return [*path, name]
            if used not in seen:
                seen.add(used)
                paths.append([*path, used])
    return []


def _spread(values: np.ndarray, dims: tuple[str, ...], along: tuple[str, ...]) -> np.ndarray:
    """Values along `dims`, of length 1 along the others of `along`. Both are in the order of the grid."""
    return values.reshape(tuple(values.shape[dims.index(dim)] if dim in dims else 1 for dim in along))


def _checked(row: Parameter, values: np.ndarray, axes: list[Axis]) -> np.ndarray:
    """The values of a derived parameter; raises ValueError, with the place, if one is not allowed."""
    if row.integer:
        whole = np.rint(values)
        with np.errstate(invalid="ignore"):  # inf - inf
            wrong = ~(np.abs(values - whole) <= ROUNDING * np.maximum(1, np.abs(whole)))
        values = np.where(wrong, values, whole)
    else:
        wrong = ~np.isfinite(values)
    read = one_of(row)
    distinct, first = np.unique(values, return_index=True)
    if wrong.any():
        distinct, first = np.array([values[wrong][0]]), np.flatnonzero(wrong)[:1]
    for value, place in zip(distinct, first, strict=True):
        try:
            read(int(value) if row.integer and float(value).is_integer() else float(value))
        except ValueError as error:
            index = np.unravel_index(place, values.shape)
            at = ", ".join(f"{axis.name} = {axis.values[i]:g}" for axis, i in zip(axes, index, strict=True))
            raise ValueError(f"{error}{f' at {at}' if at else ''}") from None
    return values.astype(int) if row.integer else values + 0.0  # -0.0 is 0.0
