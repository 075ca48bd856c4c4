"""Doubles with a bound of their rounding: expressions as Python's `math` computes them."""

import math


class Rounded:
    """A double and a bound of its error, where every operation may be wrong by 1e-15 of its result.

    The bound is of first order: `safe` refuses operands whose error it cannot carry on.
    """

    def __init__(self, value, error=0.0):
        if not math.isfinite(value):
            raise OverflowError
        self.value, self.error = float(value), error + 1e-15 * abs(value)

    def safe(self, distance):
        """The value, if its error is small beside the distance to where a function is not smooth."""
        if self.error > 1e-3 * abs(distance):
            raise ValueError
        return self.value

    def __add__(self, other):
        return Rounded(self.value + other.value, self.error + other.error)

    def __sub__(self, other):
        return Rounded(self.value - other.value, self.error + other.error)

    def __mul__(self, other):
        a, b = abs(self.value), abs(other.value)
        return Rounded(self.value * other.value, a * other.error + b * self.error + self.error * other.error)

    def __truediv__(self, other):
        value = self.value / other.safe(other.value)
        return Rounded(value, 1.01 * (self.error + abs(value) * other.error) / abs(other.value))

    def __pow__(self, other):
        a, b = self.safe(self.value), other.value
        value = math.pow(a, b)
        if a == 0 or value == 0:
            return Rounded(value)
        if a < 0 and b != round(b):
            raise ValueError
        change = abs(b) * self.error / abs(a) + abs(math.log(abs(a))) * (other.error if a > 0 else 0)
        if change > 1e-3:
            raise ValueError
        return Rounded(value, 1.01 * abs(value) * change)

    def __neg__(self):
        return Rounded(-self.value, self.error)

    def __pos__(self):
        return self

    def least(*several):
        return Rounded(min(x.value for x in several), max(x.error for x in several))

    def largest(*several):
        return Rounded(max(x.value for x in several), max(x.error for x in several))


def smooth(function, slope, distance=lambda x: math.inf):
    """A function of `math` on Rounded: its slope carries the error on."""

    def of(x):
        value = function(x.safe(distance(x.value)))
        return Rounded(value, 1.01 * abs(slope(x.value, value)) * x.error)

    return of


# What an expression may name, for Python's own eval.
PYTHON = {
    "R": Rounded,
    "pi": Rounded(math.pi),
    "sqrt": smooth(math.sqrt, lambda x, y: 0.5 / y if y else 0.0, lambda x: x),
    "exp": smooth(math.exp, lambda x, y: y, lambda x: 1),
    "log": smooth(math.log, lambda x, y: 1 / x, lambda x: x),
    "sin": smooth(math.sin, lambda x, y: 1),
    "cos": smooth(math.cos, lambda x, y: 1),
    "tan": smooth(math.tan, lambda x, y: 1 + y * y, lambda x: math.cos(x) ** 2),
    "arccos": smooth(math.acos, lambda x, y: 1 / math.sin(y), lambda x: 1 - abs(x)),
    "abs": smooth(abs, lambda x, y: 1),
    "min": Rounded.least,
    "max": Rounded.largest,
}
