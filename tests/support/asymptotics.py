"""What it takes to test a formula that holds only in a limit: its error has an order, and a range."""

from __future__ import annotations

import numpy as np


def order(parameter, errors) -> float:
    """b of |error| = c parameter^b, fitted to a sequence on its way into the limit."""
    slope, _ = np.polyfit(np.log(np.asarray(parameter, float)), np.log(np.abs(errors)), 1)
    return float(slope)


def is_of_order(parameter, errors, expected: float, window: float = 0.1, what: str = "") -> None:
    """The fitted order is the expected one.

    A window of .1 tells neighbouring whole orders apart ten times over; a sequence close to its limit is
    within it, since the next order changes the slope by the parameter itself.
    """
    found = order(parameter, errors)
    assert abs(found - expected) <= window, (
        f"{what}: order {found:.3f}, off by more than {window} of {expected}"
    )
