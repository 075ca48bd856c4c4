"""Zero contours of values on a grid, corrected for rounding noise and for close pairs of zeros.

Plain interpolation between grid points fails in two cases. Where the values touch zero on the grid without
a change of sign, rounding noise has either sign, but there should be no contour. Where two zeros lie between
neighbouring points, the signs of the points do not show them: there grid lines are inserted by cubic
interpolation,

    f(s) = sum_k f_k L_k(s),   k = -1, 0, 1, 2,   0 < s < 1                      (Lagrange)
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from scipy import ndimage

from jaxtransport.plot import style

NOISE = 1e-9  # of the neighbouring values: rounding, where they touch zero
FLAT = 1e-13  # ... of the largest value of all
BELIEVED = 1e-3  # of the neighbouring values: a smaller interpolated change of sign may be spurious
BETWEEN = (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875)  # where grid lines are inserted


def draw_zeros(axes: Axes, x: np.ndarray, y: np.ndarray, values: np.ndarray) -> None:
    """The lines on which `values` (y, x) change sign, in black; x and y ascend."""
    if min(values.shape) < 2:
        return
    values = without_noise(values)
    x, values = with_lines_between(x, values)
    y, turned = with_lines_between(y, values.T)
    axes.contour(x, y, turned.T, levels=[0.0], colors="black", linewidths=0.8)


def without_noise(values: np.ndarray) -> np.ndarray:
    """Give values whose sign is noise the sign of their neighbours."""
    size = np.nan_to_num(np.abs(values))
    around = ndimage.maximum_filter(size, 3, mode="nearest")
    noise = np.isfinite(values) & (size <= np.maximum(NOISE * around, FLAT * size.max(initial=0.0)))
    if not noise.any():
        return values
    trusted = np.where(noise, 0.0, np.nan_to_num(values))
    side = np.where(ndimage.uniform_filter(trusted, 3, mode="nearest") < 0, -1.0, 1.0)
    return np.where(noise, side * np.finfo(float).tiny, values)


def with_lines_between(x: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Insert columns where two zeros of a row of `values` (y, x) lie between neighbouring columns.

    Columns must be evenly spaced there, in x or in its logarithm; elsewhere none are inserted.
    """
    if style.is_geometric(x):
        log_x, values = with_lines_between(np.log(x), values)
        return np.exp(log_x), values
    if len(x) < 4:
        return x, values
    cells = np.arange(1, len(x) - 2)
    cells = cells[_is_even(x, cells)]
    left = np.sign(values[:, cells])
    same = left == np.sign(values[:, cells + 1])
    hidden = np.zeros(len(cells), bool)
    for s in BETWEEN:
        hidden |= (same & (np.sign(_between(values, cells, s)) != left)).any(axis=0)
    chosen = cells[hidden]
    if not chosen.size:
        return x, values
    positions = [x[chosen] + s * (x[chosen + 1] - x[chosen]) for s in BETWEEN]
    x = np.concatenate([x, *positions])
    order = np.argsort(x)
    columns = [values, *(_between(values, chosen, s) for s in BETWEEN)]
    return x[order], np.concatenate(columns, axis=1)[:, order]


def _is_even(x: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Whether the four points around a cell are evenly spaced, as the interpolation requires."""
    steps = np.diff(x)
    near = np.stack([steps[cells - 1], steps[cells], steps[cells + 1]])
    return np.ptp(near, axis=0) <= 0.05 * near[1]


def _between(values: np.ndarray, cells: np.ndarray, s: float) -> np.ndarray:
    """Interpolated values at s in cells; with the sign of both ends, unless the other sign is significant."""
    f = [values[:, cells + k] for k in (-1, 0, 1, 2)]
    weights = (
        -s * (s - 1) * (s - 2) / 6,
        (s + 1) * (s - 1) * (s - 2) / 2,
        -(s + 1) * s * (s - 2) / 2,
        (s + 1) * s * (s - 1) / 6,
    )
    cubic = sum(w * value for w, value in zip(weights, f, strict=True))
    same_side = np.sign(f[1]) == np.sign(f[2])
    around = np.max(np.abs(f), axis=0)
    doubtful = same_side & (cubic * f[1] < 0) & (np.abs(cubic) < BELIEVED * around)
    # Where the ends differ in sign there is one zero between them, found by linear interpolation.
    linear = (1 - s) * f[1] + s * f[2]
    return np.where(same_side & ~doubtful, cubic, linear)
