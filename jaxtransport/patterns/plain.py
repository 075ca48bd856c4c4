"""Patterns without a name: one number everywhere, and a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from jaxtransport.patterns.pattern import Pattern


@dataclass(frozen=True)
class Uniform(Pattern):
    """x_l = value."""

    name: ClassVar[str] = "uniform"

    value: Any

    def along(self, index: Any, length: int, numpy: Any = np) -> Any:
        return numpy.broadcast_to(numpy.asarray(self.value), index.shape)

    def to_table(self) -> Any:
        return self.value


@dataclass(frozen=True)
class Listed(Pattern):
    """x_1, x_2, ... one by one, for a wire of that length."""

    name: ClassVar[str] = "listed"

    values: Sequence[Any]

    def along(self, index: Any, length: int, numpy: Any = np) -> Any:
        values = numpy.asarray(self.values)
        return values[numpy.minimum(index, len(values) - 1)]

    def to_table(self) -> Any:
        return list(self.values)
