"""A chain with white noise on its middle sites, dephasing at a rate Gamma, between two wide bands.

    J = 4 (n_l - n_{l+1}) / (Gamma_l + Gamma_{l+1})            l = 1 ... N - 1                          (1)
    J = Gamma_1 (n_left - n_1) = Gamma_N (n_N - n_right)

n_l is the density, Gamma_1 and Gamma_N are the broadenings of the leads, and Gamma_l = Gamma on the middle
sites. (1) is the equation of motion of <c_l^+ c_{l+1}>, which decays at the rate (Gamma_l + Gamma_{l+1}) / 2.
Coherence over two bonds or more vanishes, because J is the same on all bonds. The sum of all steps is

    (n_left - n_right) / J = 1/Gamma_1 + 1/Gamma_N + [(N - 2) Gamma + (Gamma_1 + Gamma_N) / 2] / 2      (2)

(M. Znidaric, J. Stat. Mech. L05002 (2010); any coupling of the leads: Phys. Rev. E 83, 011108 (2011).) The
occupations of the leads are the same at all energies. Energies and rates are in units of the hopping, J in
units of the hopping over hbar.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxtransport.arguments import wrong
from jaxtransport.closed_forms.arguments import numbers, whole_length


@numbers
def resistance(sites: Any, width: Any, left: Any, right: Any) -> Any:
    """(n_left - n_right) / J of Eq. 2 for N = `sites` >= 2; exact.

    `width` = Gamma is the broadening of white probes, `left` and `right` are Gamma_1 and Gamma_N.
    """
    N = whole_length(sites, "sites")
    return 1 / left + 1 / right + ((N - 2) * width + (left + right) / 2) / 2


@numbers
def occupation(site: Any, sites: Any, width: Any, left: Any, right: Any) -> Any:
    """n at the middle site `site` = 2 ... N - 1 between leads of occupation 1 (left) and 0; exact.

    It is the density there, and the occupation of a white probe.
    """
    l = whole_length(site, "site")
    if not np.all((l >= 2) & (l < sites)):
        raise wrong("site", site, "middle sites, from 2 to N - 1")
    fall = 1 / left + (left + (2 * l - 3) * width) / 4
    return 1 - fall / resistance(sites, width, left, right)
