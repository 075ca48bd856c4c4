"""Patterns by name, and what a value along a wire stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxtransport.arguments import is_list, wrong
from jaxtransport.errors import InputError
from jaxtransport.hints import meant, named
from jaxtransport.patterns.alternating import Alternating
from jaxtransport.patterns.disorder import Disorder
from jaxtransport.patterns.gradient import Gradient
from jaxtransport.patterns.pattern import Number, Pattern, keys_of
from jaxtransport.patterns.plain import Listed, Sum, Uniform
from jaxtransport.patterns.quasiperiodic import Quasiperiodic
from jaxtransport.patterns.step import Step

PATTERNS: dict[str, type[Pattern]] = {
    kind.name: kind for kind in (Alternating, Quasiperiodic, Disorder, Step, Gradient)
}

__all__ = [
    "PATTERNS",
    "Listed",
    "Number",
    "Pattern",
    "Sum",
    "Uniform",
    "is_patterned",
    "may_be_patterns",
    "pattern_of",
]


def is_patterned(value: Any) -> bool:
    """Whether an argument is a pattern, its table, or a list of tables."""
    tables = value if is_list(value) and len(value) else [value]
    return all(isinstance(one, Mapping | Pattern) for one in tables)


def may_be_patterns(value: Any) -> bool:
    """Whether there is a pattern in an argument, perhaps beside what does not belong there."""
    return any(isinstance(one, Mapping | Pattern) for one in (value if is_list(value) else [value]))


def pattern_of(name: str, value: Any, *, of_bonds: bool = False) -> Pattern:
    """The pattern of an argument: a number, a list of numbers, a table, a list of tables, or a pattern.

    What numbers are allowed is not asked here.

    Raises:
        InputError: an unknown pattern, or one with wrong keys.
    """
    if is_list(value) and is_patterned(value):
        parts = [_one(f"{name}.{place}", part) for place, part in enumerate(value, 1)]
        return Sum(tuple(parts)).told_apart(of_bonds=of_bonds)
    if isinstance(value, Mapping | Pattern):
        return _one(name, value).told_apart(of_bonds=of_bonds, place=0)
    if may_be_patterns(value):
        raise wrong(name, value, "numbers alone, or tables of patterns alone")
    return Listed(value) if is_list(value) or np.ndim(value) else Uniform(value)


def _one(name: str, value: Any) -> Pattern:
    """The pattern of one table."""
    if isinstance(value, Pattern):
        return value
    kind = named(name, value, "pattern", PATTERNS, "a pattern")
    keys = keys_of(kind)
    given = [key for key in value if key != "pattern"]
    mistakes = [f"{name}.{key}: unknown; {meant(key, keys)}" for key in given if key not in keys]
    mistakes += [f"{name}.{key}: missing" for key, needed in keys.items() if needed and key not in given]
    for key in [key for key, number in kind.numbers.items() if number.listed and key in given]:
        if not (is_list(value[key]) or np.ndim(value[key]) == 1) or not len(value[key]):
            mistakes += wrong(f"{name}.{key}", value[key], "a list of at least one number").mistakes
    if mistakes:
        raise InputError(mistakes)
    return kind(**{key: value[key] for key in given})
