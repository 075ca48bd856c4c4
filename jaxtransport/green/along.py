"""Quantities of every site of a wire, and their largest and their sum.

Where loops are compiled as a whole (`compute.xla`), site by site: the points of a batch of wires then stay
innermost, as in the sweeps of the kernels. `jax.vmap` puts them first as soon as an array along the wire
meets a number of the point, and every such array would be transposed twice. Elsewhere a step of a loop is a
call by itself, and all sites are taken at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from jaxtransport.compute import xla

T = TypeVar("T")


def each(quantity: Callable[..., T], *along: Any) -> T:
    """`quantity` of the entries of every site: arrays, or a tuple of arrays, along the wire."""
    if xla.steps_are_calls():
        return jax.vmap(quantity)(*along)
    return lax.map(lambda at: quantity(*at), along)


def highest(quantity: Callable[..., T], *along: Any) -> T:
    """Largest `quantity` of all sites, a number or a tuple of numbers; NaN if one is."""
    return _joined(jnp.max, jnp.maximum, -jnp.inf, quantity, along)


def total(quantity: Callable[..., T], *along: Any) -> T:
    """Sum of a `quantity` over all sites, likewise."""
    return _joined(jnp.sum, jnp.add, 0.0, quantity, along)


def _joined(
    of_all: Callable[[Array], Array],
    of_two: Callable[[Array, Array], Array],
    nothing: float,
    quantity: Callable[..., Any],
    along: Any,
) -> Any:
    if xla.steps_are_calls():
        return jax.tree.map(of_all, each(quantity, *along))
    first = quantity(*jax.tree.map(lambda values: values[0], along))
    start = jax.tree.map(lambda value: jnp.full_like(value, nothing), first)
    step: Callable[..., Any] = lambda before, at: (jax.tree.map(of_two, before, quantity(*at)), None)
    return lax.scan(step, start, along)[0]
