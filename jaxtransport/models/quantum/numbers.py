"""The numbers of the patterns that a [wire] table holds: parameters beside those that every wire has."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxtransport.coordinates import coordinate, window
from jaxtransport.parameters import QUANTUM, Parameter
from jaxtransport.patterns import Pattern, is_patterned, paths, pattern_of

PATTERNED = ("onsite", "hopping")  # keys that may hold patterns


def patterns_of(wire: Any) -> dict[str, Pattern]:
    """The patterns of a [wire] table, by their keys."""
    values = {name: getattr(wire, name) for name in PATTERNED}
    return {name: pattern_of(name, value) for name, value in values.items() if is_patterned(value)}


def numbers_of_patterns(wire: Any) -> dict[str, Parameter]:
    """The numbers of the patterns of a [wire] table, as parameters."""
    out: dict[str, Parameter] = {}
    for name, pattern in patterns_of(wire).items():
        out |= paths.rows(QUANTUM[name], pattern)
    return out


def values_within(wire: Any, path: str, bounds: Any) -> np.ndarray:
    """Values of a searched number that stand for its window where the wire is checked.

    Raises:
        InputError: the wire has no such number, it is a whole number, or may not be what the window holds.
    """
    low, high = window(coordinate(path, built=numbers_of_patterns(wire)), bounds)
    key = key_of(path)
    return paths.within(key, patterns_of(wire)[key], path, low, high)


def key_of(path: str) -> str:
    """The key of [wire] whose pattern has a number."""
    return path.partition(".")[0]
