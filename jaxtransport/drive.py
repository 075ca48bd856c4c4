"""The drive of a wire as given to `solve`: checked before anything is computed.

mu_bar +- delta_mu / 2 in the band of the leads, and either I_g or injection = I_g / I_o.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxtransport.arguments import AMOUNT, NOT_ZERO, is_traced, number, show
from jaxtransport.band import Band
from jaxtransport.compute.precision import require_double
from jaxtransport.constant import require_no_floating
from jaxtransport.errors import InputError
from jaxtransport.green.kernels import kernel_for
from jaxtransport.green.transmission import Transmission
from jaxtransport.laws import Law, checked_law, require_rules
from jaxtransport.parameters import MU_BAR, over_unit
from jaxtransport.wire import Wire, require_wire, silenced


def in_band(mu_bar: Any, delta_mu: Any, band: Band) -> Any:
    """mu_bar, in the band with its window where both are known."""
    known = not (is_traced(mu_bar) or is_traced(delta_mu))
    if known and (wrong := band.outside(float(mu_bar), float(delta_mu))):
        raise InputError(f"mu_bar = {show(mu_bar)}: {wrong}")
    return mu_bar


def _heard(wire: Wire, mu_bar: Any, delta_mu: Any, law: Law) -> None:
    """Raise `InputError` where a source or drain has no band at the energies of the law."""
    if wire.reservoir.is_one_kind:
        return
    reach = law.reach(delta_mu, getattr(law, "temperature", 0.0))
    known = not any(is_traced(value) for value in (mu_bar, reach, wire.strength))
    if known and bool(silenced(wire, mu_bar, reach)):
        band = wire.reservoir.middle.band
        raise InputError(
            f"mu_bar = {show(mu_bar)}: sources and drains carry no current there; expected an energy in the "
            f"band of their reservoirs, from {band.bottom:g} to {band.top:g}"
        )


def checked(
    wire: Wire, mu_bar: Any, delta_mu: Any, injection: Any, I_g: Any, law: Law | None, kernel: str
) -> tuple[tuple[Any, ...], Law, type[Transmission]]:
    """Wire and drive, checked, of known numbers without a call to JAX; the law; the class of the kernel."""
    require_wire("wire", wire)
    require_double()
    law = checked_law(law)
    if injection is not None and I_g is not None:
        raise InputError("injection and I_g: both set the injected current; give one of them")
    mu_bar, delta_mu = number(MU_BAR, mu_bar), number("delta_mu", delta_mu, NOT_ZERO)
    mu_bar = in_band(mu_bar, delta_mu, wire.reservoir.band)
    _heard(wire, mu_bar, delta_mu, law)
    if not law.is_linear:
        require_rules(wire, law)
    elif law.refuses(() if wire.rules is None else wire.rules.present):
        require_no_floating(wire)
    if I_g is not None:
        injection = _injection_of(number("I_g", I_g, AMOUNT), delta_mu)
    elif injection is None:
        injection = np.float64(0.0)
    else:
        injection = number("injection", injection, AMOUNT)
    return (wire, mu_bar, delta_mu, injection), law, kernel_for(kernel, wire.sites, alone=True)


def _injection_of(I_g: Any, delta_mu: Any) -> Any:
    """I_g / I_o; NaN, with finite gradients, where a traced number is not allowed."""
    if not is_traced(I_g) and not is_traced(delta_mu):
        return over_unit(I_g, delta_mu)
    good = AMOUNT.holds(I_g) & NOT_ZERO.holds(delta_mu)
    ratio = over_unit(jnp.where(good, I_g, 0.0), jnp.where(good, delta_mu, 1.0))
    return jnp.where(good, ratio, jnp.nan)
