"""Steps: x_l = values[k] from site (bond) at[k] to the one before at[k + 1], values[0] before at[1]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from jaxtransport.arguments import Range
from jaxtransport.layout import MOST_SITES
from jaxtransport.patterns.pattern import Number, Pattern
from jaxtransport.text import count

SITE = Range(f"a whole number from 1 to {MOST_SITES:,}", low=1, high=MOST_SITES)


@dataclass(frozen=True)
class Step(Pattern):
    """The first of `values` before the first site (bond) of `at`, the second from it on, ..."""

    name: ClassVar[str] = "step"
    numbers: ClassVar[Mapping[str, Number]] = {
        "values": Number("value", "", listed=True),
        "at": Number("site of the step", "l", SITE, "1", integer=True, listed=True),
    }

    values: Sequence[Any]
    at: Sequence[Any]

    def along(self, index: Any, length: Any, numpy: Any = np) -> Any:
        out = numpy.asarray(self.values[0]) + 0 * index
        for value, site in zip(self.values[1:], self.at, strict=True):
            out = numpy.where(index + 1 >= site, value, out)
        return out

    def mistakes(self) -> list[str]:
        steps = len(self.at)
        if len(self.values) != steps + 1:
            return [f"values: expected one more than the sites in at, {steps + 1}, got {len(self.values)}"]
        if any(not first < second for first, second in zip(self.at[:-1], self.at[1:], strict=True)):
            return [f"at: expected sites in ascending order, got {count(steps, 'site')} that are not"]
        return []
