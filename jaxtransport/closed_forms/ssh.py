"""The SSH chain, hopping t1, t2, t1 ... t1 between an even number of sites, with wide bands.

    |t1 - t2| < |E| < t1 + t2      its band

(W. P. Su, J. R. Schrieffer and A. J. Heeger, Phys. Rev. Lett. 42, 1698 (1979).) For t2 > t1 two states sit in
the middle of the gap, one at either end, on every second site, falling off by t1 / t2 from cell to cell.

At mu_bar = 0 the middle of the chain can be eliminated exactly. It does not shift its ends, and leaves a
hopping between them,

    tau   = t1 (t1 / t2)^(N/2 - 1)      sites 1 and N
    kappa = t2 (t2 / t1)^(N/2 - 2)      sites 2 and N - 1

The rest is a matter of two sites. For a weakly coupled source at site 2 and drain at N - 1,

    dI / I_g = (s - 1) / (s + 1),      G = 4s / (1 + s)^2,      s = (2 tau / Gamma_1)^2

The edge states reverse the nonreciprocity. The state at the left end has no weight on site 2, and keeps waves
from the left lead away from it; the one at the right end has its tail there. So the source exchanges its
current with the right lead if the edge states are well apart (s < 1), and with the left lead otherwise. dI
changes sign where G = 1, near t1 = t2 in long wires.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxtransport.closed_forms.arguments import even_length, numbers


@numbers
def band_edges(t1: Any, t2: Any) -> tuple[Any, Any]:
    """Lower and upper edge |t1 - t2|, t1 + t2 of the upper band; the lower one is its mirror image. Exact."""
    return np.abs(t1 - t2), t1 + t2


@numbers
def conductance(N: Any, t1: Any, t2: Any, contact_width: Any) -> Any:
    """G in e^2/h at mu_bar = 0 without sources and drains; exact. `contact_width` = Gamma_1 = Gamma_N."""
    s = (2 * t1 / contact_width) ** 2 * (t1 / t2) ** (_even(N) - 2.0)
    return 4 * s / (1 + s) ** 2


@numbers
def injection_response(N: Any, t1: Any, t2: Any, width: Any, contact_width: Any) -> Any:
    """dI / I_g at mu_bar = 0 of a pair, a source at 2 and a drain at N - 1 of broadening `width`; exact.

    Site 2 has the broadening W = 4 t1^2 / Gamma_1 through site 1, and w = W + width in all. With
    |G_22| : |G_2,N-1| = w/2 : kappa the transmissions give

        dI / I_g = W (w^2 / 4 - kappa^2) / [W (w^2 / 4 + kappa^2) + 2 width kappa^2].
    """
    lead = 4 * t1**2 / contact_width
    near = ((lead + width) / 2) ** 2
    far = t2**2 * (t2 / t1) ** (_even(N) - 4.0)
    return lead * (near - far) / (lead * (near + far) + 2 * width * far)


def _even(N: Any) -> Any:
    return even_length(N, "bonds t1 at both ends")
