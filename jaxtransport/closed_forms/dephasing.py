"""Wires with a voltage probe on every middle site, of wide bands: from coherent to ohmic.

    dR/dN = 4 |sin q|^2 (1 - x)^3 / (Gamma^2 x (1 + x)),  2 cos q = mu_bar + i Gamma / 2,  x = exp(-2 |Im q|)

(J. L. D'Amato and H. M. Pastawski, Phys. Rev. B 41, 7411 (1990); exact far from the leads.) At the band
centre that is Gamma sqrt(16 + Gamma^2) / 16. Resistances in h / e^2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxtransport.closed_forms.arguments import numbers


@numbers
def resistance_per_site(mu_bar: Any, width: Any) -> Any:
    """dR/dN in h/e^2: what a site with a probe of broadening `width` = Gamma adds, far from the leads."""
    q = np.arccos((mu_bar + 0.5j * width) / 2)
    x = np.exp(-2 * np.abs(q.imag))
    return 4 * np.abs(np.sin(q)) ** 2 * (1 - x) ** 3 / (width**2 * x * (1 + x))
