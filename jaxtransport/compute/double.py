"""Double-double arithmetic: pairs of doubles with 106 bits.

a + b = high + low        high the rounded sum, low what the rounding leaves out        (Knuth's two-sum)
a b = high + low          likewise, a and b each cut into two halves of 26 bits            (Dekker, Veltkamp)
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

HALVES = 2.0**27 + 1


class Double(NamedTuple):
    """high + low, which do not overlap: a number with 106 bits."""

    high: Array
    low: Array

    @classmethod
    def exactly(cls, value: Array) -> Double:
        """A double as it is."""
        return cls(value, jnp.zeros_like(value))

    @classmethod
    def constant(cls, like: Array, value: float, low: float = 0.0) -> Double:
        """A known number in the shape of `like`; NaN where that is.

        So that XLA does not know it: it computes (x a) b as x (a b) for known a and b, and then what
        roundings leave out is lost.
        """
        return cls(*(jnp.where(jnp.isnan(like), like, number) for number in (value, low)))

    @classmethod
    def sum(cls, a: Array, b: Array) -> Double:
        return cls(*_two_sum(a, b))

    @classmethod
    def product(cls, a: Array, b: Array) -> Double:
        return cls(*_two_product(a, b))

    def plus(self, b: Array | float) -> Double:
        high, low = _two_sum(self.high, b)
        return Double(*_two_sum(high, low + self.low))

    def add(self, other: Double) -> Double:
        high, low = _two_sum(self.high, other.high)
        return Double(*_ordered_sum(high, low + (self.low + other.low)))

    def less(self, other: Double) -> Double:
        return self.add(Double(-other.high, -other.low))

    def times(self, other: Double) -> Double:
        high, low = _two_product(self.high, other.high)
        return Double(*_ordered_sum(high, low + (self.high * other.low + self.low * other.high)))

    def scaled(self, power_of_two: float) -> Double:
        return Double(power_of_two * self.high, power_of_two * self.low)

    def root(self) -> Double:
        """The square root of a number >= 0, by one step of Newton's method from the rounded one."""
        positive = self.high > 0
        high = jnp.where(positive, self.high, 1.0)
        first = jnp.sqrt(high)
        square, low = _two_product(first, first)
        rest = (high - square) - low + jnp.where(positive, self.low, 0.0)
        root = Double(*_ordered_sum(first, rest / (2 * first)))
        return Double(*(jnp.where(positive, part, 0.0) for part in root))

    def inverse(self) -> Double:
        """One step of Newton's method from the rounded inverse."""
        first = 1 / self.high
        high, low = _two_product(first, self.high)
        rest = (1 - high) - low - first * self.low
        return Double(*_ordered_sum(first, first * rest))


def sums_along(values: Float[Array, " n"]) -> Float[Array, " n"]:
    """Cumulative sums, each rounded once."""

    def step(total, value):
        total = total.plus(value)
        return total, total.high

    zero = jnp.zeros_like(values[0])
    return lax.scan(step, Double(zero, zero), values)[1]


def _two_sum(a, b):
    """a + b and its rounding error."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _ordered_sum(a, b):
    """The same where |a| >= |b|."""
    total = a + b
    return total, b - (total - a)


def _two_product(a, b):
    """a b and its rounding error."""
    product = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _halves(a):
    far = HALVES * a
    high = far - (far - a)
    return high, a - high
