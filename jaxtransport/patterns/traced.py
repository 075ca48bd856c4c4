"""Patterns that compiled code evaluates: their numbers are arguments of a program, their kinds part of it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxtransport.patterns import PATTERNS, Sum
from jaxtransport.patterns.paths import replaced
from jaxtransport.patterns.pattern import Pattern


def site_by_site(
    name: str, pattern: Pattern, given: Mapping[str, Any], entries: int, length: jax.Array
) -> jax.Array:
    """The numbers of a pattern on `entries` sites (bonds) of a wire that has `length` of them.

    One site after the other, so that under `jax.vmap` the batch is the innermost axis; each part of a sum
    alone, so that it is rounded as it would be by itself.

    Args:
        name: of the parameter that has the pattern.
        given: numbers by their paths, in place of those of the pattern.
    """
    pattern = replaced(name, pattern, given)
    parts = pattern.parts if isinstance(pattern, Sum) else (pattern,)
    index = jnp.arange(entries)
    at: Callable[[Pattern], jax.Array] = lambda part: lax.map(
        lambda l: jnp.asarray(part.along(l, length, jnp), float), index
    )
    along, *others = map(at, parts)
    for other in others:
        along = lax.map(lambda both: both[0] + both[1], (along, other))
    if name == "hopping":  # a wire that is not allowed has a status of its own
        along = lax.map(lambda at: jnp.where((at[0] > 0) | (at[1] >= length), at[0], jnp.nan), (along, index))
    return along


def traceable(pattern: Pattern) -> Pattern:
    """The same: a pytree of its numbers from now on."""
    _register()
    return pattern


@functools.cache
def _register() -> None:
    for kind in PATTERNS.values():
        rules = [field.name for field in dataclasses.fields(kind) if field.name not in kind.numbers]  # type: ignore[arg-type]
        jax.tree_util.register_dataclass(kind, list(kind.numbers), rules)
    jax.tree_util.register_dataclass(Sum, ["parts"], [])
