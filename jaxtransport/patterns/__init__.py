"""Patterns by name, and what a value along a wire stands for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxtransport.arguments import is_list, wrong
from jaxtransport.errors import InputError
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
    if "pattern" not in value:
        raise InputError(f"{name}.pattern: missing; known: {', '.join(PATTERNS)}")
    kind = PATTERNS.get(called) if isinstance(called := value["pattern"], str) else None
    if kind is None:
        known = meant(called if isinstance(called, str) else "", PATTERNS)
        raise wrong(f"{name}.pattern", called, f"the name of a pattern; {known}")
    keys = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    given = [key for key in value if key != "pattern"]
    mistakes = [f"{name}.{key}: unknown; {meant(key, keys)}" for key in given if key not in keys]
    mistakes += [f"{name}.{key}: missing" for key in keys if key not in given]
    for key in (key for key in kind.entries if key in given):
        if not (is_list(value[key]) or np.ndim(value[key]) == 1) or not len(value[key]):
            mistakes += wrong(f"{name}.{key}", value[key], "a list of at least one number").mistakes
    if mistakes:
        raise InputError(mistakes)
    return kind(**{key: value[key] for key in given})
