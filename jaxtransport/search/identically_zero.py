"""Reasons for Delta I to vanish identically, so that no zero is isolated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxtransport.wire import Wire


def why_flat(wire: Wire, drive: Mapping[str, Any]) -> str:
    """A reason why Delta I vanishes identically, if one is known."""
    N = int(wire.length)
    if wire.rules is not None and wire.rules.any_constant:
        return ""  # which drive currents, too
    strength, coupling = np.asarray(wire.strength)[:N], np.asarray(wire.coupling)[:N]
    if not np.any(strength[1:-1]):
        return ": no source or drain injects a current"
    if drive.get("injection") == 0 or drive.get("I_g") == 0:
        return ": I_g = 0, nothing is injected"
    along = [strength, coupling, np.asarray(wire.onsite)[:N], np.abs(np.asarray(wire.hopping)[: N - 1])]
    if all(np.array_equal(values, values[::-1]) for values in along):
        return ": the wire is its own mirror image"
    return ""
