"""Wires with a voltage probe on every middle site, of wide bands: from coherent to ohmic.

    dR/dN = 4 |sin q|^2 (1 - x)^3 / (Gamma^2 x (1 + x)),  2 cos q = E + i Gamma / 2,  x = exp(-2 |Im q|)  (1)

(J. L. D'Amato and H. M. Pastawski, Phys. Rev. B 41, 7411 (1990); exact far from the leads, in the band and
beyond.) At the band centre that is Gamma sqrt(16 + Gamma^2) / 16.

Probes that are stronger than the hopping leave hops between neighbours, conductors in series:

    R = sum_l 1 / (D_l D_{l+1}),    D_l = Gamma_l / ((E - eps_l)^2 + Gamma_l^2 / 4)                      (2)

Energies in units of the hopping, resistances in h / e^2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxtransport.arguments import wrong
from jaxtransport.closed_forms.arguments import numbers


@numbers
def resistance_per_site(energy: Any, width: Any) -> Any:
    """dR/dN of Eq. 1: what a site with a probe of broadening `width` = Gamma adds, far from the leads.

    `energy` is mu_bar less the level of the sites, which are all alike.
    """
    q = np.arccos((energy + 0.5j * width) / 2)
    x = np.exp(-2 * np.abs(q.imag))
    return 4 * np.abs(np.sin(q)) ** 2 * (1 - x) ** 3 / (width**2 * x * (1 + x))


@numbers
def resistance_of_hops(energy: Any, site_onsite: Any, width: Any, contact_width: Any) -> Any:
    """R of Eq. 2; relative error of order 1 / Gamma^2.

    Args:
        energy: mu_bar.
        site_onsite: eps_l, shape (..., N).
        width: Gamma of the probes on the middle sites, shape () or that of `site_onsite` without sites.
        contact_width: Gamma of the leads.
    """
    onsite = np.asarray(site_onsite)
    if not onsite.ndim:
        raise wrong("site_onsite", site_onsite, "the energies of all sites, an array of shape (..., N)")
    ends = np.isin(np.arange(onsite.shape[-1]), (0, onsite.shape[-1] - 1))
    Gamma = np.where(ends, np.asarray(contact_width)[..., None], np.asarray(width)[..., None])
    D = Gamma / ((np.asarray(energy)[..., None] - onsite) ** 2 + Gamma**2 / 4)
    return np.sum(1 / (D[..., 1:] * D[..., :-1]), axis=-1)
