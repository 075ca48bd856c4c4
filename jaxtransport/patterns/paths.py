"""The numbers of a pattern by their paths, which name axes of a grid and parameters of a search.

onsite  = { pattern = "disorder", width = 1.0, seed = 7 }         onsite.width, onsite.seed
hopping = { pattern = "alternating", values = [1.0, 0.5] }        hopping.values[1], hopping.values[2]
onsite  = [{ ... }, { pattern = "disorder", ... }]                onsite.2.seed

Searches vary them, too, but for whole numbers.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from jaxtransport.arguments import REAL, is_list, is_traced, number, whole
from jaxtransport.errors import InputError
from jaxtransport.parameters import Parameter, Scan
from jaxtransport.patterns import PATTERNS, Sum
from jaxtransport.patterns.pattern import Pattern

WITHIN = 33  # values of a window that are checked, of a number that the wire is no linear function of


def rows(of: Parameter, pattern: Pattern) -> dict[str, Parameter]:
    """The parameter that each number of a pattern is, by its path.

    Args:
        of: the parameter that has the pattern: on-site energies or hoppings.
    """
    out = {}
    for prefix, part in _parts(of.name, pattern):
        for key, kind in part.numbers.items():
            own = REAL if isinstance(pattern, Sum) else of.domain
            row = Parameter(
                f"{prefix}.{key}",
                kind.unit or of.unit,
                f"{kind.long_name}, {of.long_name}",
                kind.symbol or of.symbol,
                kind.domain or own,
                of.table,
                integer=kind.integer,
                scan=None if kind.integer else Scan.PLAIN,
            )
            for i in range(1, len(getattr(part, key)) + 1) if kind.listed else ():
                symbol = f"{row.symbol}_{{{i}}}"
                name, long_name = f"{row.name}[{i}]", f"{kind.long_name} {i}, {of.long_name}"
                out[name] = dataclasses.replace(row, name=name, long_name=long_name, symbol=symbol)
            if not kind.listed:
                out[row.name] = row
    return out


def numbers_of(name: str, pattern: Pattern) -> dict[str, Any]:
    """The numbers of a pattern by their paths."""
    out: dict[str, Any] = {}
    for prefix, part in _parts(name, pattern):
        for key, kind in part.numbers.items():
            value = getattr(part, key)
            if kind.listed:
                out |= {f"{prefix}.{key}[{i}]": entry for i, entry in enumerate(value, 1)}
            else:
                out[f"{prefix}.{key}"] = value
    return out


def check_numbers(of: Parameter, pattern: Pattern) -> None:
    """Raise `InputError` for numbers that a pattern may not have. Traced ones are not looked at."""
    values = numbers_of(of.name, pattern)
    for path, row in rows(of, pattern).items():
        if row.domain is of.domain and not isinstance(pattern, Sum):
            continue  # a value along the wire, and checked there
        if row.integer and not is_traced(values[path]):
            whole(path, values[path], int(row.domain.low), int(row.domain.high))
        else:
            number(path, values[path], row.domain)
    for prefix, part in _parts(of.name, pattern):
        if mistakes := [] if any(map(is_traced, vars(part).values())) else part.mistakes():
            raise InputError([f"{prefix}.{mistake}" for mistake in mistakes])


def replaced(name: str, pattern: Pattern, given: Mapping[str, Any]) -> Pattern:
    """A pattern with the numbers that `given` has for some of its paths."""
    parts = [_with(prefix, part, given) for prefix, part in _parts(name, pattern)]
    return Sum(tuple(parts)) if isinstance(pattern, Sum) else parts[0]


def within(name: str, pattern: Pattern, path: str, low: float, high: float) -> np.ndarray:
    """Values of a number in a window, at one of which the pattern is lowest, or nearly so."""
    for prefix, part in _parts(name, pattern):
        for key, kind in part.numbers.items():
            if kind.bends and path == f"{prefix}.{key}":
                return np.linspace(low, high, WITHIN)
    return np.array([low, high])  # the least of several linear functions is least at an end


def not_allowed(
    name: str, pattern: Pattern, wires: Iterable[tuple[Mapping[str, Any], int]], *, positive: bool
) -> str:
    """What is wrong with a pattern on some wires, all over a grid where some of its numbers vary; or "".

    Args:
        wires: of each, the numbers that vary by their paths, and the number of sites or bonds.
        positive: whether its numbers along the wire must be > 0. (What is not tried here has status 4.)
    """
    for given, length in wires:
        one = replaced(name, pattern, given)
        at = " and ".join(f"{path} = {number:g}" for path, number in given.items())
        at = f" at {at}" if at else ""
        for prefix, part in _parts(name, one):
            if mistakes := part.mistakes():
                return f"{prefix}.{mistakes[0]}".removeprefix(f"{name}.") + at
        if not positive:
            continue
        lowest = np.min(one.lowest(length))
        if np.isneginf(lowest):
            return 'normal disorder has no lower bound, and hoppings must be > 0; use distribution = "box"'
        if not lowest > 0:
            return f"expected a pattern > 0 on every bond, got one down to {lowest:g}{at}"
    return ""


def with_swept_numbers(
    raw: Mapping[str, Any], names: Iterable[str], varied: Iterable[str]
) -> Mapping[str, Any]:
    """The tables of a sweep file, with some number in place of those of patterns that are `varied`.

    So its table may leave it out, and files of one sweep are alike, whatever it has there.
    """
    wire = raw.get("wire")
    if not isinstance(wire, Mapping):
        return raw
    wire = dict(wire)
    for path in varied:
        match = re.fullmatch(r"(\w+)(?:\.([1-9]\d*))?\.(\w+)(?:\[([1-9]\d*)\])?", path, re.ASCII)
        if match is None or match[1] not in names:
            continue
        name, place, key, entry = match.groups()
        held = wire.get(name)
        if place is None and isinstance(held, Mapping):
            wire[name] = _filled(held, key, entry)
        elif place is not None and isinstance(held, list):
            at = int(place)
            wire[name] = [_filled(one, key, entry) if i == at else one for i, one in enumerate(held, 1)]
    return {**raw, "wire": wire}


def _filled(table: Any, key: str, entry: str | None) -> Any:
    """The table of a pattern with a number that it may have, if there is a place for it."""
    kind = PATTERNS.get(str(table.get("pattern"))) if isinstance(table, Mapping) else None
    number = None if kind is None else kind.numbers.get(key)
    if number is None or number.listed != (entry is not None):
        return table
    if not number.listed:
        return {**table, key: 0 if number.integer else 1.0}
    old: Any = table.get(key)
    if number.integer or not is_list(old):
        return table  # sites of steps, whose order matters
    return {**table, key: [1.0 if i == int(entry or 0) else one for i, one in enumerate(old, 1)]}


def _parts(name: str, pattern: Pattern) -> Iterator[tuple[str, Pattern]]:
    if isinstance(pattern, Sum):
        yield from ((f"{name}.{place}", part) for place, part in enumerate(pattern.parts, 1))
    else:
        yield name, pattern


def _with(prefix: str, part: Pattern, given: Mapping[str, Any]) -> Pattern:
    new: dict[str, Any] = {}
    for key, kind in part.numbers.items():
        path, old = f"{prefix}.{key}", getattr(part, key)
        if kind.listed:
            new[key] = tuple(given.get(f"{path}[{i}]", value) for i, value in enumerate(old, 1))
        else:
            new[key] = given.get(path, old)
    return dataclasses.replace(part, **new)  # type: ignore[type-var]
