"""Which values of an axis are the same in several files.

    |a - b| <= 1e-14 (largest |value| + |b|)

since versions before 0.1 computed ranges by repeated addition, which differs in the last bits. Values that
one file tells apart stay apart. Coordinates along the axis belong to a value: they have to be the same, too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ROUNDING = 1e-14

Columns = Sequence[np.ndarray]  # an axis and the coordinates along it


def places(old: Columns, new: Columns) -> np.ndarray:
    """Where each value of the axis `new` is in `old`; -1 where it is not."""
    (of_old, of_new), count = _numbered([old, new])
    where = np.full(count, -1)
    where[of_old] = np.arange(len(of_old))
    return where[of_new]


def union(axes: Sequence[np.ndarray]) -> np.ndarray:
    """All values of several axes, ascending, or descending as the first of them. Of the same, the first."""
    numbers, count = _numbered([[axis] for axis in axes])
    values = np.empty(count, np.result_type(*axes))
    for axis, number in reversed(list(zip(axes, numbers, strict=True))):
        values[number] = axis
    values.sort()
    return values[::-1].copy() if axes[0][0] > axes[0][-1] else values


def _numbered(files: Sequence[Columns]) -> tuple[list[np.ndarray], int]:
    """A number for every value, the same number for the same value, for each file; and how many there are."""
    columns = [_number(column) for column in zip(*files, strict=True)]
    if len(columns) == 1:
        return columns[0], 1 + max(int(one.max()) for one in columns[0])
    rows = [np.stack(column, 1) for column in zip(*columns, strict=True)]
    found, numbers = np.unique(np.concatenate(rows), axis=0, return_inverse=True)
    return np.split(numbers.ravel(), np.cumsum([len(one) for one in rows])[:-1]), len(found)


def _number(column: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The same of one column."""
    values, numbers = np.unique(np.concatenate(column), return_inverse=True)
    cuts = np.cumsum([len(one) for one in column])[:-1]
    exact = np.split(numbers.ravel(), cuts)
    if values.dtype.kind != "f" or len(values) < 2:
        return exact
    size = np.abs(values)
    apart = np.diff(values) > ROUNDING * (size.max() + np.maximum(size[1:], size[:-1]))
    joined = np.concatenate([[0], np.cumsum(apart)])
    rounded = [joined[one] for one in exact]
    told = lambda found: [len(np.unique(one)) for one in found]
    return rounded if told(rounded) == told(exact) else exact
