"""Sums that lose nothing: pairs of doubles.

a + b = high + low        high the rounded sum, low what the rounding leaves out        (Knuth's two-sum)
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


class Double(NamedTuple):
    """high + low, which do not overlap: a number with 106 bits."""

    high: Array
    low: Array

    def plus(self, b: Array) -> Double:
        high, low = _two_sum(self.high, b)
        return Double(*_two_sum(high, low + self.low))


def sums_along(values: Float[Array, " n"]) -> Float[Array, " n"]:
    """Cumulative sums, each rounded once."""

    def step(total, value):
        total = total.plus(value)
        return total, total.high

    zero = jnp.zeros_like(values[0])
    return lax.scan(step, Double(zero, zero), values)[1]


def _two_sum(a, b):
    """a + b and what its rounding leaves out."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)
