"""Laws: the currents that given potentials drive. Each law is a value, passed as `law=`.

Linear      2 pi I_l = sum_l' T_ll'(mu_bar) (x_l - x_l')          (Eq. B26 at n = 1)
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Linear:
    """Linear response: transmissions at mu_bar, currents proportional to the potentials."""
