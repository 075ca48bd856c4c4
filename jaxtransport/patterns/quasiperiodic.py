"""A wave that no period of the wire fits: x_l = A cos(2 pi beta l + phi), l from 1.

With the golden mean as beta, on-site, the Aubry-Andre model: extended for A < 2, localised beyond.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from jaxtransport.arguments import REAL
from jaxtransport.patterns.pattern import Number, Pattern


@dataclass(frozen=True)
class Quasiperiodic(Pattern):
    """`amplitude` cos(2 pi `frequency` l + `phase`)."""

    name: ClassVar[str] = "quasiperiodic"
    numbers: ClassVar[Mapping[str, Number]] = {
        "amplitude": Number("amplitude of the quasi-periodic part", "A", REAL),
        "frequency": Number("frequency of the quasi-periodic part", r"\beta", REAL, "1", bends=True),
        "phase": Number("phase of the quasi-periodic part", r"\varphi", REAL, "1", bends=True),
    }

    amplitude: Any
    frequency: Any
    phase: Any = 0.0

    def along(self, index: Any, length: Any, numpy: Any = np) -> Any:
        turns = self.frequency * (index + 1)
        turns = turns - numpy.floor(turns)  # cos of a small angle: the same for every compiler
        return self.amplitude * numpy.cos(2 * np.pi * turns + self.phase)
