"""All parameters of a wire and its drive, one row each.

The keys of a sweep file and their ranges, the axes of a grid, labels in files and pictures, and the
parameters that a search or `vary` may change are all derived from these rows. Host data: no JAX, so that a
sweep file is checked without importing it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxtransport.arguments import AMPLITUDE, NOT_NEGATIVE, POSITIVE, PROBABILITY, REAL, Range
from jaxtransport.layout import MOST_SITES

GAMMA, MU_BAR = "gamma", "mu_bar"  # names that rules of searches and designs single out
LENGTH = Range(f"a whole number from 2 to {MOST_SITES:,}", low=2, high=MOST_SITES)


class Scan(enum.Enum):
    """The coordinate u in which a search goes through the values x of a parameter."""

    PLAIN = "u = x"
    LOGARITHM = "u = log x"  # windows may span decades
    ENERGY = "u = arsinh x"  # likewise, of either sign
    BAND = "that of the reservoirs' `Band`"

    def to(self, x: Any) -> Any:
        """u of x."""
        x = np.asarray(x, float)
        if self is Scan.LOGARITHM:
            return np.log(x)
        return np.arcsinh(x) if self is Scan.ENERGY else x

    def back(self, u: Any, numpy: Any = np) -> Any:
        """x of u; `numpy` may be `jax.numpy`."""
        u = numpy.asarray(u, float)
        if self is Scan.LOGARITHM:
            return numpy.exp(u)
        return numpy.sinh(u) if self is Scan.ENERGY else u

    def stretch(self, x: Any) -> Any:
        """dx / du at x."""
        x = np.asarray(x, float)
        if self is Scan.LOGARITHM:
            return x
        return np.sqrt(1 + x**2) if self is Scan.ENERGY else np.ones_like(x)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a device or of its drive."""

    name: str
    unit: str
    long_name: str
    symbol: str  # TeX
    domain: Range = REAL  # which numbers it may be
    table: str = "wire"  # of a sweep file
    default: float | None = None  # value if the key is left out
    integer: bool = False
    axis: bool = True  # whether one number of this name may be an axis
    scan: Scan | None = None  # None: no search varies it
    array: str = ""  # of `Wire`, that holds it
    sites: str = "all"  # of that array: "all", the "middle" reservoirs, or the "leads"
    entry: str = ""  # full name of one entry of the array; none: entries are not varied by themselves

    @property
    def of_bonds(self) -> bool:
        """Whether an entry belongs to a bond, from a site to the next, and not to a site."""
        return self.array == "hopping"


def _rows(*rows: Parameter) -> Mapping[str, Parameter]:
    return {row.name: row for row in rows}


QUANTUM = _rows(
    Parameter("N", "1", "number of sites", "N", LENGTH, integer=True),
    Parameter(
        "gamma",
        "gamma_o",
        "coupling of sources and drains",
        r"\gamma",
        POSITIVE,
        scan=Scan.LOGARITHM,
        array="coupling",
        sites="middle",
        entry="coupling",
    ),
    Parameter(
        "contact",
        "gamma_o",
        "coupling of the leads",
        r"\gamma_1",
        POSITIVE,
        scan=Scan.LOGARITHM,
        array="coupling",
        sites="leads",
    ),
    Parameter("width", "gamma_o", "broadening by sources, drains and probes", r"\Gamma", POSITIVE),
    Parameter("contact_width", "gamma_o", "broadening by the leads", r"\Gamma_1", POSITIVE),
    Parameter(
        "mu_bar",
        "gamma_o",
        "mean chemical potential of the leads",
        r"\bar{\mu}",
        table="drive",
        scan=Scan.BAND,
    ),
    Parameter("delta_mu", "gamma_o", "bias", r"\delta\mu", POSITIVE, table="drive", scan=Scan.PLAIN),
    Parameter("injection", "1", "injected current over I_o", "I_g/I_o", table="drive", scan=Scan.PLAIN),
    Parameter("I_g", "e gamma_o/hbar", "injected current", "I_g", table="drive", scan=Scan.PLAIN),
    Parameter(
        "hopping",
        "gamma_o",
        "hopping amplitude",
        "t",
        AMPLITUDE,
        default=1.0,
        scan=Scan.LOGARITHM,
        array="hopping",
        entry="hopping amplitude",
    ),
    Parameter(
        "onsite",
        "gamma_o",
        "on-site energy",
        r"\varepsilon",
        default=0.0,
        scan=Scan.ENERGY,
        array="onsite",
        entry="on-site energy",
    ),
    Parameter(
        "temperature",
        "gamma_o/k_B",
        "temperature",
        "T",
        NOT_NEGATIVE,
        table="solve",
        scan=Scan.PLAIN,
    ),
    Parameter(
        "strength",
        "1",
        "injected current over I_g",
        "s",
        axis=False,
        array="strength",
        sites="middle",
        entry="injected current over I_g",
        scan=Scan.PLAIN,
    ),
)

CLASSICAL = _rows(
    Parameter("N", "1", "number of sites", "N", LENGTH, integer=True),
    Parameter("p", "1", "probability to move on", "p", PROBABILITY),
    Parameter(
        "rho_0",
        "1/a",
        "density of the emptier reservoir",
        r"\rho_0",
        NOT_NEGATIVE,
        table="drive",
        default=0.0,
    ),
    Parameter(
        "delta_rho",
        "1/a",
        "difference of the reservoirs' densities",
        r"\delta\rho",
        POSITIVE,
        table="drive",
    ),
    Parameter(
        "injection", "1", "injected current over e v_F delta_rho", r"I_g/ev_F\delta\rho", table="drive"
    ),
)

CIRCUIT = _rows(
    Parameter("N", "1", "number of nodes", "N", LENGTH, integer=True),
    Parameter(
        "sigma",
        "1",
        "conductance of one segment (of the whole wire if custom)",
        r"\sigma",
        POSITIVE,
        default=1.0,
    ),
    Parameter("voltage", "V", "bias", "V", POSITIVE, table="drive", default=1.0),
    Parameter("injection", "1", "injected current over V/R", "I_gR/V", table="drive"),
)


def unit_of_current(delta_mu: Any) -> Any:
    """I_o = e |delta_mu| / 2 pi hbar, in e gamma_o / hbar."""
    return abs(delta_mu) / (2 * np.pi)


def over_unit(I_g: Any, delta_mu: Any) -> Any:
    """I_g / I_o of an absolute current. Numbers of NumPy or JAX; delta_mu is not 0."""
    return 2 * np.pi * I_g / abs(delta_mu)


def injection_of(drive: Mapping[str, Any]) -> Any:
    """I_g / I_o of a drive, from either way of giving the injected current."""
    return drive["injection"] if "injection" in drive else over_unit(drive["I_g"], drive["delta_mu"])
