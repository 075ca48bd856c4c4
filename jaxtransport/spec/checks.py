"""Checks of a sweep file that involve several keys, shared by all models.

They skip keys that are already known to be wrong, so that one reading of the file finds every mistake
once.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from jaxtransport import layout as layouts
from jaxtransport.errors import InputError
from jaxtransport.hints import meant
from jaxtransport.parameters import Parameter
from jaxtransport.spec.axes import Varied
from jaxtransport.spec.tables import Mistakes
from jaxtransport.spec.values import reworded
from jaxtransport.sweep.grid import Column, Grid
from jaxtransport.text import count
from jaxtransport.variables import Variable, per_point

STORED_ANYWAY = ("status",)  # besides the variables that are asked for
SITES_OF_LAYOUT = {"spaced": ["spacing"], "probes": ["spacing"], "custom": list(layouts.ROLES)}


def sites_of(wire: Any) -> dict[str, Any]:
    """Arguments of `layout.make` beyond the name and N, from a [wire] table."""
    keys = SITES_OF_LAYOUT.get(wire.layout, [])
    given = getattr(wire, "occupations", None)
    more = {} if given is None else {"occupations": given}
    if keys == ["spacing"]:
        return more if wire.spacing is None else {"spacing": wire.spacing} | more
    return {key: getattr(wire, key, None) or () for key in keys} | more


def lengths_of(wire: Any, low: int, high: int) -> list[int]:
    """Every N from `low` to `high` at which the layout of a [wire] table makes a wire."""
    out = []
    for N in range(low, high + 1):
        with contextlib.suppress(InputError, TypeError, KeyError):  # reported elsewhere
            layouts.check(wire.layout, N, **sites_of(wire))
            out.append(N)
    return out


class Checks:
    """Checks that involve more than one key. A model adds its own."""

    parameters: Mapping[str, Parameter]  # of the model
    known: Mapping[str, Variable]  # variables that may be stored

    def __init__(self, tables: dict[str, Any], varied: Varied, mistakes: Mistakes) -> None:
        self.tables = tables
        self.wire, self.drive, self.output = tables["wire"], tables["drive"], tables["output"]
        self.grid = Grid(varied.axes, columns=varied.columns)
        self.axes = {a.name: a.values for a in varied.axes}
        self.axes |= {c.name: np.unique(c.values) for c in varied.columns}
        self.keys = dict(varied.keys)
        self.swept = set(varied.keys)
        self.searched: dict[str, list[float]] = {}
        self.mistakes = mistakes

    def search(self, over: Mapping[str, list[float]]) -> None:
        """Treat searched parameters as axes: the ends of their windows, or all lengths that allow a wire."""
        for name in over:
            if name in self.swept:
                self.mistakes.add(self.keys[name], "this parameter is also searched; keep one of the two")
        self.searched = {name: bounds for name, bounds in over.items() if name not in self.swept}
        self.swept |= set(self.searched)
        self.axes |= {name: np.array(bounds) for name, bounds in self.searched.items()}
        if "N" in self.searched:
            low, high = (int(bound) for bound in self.searched["N"])
            self.axes["N"] = np.array(lengths_of(self.wire, low, high) or [low])  # none: report `low`

    def key(self, name: str) -> str:
        """Key that sets a parameter: grid.N if swept, wire.N otherwise."""
        if name in self.searched:
            return "search.over"
        return self.keys.get(name, f"{self.table_of(name)}.{name}")

    def table_of(self, name: str) -> str:
        """The table that holds a key when it is not swept: [wire] if it is not a parameter."""
        return self.parameters[name].table if name in self.parameters else "wire"

    def value(self, name: str) -> Any:
        """Value of a parameter in its table."""
        return getattr(self.tables[self.table_of(name)], name)

    def values(self, name: str) -> np.ndarray | None:
        """All values that a scalar parameter takes; None if it is missing or wrong."""
        if name in self.swept:
            return self.axes.get(name)
        if not self.mistakes.clean(self.key(name)):
            return None
        value = self.value(name)
        return None if value is None else np.atleast_1d(value)

    def together(self, *names: str) -> list[np.ndarray] | None:
        """The values that parameters take together; None if one of them is missing or wrong."""
        each = {name: values for name in names if (values := self.values(name)) is not None}
        if len(each) < len(names):
            return None
        found = [one for name in names if (one := self.grid.varied(name)) is not None]
        dims = {dim for name in names for dim in self.dims(name)}
        axes = tuple(axis for axis in self.grid.axes if axis.name in dims)
        points = Grid(axes, columns=tuple(one for one in found if isinstance(one, Column)))
        at = points.points(np.arange(points.size))
        return [at[name] if name in at else np.full(points.size, each[name].flat[0]) for name in names]

    def dims(self, name: str) -> tuple[str, ...]:
        """The axes along which a parameter varies."""
        one = self.grid.varied(name)
        return one.along if isinstance(one, Column) else () if one is None else (name,)

    def sampled(self, names: Collection[str], most: int) -> dict[str, np.ndarray]:
        """Values that swept or searched parameters take together, at some of the points where they do.

        The least and the largest value of each are among them.

        Args:
            most: points, besides those of the least and the largest.

        Returns:
            Arrays of one shape; without a dimension if nothing varies.
        """
        columns = [one for one in self.grid.columns if one.name in names]
        zipped = {dim for one in columns for dim in one.along}
        followed = [axis for axis in self.grid.axes if axis.name in zipped]
        alone = {*names} - zipped - {one.name for one in columns}
        axes = {axis.name: axis.values for axis in followed} | {n: self.axes[n] for n in names if n in alone}
        places = _spread_over({name: len(values) for name, values in axes.items()}, most)
        for one in (*followed, *columns):
            for flat in (one.values.argmin(), one.values.argmax()):
                at_it = np.unravel_index(flat, one.values.shape)
                extreme = dict(zip(self.dims(one.name), at_it, strict=True))
                places = {name: np.append(i, extreme.get(name, 0)) for name, i in places.items()}
        at = {name: axes[name][i] for name, i in places.items() if name in names}
        at |= {one.name: one.values[tuple(places[dim] for dim in one.along)] for one in columns}
        return dict(zip(at, np.broadcast_arrays(*at.values()), strict=True))

    def add(self, name: str, message: str) -> None:
        self.mistakes.add(self.key(name), message)

    def require(self, missing: Mapping[str, str]) -> None:
        """Note every parameter of `missing` (name -> what it is) that is not given."""
        for name, what in missing.items():
            if self.values(name) is None and self.mistakes.clean(self.key(name)):
                self.add(name, f"missing; expected {what}")

    def given(self, name: str) -> bool:
        """True if a parameter is swept or in its table, whether valid or not."""
        spoilt = not self.mistakes.clean(f"{self.table_of(name)}.{name}", self.key(name))
        return name in self.swept or spoilt or self.value(name) is not None

    def keys_of_layout(self, own: Mapping[str, Collection[str]] = SITES_OF_LAYOUT) -> None:
        """Check that keys of one layout are not used with another."""
        name = self.wire.layout
        if name is None:
            return
        for key in dict.fromkeys(key for keys in own.values() for key in keys):
            homes = [layout for layout, keys in own.items() if key in keys]
            if name not in homes and getattr(self.wire, key, None) is not None:
                needs = " or ".join(f'"{layout}"' for layout in homes)
                self.add(key, f'requires layout = {needs}, not "{name}"; remove one of the two')
        if (
            name == "spaced"
            and self.wire.spacing is None
            and self.mistakes.clean("wire.spacing", "grid.spacing")
        ):
            self.add("spacing", "missing; expected the number of sites from terminal to terminal")

    def first_layout(self) -> layouts.Layout | None:
        """The layout at the first N, all others checked; None if a key they need is wrong."""
        lengths = self.values("N")
        needs = [*SITES_OF_LAYOUT.get(self.wire.layout, []), "occupations"]
        if (
            self.wire.layout is None
            or lengths is None
            or not self.mistakes.clean(*(f"{table}.{key}" for key in needs for table in ("wire", "grid")))
        ):
            return None
        sites = sites_of(self.wire)
        wrong = []
        for N in lengths:
            try:
                layouts.check(self.wire.layout, int(N), **sites)
            except InputError as error:
                wrong.append((int(N), error.mistakes))
        for (key, _), (message, found_at) in _by_mistake(wrong).items():
            others = len(found_at) - 1
            more = f"; the same at {count(others, 'other value')} of N" if others else ""
            held, _, entry = key.partition("[")
            more = f"{entry.rstrip(']')}: {message}{more}" if entry else message + more
            self.add(held if held in sites else "N", more)
        return None if wrong else layouts.make(self.wire.layout, int(lengths[0]), **sites)

    def strengths(self, found: layouts.Layout | None) -> None:
        """Check that there is one strength for every source and drain, and a single length."""
        if self.wire.strengths is None or found is None:
            return
        if "N" in self.swept:
            self.mistakes.add(
                "wire.strengths", "a list per terminal cannot be combined with an N axis; remove it"
            )
            return
        try:
            found.strength(self.wire.strengths)
        except InputError as error:
            self.add("strengths", reworded(error.mistakes[0], "strengths"))

    def variables(self, known: Mapping[str, Any], others: Mapping[str, str] | None = None) -> None:
        """Check that every requested variable is known and listed once; status and axes are allowed too.

        Args:
            known: those of the spec.
            others: what those need that other specs have.
        """
        self.known = known
        names = self.output.variables
        if names is None:
            return
        if not names:
            self.mistakes.add("output.variables", f"expected some of {', '.join(known)}, got an empty list")
        for name in dict.fromkeys(names):
            if name not in (*STORED_ANYWAY, *known, *self.swept):
                needs = f"{name!r} requires {others[name]}" if others and name in others else ""
                said = needs or f"unknown variable {name!r}; {meant(name, known)}"
                self.mistakes.add("output.variables", said)
            if names.count(name) > 1:
                self.mistakes.add("output.variables", f"duplicate variable {name!r}")

    def average(self) -> None:
        """Check which axes are averaged, and that what ends it is among the variables."""
        table = self.tables["average"]
        if table.over is None:
            return
        if getattr(self.tables.get("search"), "over", None) is not None:
            self.mistakes.add("average", "cannot be combined with [search]; remove one of the two")
        names = [axis.name for axis in self.grid.axes]
        for name in table.over:
            column = next((one for one in self.grid.columns if one.name == name), None)
            if table.over.count(name) > 1:
                self.mistakes.add("average.over", f"duplicate {name!r}")
            elif column is not None:
                along = " and ".join(column.along)
                self.mistakes.add("average.over", f"{name} varies along {along or 'no axis'}; name the axis")
            elif name not in names and name not in self.keys:
                known = meant(name, names) if names else "there is no axis in [grid]"
                self.mistakes.add("average.over", f"{name!r} is no axis; {known}")
        if table.quantiles is not None and "quantiles" not in (table.statistics or ()):
            self.mistakes.add("average.quantiles", 'require "quantiles" among the statistics; add it')
        self.until(table.until)

    def until(self, until: Mapping[str, Any] | None) -> None:
        """Check that the error that ends an average is that of a stored number."""
        of = None if until is None else until["of"]
        stored = self.output.variables
        if of is None or not self.mistakes.clean("output.variables"):
            return
        if of not in self.known:
            self.mistakes.add("average.until", f"of: unknown variable {of!r}; {meant(of, self.known)}")
        elif self.known[of].dims:
            self.mistakes.add("average.until", f"of: {of} is not one number a point")
        elif stored is not None and of not in stored:
            self.mistakes.add("average.until", f"of: {of} is not among output.variables; add it there")
        elif stored is None and self.known[of].by_name:
            self.mistakes.add("average.until", f"of: {of} is stored only if output.variables names it")

    def wanted(self, known: Mapping[str, Variable]) -> tuple[str, ...]:
        """Variables to store besides status and axes: those requested, or all with one number per point."""
        if self.output.variables is None:
            return per_point(known)
        return tuple(v for v in self.output.variables if v not in (*STORED_ANYWAY, *self.swept))


def _spread_over(sizes: Mapping[str, int], most: int) -> dict[str, np.ndarray]:
    """Places along each axis of at most `most` points, spread evenly from the first to the last of a grid."""
    size = math.prod(sizes.values())
    count = min(size, most)
    flat = [i * (size - 1) // max(count - 1, 1) for i in range(count)]  # of any size
    out = {}
    for name, length in reversed(list(sizes.items())):
        out[name] = np.array([i % length for i in flat], int)
        flat = [i // length for i in flat]
    return out


def _by_mistake(wrong: Sequence[tuple[int, Sequence[str]]]) -> dict[tuple[str, str], tuple[str, set[int]]]:
    """(key, kind of mistake) -> what is said of it at the first N that has it, and all N that have it."""
    found: dict[tuple[str, str], tuple[str, set[int]]] = {}
    for N, mistakes in wrong:
        for mistake in mistakes:
            key = re.split(" = |: ", mistake)[0]  # "N = 7: ...", "spacing = 3: ...", "sources: ..."
            said = reworded(mistake, key)
            kind = "" if key in ("N", "spacing") else said.partition(";")[0]  # it names a site
            found.setdefault((key, kind), (said, set()))[1].add(N)
    return found
