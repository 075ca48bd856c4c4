"""The energies at which a reservoir carries current, and the coordinate in which currents are analytic there.

    u = arcsin((w - centre) / half)       between two edges, where self-energies have square roots
    u = w                                 in a band without edges

Host data: no JAX, so that a sweep file is checked without importing it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Band:
    """Energies from `bottom` to `top`, in gamma_o; both may be infinite."""

    bottom: float
    top: float

    @property
    def centre(self) -> float:
        return (self.bottom + self.top) / 2 if self.has_edges else 0.0

    @property
    def half(self) -> float:
        """Half of its width."""
        return (self.top - self.bottom) / 2

    @property
    def has_edges(self) -> bool:
        return math.isfinite(self.bottom) and math.isfinite(self.top)

    def holds(self, energy: Any) -> Any:
        """True where an energy, of NumPy or JAX, lies within."""
        return (energy > self.bottom) & (energy < self.top)

    def meets(self, energy: Any, reach: Any) -> Any:
        """True where an energy within `reach` of another, or with no reach itself, lies within."""
        return (energy + reach > self.bottom) & (energy - reach < self.top)

    def outside(self, mu_bar: float, delta_mu: float = 0.0) -> str:
        """Error text for leads at mu_bar +- delta_mu / 2; empty if both lie in the band."""
        half = abs(delta_mu) / 2
        if self.bottom < mu_bar - half and mu_bar + half < self.top:
            return ""
        reach = " + |delta_mu| / 2" if half else ""
        if self.centre == 0:
            expected = f"|mu_bar|{reach} < {self.top:g}"
        else:
            expected = f"{self.bottom:g} < mu_bar -+ |delta_mu| / 2 < {self.top:g}"
        lead = f"with delta_mu = {delta_mu:g} a lead is " if half and self.holds(mu_bar) else ""
        return f"{lead}outside the band, where no current flows; expected {expected} (gamma_o)"

    def to(self, x: Any) -> Any:
        """u of an energy."""
        x = np.asarray(x, float)
        return np.arcsin((x - self.centre) / self.half) if self.has_edges else x

    def back(self, u: Any, numpy: Any = np) -> Any:
        """The energy of u; `numpy` may be `jax.numpy`."""
        u = numpy.asarray(u, float)
        return self.centre + self.half * numpy.sin(u) if self.has_edges else u

    def stretch(self, x: Any) -> Any:
        """dw / du at an energy."""
        x = np.asarray(x, float)
        return np.sqrt((self.top - x) * (x - self.bottom)) if self.has_edges else np.ones_like(x)


CHAIN = Band(-2.0, 2.0)  # of a chain of hopping gamma_o
EVERYWHERE = Band(-math.inf, math.inf)
