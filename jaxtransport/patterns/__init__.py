"""Patterns by name, and what a value along a wire stands for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxtransport.arguments import is_list, wrong
from jaxtransport.hints import meant
from jaxtransport.patterns.alternating import Alternating
from jaxtransport.patterns.pattern import Pattern
from jaxtransport.patterns.plain import Listed, Uniform

PATTERNS: dict[str, type[Pattern]] = {kind.name: kind for kind in (Alternating,)}

__all__ = ["PATTERNS", "Alternating", "Listed", "Pattern", "Uniform", "pattern_of"]


def pattern_of(name: str, value: Any) -> Pattern:
    """The pattern of an argument: a number, a list of numbers, a table {"pattern": ..., ...}, or a pattern.

    What numbers are allowed is not asked here.

    Raises:
        InputError: an unknown pattern, or one with wrong keys.
    """
    if isinstance(value, Pattern):
        return value
    if not isinstance(value, Mapping):
        return Listed(value) if is_list(value) or np.ndim(value) else Uniform(value)
    kind = PATTERNS.get(value.get("pattern", ""))
    if kind is None:
        expected = meant(str(value.get("pattern", "nothing")), PATTERNS)
        raise wrong(f"{name}.pattern", value.get("pattern"), f"the name of a pattern; {expected}")
    keys = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    given = [key for key in value if key != "pattern"]
    if unknown := [key for key in given if key not in keys]:
        raise wrong(f"{name}.{unknown[0]}", value[unknown[0]], f"no such key; {meant(unknown[0], keys)}")
    if missing := [key for key in keys if key not in given]:
        raise wrong(f"{name}.{missing[0]}", None, f'a value: pattern "{kind.name}" needs it')
    for key in kind.entries:
        if not (is_list(value[key]) or np.ndim(value[key]) == 1) or not len(value[key]):
            raise wrong(f"{name}.{key}", value[key], "a list of numbers")
    return kind(**{key: value[key] for key in given})
