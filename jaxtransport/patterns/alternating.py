"""Numbers that repeat: x_l = values[(l - 1) mod period]. On bonds with period 2 the SSH chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from jaxtransport.patterns.pattern import Pattern


@dataclass(frozen=True)
class Alternating(Pattern):
    """The first of `values` on site (bond) 1, the second on 2, ..., and again from the first."""

    name: ClassVar[str] = "alternating"
    entries: ClassVar[tuple[str, ...]] = ("values",)

    values: Sequence[Any]

    def along(self, index: Any, length: int, numpy: Any = np) -> Any:
        return numpy.asarray(self.values)[index % len(self.values)]
