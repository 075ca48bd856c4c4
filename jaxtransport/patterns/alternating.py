"""Numbers that repeat: x_l = values[(l - 1) mod period]. On bonds with period 2 the SSH chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from jaxtransport.patterns.pattern import Number, Pattern


@dataclass(frozen=True)
class Alternating(Pattern):
    """The first of `values` on site (bond) 1, the second on 2, ..., and again from the first."""

    name: ClassVar[str] = "alternating"
    numbers: ClassVar[Mapping[str, Number]] = {"values": Number("value", "", listed=True)}

    values: Sequence[Any]

    def along(self, index: Any, length: Any, numpy: Any = np) -> Any:
        return _taken(self.values, index % len(self.values), numpy)


def _taken(values: Sequence[Any], index: Any, numpy: Any) -> Any:
    """values[index], by comparisons: of one index it is then no gather."""
    out = numpy.asarray(values[0]) + 0 * index
    for i, value in enumerate(values[1:], 1):
        out = numpy.where(index == i, value, out)
    return out
