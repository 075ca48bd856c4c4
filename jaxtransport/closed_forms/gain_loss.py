r"""A long SSH chain at zero energy, with gain or loss on every middle site and wide bands at its ends.

Reservoirs of broadening Gamma and of given occupations sit on sites 2 ... N - 1; the hopping is t1, t2, t1
... from the left. In linear response their occupations do not matter:

    G = T_1N + 1/2 sum_p T_1p      over all gains and losses p

(B. Zhou, P. Zhang, Y. Wang and C. Yang, arXiv:2508.07398, with gain and loss on the leads' sites as well.) In
a long chain T_1N vanishes. Site 1, coupled to its lead by Gamma_1, loses electrons to all that follows at the
rate W:

    sum_p T_1p = 4 Gamma_1 W / (Gamma_1 + W)^2,      W = 4 t1^2 / [Gamma + 4 t2^2 / (Gamma + W)]

so that W is the positive root of

    Gamma W^2 + [Gamma^2 + 4 (t2^2 - t1^2)] W = 4 t1^2 Gamma.

G is 1/2 where W = Gamma_1, and less elsewhere. For weak gain and loss, edge states (t2 > t1) make W small,
t1^2 Gamma / (t2^2 - t1^2); without them it is large, 4 (t1^2 - t2^2) / Gamma. If gain and loss are strong,
electrons hardly leave site 1 in either case: W = 4 t1^2 / Gamma. Conductances in e^2/h, energies in gamma_o.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxtransport.closed_forms.arguments import numbers


@numbers
def escape_rate(width: Any, t1: Any, t2: Any) -> Any:
    """W of an infinite chain with gain and loss of broadening `width` = Gamma; exact."""
    slope, four = width**2 + 4 * (t2**2 - t1**2), 4 * t1**2 * width
    root = np.hypot(slope, 4 * t1 * width)
    with np.errstate(divide="ignore", invalid="ignore"):  # of the form that is not taken
        return np.where(slope > 0, 2 * four / (slope + root), (root - slope) / (2 * width))[()]


@numbers
def conductance(width: Any, t1: Any, t2: Any, contact_width: Any) -> Any:
    """G in e^2/h for N to infinity; exact there. `contact_width` = Gamma_1, of the left lead."""
    W = escape_rate(width, t1, t2)
    return 2 * contact_width * W / (contact_width + W) ** 2


@numbers
def widths_of_half(t1: Any, t2: Any, contact_width: Any) -> tuple[Any, Any]:
    """The broadenings Gamma of gain and loss where G = 1/2 for N to infinity, the smaller one first; exact.

    NaN where there is none: a chain without edge states has only the second, one with edge states may have
    neither.
    """
    slope = (4 * t1**2 - contact_width**2) / contact_width
    with np.errstate(invalid="ignore"):
        root = np.sqrt(slope**2 - 16 * (t2**2 - t1**2))
        both = (slope - root) / 2, (slope + root) / 2
        low, high = (np.where(width > 0, width, np.nan)[()] for width in both)
    return low, high
