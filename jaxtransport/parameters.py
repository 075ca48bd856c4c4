"""What a search may vary: numbers of the drive, of the whole wire, or of one of its sites.

    mu_bar  delta_mu  injection  I_g  temperature        the drive
    gamma  contact  onsite  hopping                      one number for all sites (ends, bonds) that have one
    gamma[5]  onsite[5]  hopping[5]  strength[5]         site 5 alone, counted from 1 (hopping: bond 5 to 6)

Each name is one number. mu_bar is scanned in u = arcsin(mu_bar/2), in which currents are analytic up to
the edges of the band: u + pi/2 is the phase from site to site. Couplings and hopping are scanned by their
logarithm, energies by their arsinh: windows may span decades. Host data: no JAX, so that a sweep file is
checked without importing it.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxtransport import arguments
from jaxtransport.arguments import Range, pair, show
from jaxtransport.errors import InputError

BAND_EDGE = 2.0  # in gamma_o, as `reservoir` has it

DRIVE = ("mu_bar", "delta_mu", "injection", "I_g", "temperature")
UNIFORM = ("gamma", "contact", "onsite", "hopping")
PER_SITE = ("gamma", "onsite", "hopping", "strength")
LOGARITHMIC = ("gamma", "contact", "hopping")  # of which a window may span decades
POSITIVE = ("gamma", "contact", "hopping", "delta_mu")

# Unit, full name and symbol
LABELS = {
    "mu_bar": ("gamma_o", "mean chemical potential of the leads", r"\bar{\mu}"),
    "delta_mu": ("gamma_o", "bias", r"\delta\mu"),
    "injection": ("1", "injected current over I_o", "I_g/I_o"),
    "I_g": ("e gamma_o/hbar", "injected current", "I_g"),
    "temperature": ("gamma_o/k_B", "temperature", "T"),
    "gamma": ("gamma_o", "coupling of sources and drains", r"\gamma"),
    "contact": ("gamma_o", "coupling of the leads", r"\gamma_1"),
    "onsite": ("gamma_o", "on-site energy", r"\varepsilon"),
    "hopping": ("gamma_o", "hopping amplitude", "t"),
    "strength": ("1", "injected current over I_g", "s"),
}


@dataclass(frozen=True)
class Parameter:
    """One number that a search varies."""

    quantity: str
    site: int | None = None  # from 1; None for the whole wire, or the drive

    @property
    def name(self) -> str:
        return self.quantity if self.site is None else f"{self.quantity}[{self.site}]"

    @property
    def label(self) -> tuple[str, str, str]:
        """Unit, full name and symbol."""
        unit, long_name, symbol = LABELS[self.quantity]
        if self.site is None:
            return unit, long_name, symbol
        what = {"gamma": "coupling"}.get(self.quantity, long_name)
        where = f"bond {self.site}" if self.quantity == "hopping" else f"site {self.site}"
        return unit, f"{what}, {where}", f"{symbol.replace('_1', '')}_{{{self.site}}}"

    def to_scan(self, value: Any) -> Any:
        """The coordinate u that is scanned: arcsin(mu_bar/2), log of a coupling, arsinh of an energy."""
        value = np.asarray(value, float)
        if self.quantity == "mu_bar":
            return np.arcsin(value / BAND_EDGE)
        if self.quantity in LOGARITHMIC:
            return np.log(value)
        return np.arcsinh(value) if self.quantity == "onsite" else value

    def from_scan(self, u: Any, numpy: Any = np) -> Any:
        """The number at a coordinate; `numpy` may be `jax.numpy`."""
        u = numpy.asarray(u, float)
        if self.quantity == "mu_bar":
            return BAND_EDGE * numpy.sin(u)
        if self.quantity in LOGARITHMIC:
            return numpy.exp(u)
        return numpy.sinh(u) if self.quantity == "onsite" else u

    def stretch(self, value: Any) -> Any:
        """d value / d coordinate, where the parameter has this value."""
        value = np.asarray(value, float)
        if self.quantity == "mu_bar":
            return np.sqrt((BAND_EDGE - value) * (BAND_EDGE + value))
        if self.quantity in LOGARITHMIC:
            return value
        return np.sqrt(1 + value**2) if self.quantity == "onsite" else np.ones_like(value)


def parameter(name: Any, *, per_site: bool = True, of: str = "over") -> Parameter:
    """The parameter called `name`, such as "gamma" or "onsite[5]", in an argument called `of`.

    Raises:
        InputError: there is none of this name.
    """
    match = re.fullmatch(r"(\w+)(?:\[(0|[1-9][0-9]*)\])?", name, re.ASCII) if isinstance(name, str) else None
    quantity, site = match.groups() if match else (show(name), None)
    if site is None and quantity in DRIVE + UNIFORM:
        return Parameter(quantity)
    if site is not None and len(site) < 16 and quantity in PER_SITE and per_site:
        return Parameter(quantity, int(site))
    known = [*DRIVE, *UNIFORM, *([f"{q}[site]" for q in PER_SITE] if per_site else [])]
    close = difflib.get_close_matches(quantity, known, 1)
    raise InputError(
        f"{of}: {show(name)} cannot be varied; "
        + (f"did you mean {close[0]!r}?" if close else f"expected one of {', '.join(known)}")
    )


def window(parameter: Parameter, bounds: Any) -> tuple[float, float]:
    """The window (low, high) of a parameter, checked: finite, in order, where the parameter has a meaning."""
    name = f"over[{parameter.name!r}]"
    low, high = pair(name, bounds, allowed(parameter.quantity))
    if low == high:
        raise InputError(f"{name} = {show(bounds)}: an empty window; expected (low, high) with low < high")
    if parameter.quantity == "mu_bar" and not (low >= -BAND_EDGE and high <= BAND_EDGE):
        raise InputError(
            f"{name} = {show(bounds)}: reaches outside the band, where no current flows; "
            f"expected a window within |mu_bar| < {BAND_EDGE:g} (gamma_o)"
        )
    return low, high


def allowed(quantity: str) -> Range:
    """Which numbers a parameter may be."""
    if quantity in POSITIVE:
        return arguments.POSITIVE
    return arguments.NOT_NEGATIVE if quantity == "temperature" else arguments.REAL
