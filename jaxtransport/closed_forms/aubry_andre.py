"""The chain of Aubry and Andre: on-site energies A cos(2 pi beta l + phi), beta irrational.

    xi = 1 / ln(A / 2)      for A > 2: |psi_l| ~ exp(-|l - l_0| / xi), the same for all states

(S. Aubry and G. Andre, Ann. Isr. Phys. Soc. 3, 133 (1980).) ln R grows by 2 / xi with each site. For A < 2
all states are extended and R stays finite; A = 2 is critical. Energies in gamma_o.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxtransport.closed_forms.arguments import numbers


@numbers
def localisation_length(amplitude: Any) -> Any:
    """xi in sites, of amplitudes, at every energy of the spectrum; exact. Infinite for `amplitude` <= 2."""
    with np.errstate(divide="ignore"):
        return 1 / np.log(np.maximum(amplitude / 2, 1.0))
