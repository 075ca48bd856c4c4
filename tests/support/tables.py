"""Self-energies in numbers once more: monotone cubics between rows, from their formula.

Between rows i and i + 1, with h = w_{i+1} - w_i, s = (w - w_i) / h and slopes d at rows,

    Sigma = v_i (1 + 2 s)(1 - s)^2 + v_{i+1} s^2 (3 - 2 s) + h s (1 - s) [d_i (1 - s) - d_{i+1} s]

for Re and Im each. Slopes are those of Fritsch and Butland (SIAM J. Sci. Stat. Comput. 5, 300, 1984):
weighted harmonic means of the secants on either side, 0 where these differ in sign; at the ends those of
parabolas through three rows, limited to three secants. Beyond the table Im Sigma = 0, and Re Sigma stays.
"""

from __future__ import annotations

import bisect
import functools
from dataclasses import dataclass

import numpy as np


def slopes(w: np.ndarray, v: np.ndarray) -> np.ndarray:
    """d at every row."""
    h, secant = np.diff(w), np.diff(v) / np.diff(w)
    if len(w) == 2:
        return np.array([secant[0], secant[0]])
    d = np.zeros(len(w))
    for i in range(1, len(w) - 1):
        before, after = secant[i - 1], secant[i]
        if before * after > 0:
            a, b = 2 * h[i] + h[i - 1], h[i] + 2 * h[i - 1]
            d[i] = (a + b) / (a / before + b / after)
    d[0] = _at_end(h[0], h[1], secant[0], secant[1])
    d[-1] = _at_end(h[-1], h[-2], secant[-1], secant[-2])
    return d


def _at_end(h: float, h_next: float, secant: float, secant_next: float) -> float:
    d = ((2 * h + h_next) * secant - h * secant_next) / (h + h_next)
    if d * secant <= 0:
        return 0.0
    if secant * secant_next <= 0 and abs(d) > 3 * abs(secant):
        return 3 * secant
    return d


@dataclass(frozen=True)
class Table:
    """Rows (w, Sigma), w rising."""

    energies: tuple[float, ...]
    values: tuple[complex, ...]

    @classmethod
    def random(cls, rng: np.random.Generator, bottom: float, top: float, rows: int) -> Table:
        """Any numbers with Im Sigma <= 0, a few of them 0."""
        between = np.sort(rng.uniform(bottom, top, rows - 2))
        im = rng.uniform(0.1, 0.8, rows) * (rng.random(rows) < 0.9)
        values = rng.uniform(-0.4, 0.4, rows) - 1j * im
        return cls((bottom, *between.tolist(), top), tuple(values.tolist()))

    def given(self) -> dict:
        """As users give it."""
        return {"kind": "table", "energies": list(self.energies), "values": list(self.values)}

    @functools.cached_property
    def _slopes(self) -> list[complex]:
        rows, values = np.array(self.energies), np.array(self.values)
        return (slopes(rows, values.real) + 1j * slopes(rows, values.imag)).tolist()

    def sigma(self, w: float) -> complex:
        """Sigma at one energy."""
        rows, v, d = self.energies, self.values, self._slopes
        if w < rows[0] or w >= rows[-1]:
            return complex(v[0 if w < rows[0] else -1].real)
        i = bisect.bisect_right(rows, w) - 1
        h = rows[i + 1] - rows[i]
        s = (w - rows[i]) / h
        ends = v[i] * (1 + 2 * s) * (1 - s) ** 2 + v[i + 1] * s**2 * (3 - 2 * s)
        return ends + h * s * (1 - s) * (d[i] * (1 - s) - d[i + 1] * s)
