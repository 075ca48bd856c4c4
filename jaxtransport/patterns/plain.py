"""Patterns without a name: one number everywhere, a list, and a sum of patterns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from jaxtransport.patterns.pattern import Number, Pattern


@dataclass(frozen=True)
class Uniform(Pattern):
    """x_l = value."""

    name: ClassVar[str] = "uniform"
    numbers: ClassVar[Mapping[str, Number]] = {}

    value: Any

    def along(self, index: Any, length: Any, numpy: Any = np) -> Any:
        return numpy.broadcast_to(numpy.asarray(self.value), index.shape)

    def to_table(self) -> Any:
        return self.value


@dataclass(frozen=True)
class Listed(Pattern):
    """x_1, x_2, ... one by one, for a wire of that length."""

    name: ClassVar[str] = "listed"
    numbers: ClassVar[Mapping[str, Number]] = {}

    values: Sequence[Any]

    def along(self, index: Any, length: Any, numpy: Any = np) -> Any:
        values = numpy.asarray(self.values)
        return values[numpy.minimum(index, len(values) - 1)]

    def to_table(self) -> Any:
        return list(self.values)


@dataclass(frozen=True)
class Sum(Pattern):
    """x_l = the sum of what its parts have there."""

    name: ClassVar[str] = "sum"
    numbers: ClassVar[Mapping[str, Number]] = {}

    parts: tuple[Pattern, ...]

    @property
    def of_length(self) -> bool:  # type: ignore[override]
        return any(part.of_length for part in self.parts)

    def along(self, index: Any, length: Any, numpy: Any = np) -> Any:
        return sum(part.along(index, length, numpy) for part in self.parts)

    def lowest(self, length: int) -> Any:
        return sum(part.lowest(length) for part in self.parts)

    def told_apart(self, *, of_bonds: bool, place: int = 0) -> Pattern:
        apart = (part.told_apart(of_bonds=of_bonds, place=i) for i, part in enumerate(self.parts))
        return Sum(tuple(apart))

    def to_table(self) -> Any:
        return [part.to_table() for part in self.parts]
