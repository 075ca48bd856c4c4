"""A slope: x_l = first + (last - first)(l - 1)/(n - 1) on n sites (bonds)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from jaxtransport.patterns.pattern import Number, Pattern


@dataclass(frozen=True)
class Gradient(Pattern):
    """From `first` on the first site (bond) to `last` on the last."""

    name: ClassVar[str] = "gradient"
    numbers: ClassVar[Mapping[str, Number]] = {
        "first": Number("value on the first site", "x_1"),
        "last": Number("value on the last site", "x_N"),
    }
    of_length: ClassVar[bool] = True

    first: Any
    last: Any

    def along(self, index: Any, length: Any, numpy: Any = np) -> Any:
        share = numpy.minimum(index / numpy.maximum(length - 1, 1), 1.0)
        return self.first * (1 - share) + self.last * share
