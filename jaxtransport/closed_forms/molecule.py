"""A molecule: a chain of equal levels between two wide bands, without probes.

    T = Gamma_L Gamma_R / v^2 |U_N + i (Gamma_L + Gamma_R) / 2v U_{N-1} - Gamma_L Gamma_R / 4v^2 U_{N-2}|^-2

with U_n = U_n((E - eps) / 2v), Chebyshev polynomials of the second kind, from the determinant of the chain
(H. M. McConnell, J. Chem. Phys. 35, 508 (1961), for weak v). Off resonance, |E - eps| > 2v, these grow like
exp(n beta / 2), so that T ~ exp(-beta N) with beta = 2 arccosh(|E - eps| / 2v). Energies in gamma_o.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxtransport.closed_forms.arguments import numbers, whole_length


@numbers
def transmission(levels: Any, energy: Any, onsite: Any, hopping: Any, left: Any, right: Any) -> Any:
    """T of `levels` = N levels at `onsite` = eps, with broadenings `left`, `right` of the two ends; exact.

    G in e^2/h at zero temperature. `energy` is that of the electrons, mu_bar.
    """
    from scipy.special import eval_chebyu

    N = np.asarray(whole_length(levels, "levels")).astype(int)
    x = (energy - onsite) / (2 * hopping)
    both, product = (left + right) / (2 * hopping), left * right / (4 * hopping**2)
    determinant = eval_chebyu(N, x) + 1j * both * eval_chebyu(N - 1, x) - product * eval_chebyu(N - 2, x)
    return 4 * product / np.abs(determinant) ** 2


@numbers
def decay(energy: Any, onsite: Any, hopping: Any) -> Any:
    """beta of T ~ exp(-beta N): what a level more takes off ln T. 0 on resonance, |E - eps| <= 2v."""
    return 2 * np.arccosh(np.maximum(np.abs(energy - onsite) / (2 * hopping), 1.0))
