"""Disorder by seed: independent random numbers, of the Anderson model on-site.

    x_l = W u_l,      u_l uniform in (-1/2, 1/2) (box) or of mean 0 and variance 1 (normal)

u_l is a function of the seed, of l, of whether it stands on a site or a bond, and of the pattern's place in
a sum: the same in wires of any length, in batches, padded, on any device (box: to the bit; normal: to
rounding).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from jaxtransport.arguments import MOST_WHOLE, NOT_NEGATIVE, Range
from jaxtransport.patterns import threefry
from jaxtransport.patterns.pattern import HIDDEN, Number, Pattern

SEED = Range(f"a whole number from 0 to {MOST_WHOLE}", low=0, high=MOST_WHOLE)
DISTRIBUTIONS = ("box", "normal")


@dataclass(frozen=True)
class Disorder(Pattern):
    """Random numbers of a `width`: uniform in +- width / 2, or normal with that standard deviation."""

    name: ClassVar[str] = "disorder"
    numbers: ClassVar[Mapping[str, Number]] = {
        "width": Number("width of the disorder", "W", NOT_NEGATIVE),
        "seed": Number("seed of the disorder", "s", SEED, "1", integer=True),
    }

    width: Any
    seed: Any
    distribution: str = "box"
    stream: int = dataclasses.field(default=0, metadata=HIDDEN)  # 2 place, + 1 on bonds

    def along(self, index: Any, length: Any, numpy: Any = np) -> Any:
        key, site = threefry.words(self.seed, numpy), threefry.words(index, numpy)
        u = threefry.uniform(key, (site[0], site[1] + np.uint32(self.stream)))
        if self.distribution == "normal":
            u = _normal(u, numpy)
        return self.width * u

    def lowest(self, length: int) -> Any:
        return -self.width / 2 if self.distribution == "box" else -np.inf

    def mistakes(self) -> list[str]:
        if self.distribution not in DISTRIBUTIONS:
            return [f"distribution = {self.distribution!r}: expected one of {', '.join(DISTRIBUTIONS)}"]
        return []

    def told_apart(self, *, of_bonds: bool, place: int) -> Disorder:
        return dataclasses.replace(self, stream=2 * place + of_bonds)


def _normal(u: Any, numpy: Any) -> Any:
    """The quantile of 1/2 + u of the normal distribution."""
    if numpy is np:
        from scipy.special import erfinv
    else:
        from jax.lax import erf_inv as erfinv
    return np.sqrt(2) * erfinv(2 * u)
