"""Names, dimensions and units of everything a sweep can store, for every model. Host data: no JAX.

Currents are positive from a reservoir into the wire (I_l) or from site l to l+1 (J_l). Their unit is
I_o = e delta mu / 2 pi hbar for the quantum wire, e v_F delta_rho for the lattice of the master equation
and V / R for the circuit. Forward means that the left end is at the higher potential.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Variable:
    """One stored quantity: its own dimensions beyond the grid, its unit and its full name."""

    name: str
    unit: str
    long_name: str
    symbol: str
    dims: tuple[str, ...] = ()
    dtype: str = "f8"
    needs_profile: bool = False  # the potentials along the wire, not only the leads
    by_name: bool = False  # stored only if requested by name
    of_every_point: bool = False  # stored also where the status has no numbers


def _both(name: str, unit: str, long_name: str, symbol: str, **kw: Any) -> list[Variable]:
    return [
        Variable(f"{name}_{bias}", unit, f"{long_name}, {bias} bias", f"{symbol}^\\mathrm{{{mark}}}", **kw)
        for bias, mark in (("forward", "fwd"), ("reverse", "rev"))
    ]


_SITE = {"dims": ("site",), "needs_profile": True}
_BOND = {"dims": ("bond",), "needs_profile": True}

LINEAR = {
    v.name: v
    for v in [
        Variable("conductance", "e^2/h", "conductance", "G"),
        Variable("injection_response", "1", "response of the current to injection", r"\delta I/I_g"),
        *_both("current", "I_o", "current at the left lead", "I_1"),
        *_both("right_current", "I_o", "current at the right lead", "I_N"),
        Variable("nonreciprocity", "I_o", "nonreciprocity", r"\Delta I"),
        Variable("relative_nonreciprocity", "1", "relative nonreciprocity", r"\Delta I/\bar{I}"),
        Variable(
            "residual",
            "I_o",
            "largest unbalanced current",
            r"\max_l|I_l-I_l^\mathrm{asked}|",
            needs_profile=True,
        ),
        Variable(
            "outside_band",
            "1",
            "a potential lies outside the band",
            r"\mathrm{outside\ band}",
            dtype="i1",
            needs_profile=True,
        ),
        Variable(
            "current_error",
            "I_o",
            "estimate of the rounding error of the currents at the leads",
            r"\epsilon_I",
            by_name=True,
        ),
        *_both("potential", "gamma_o", "chemical potential", r"\mu_l", **_SITE),
        *_both("site_current", "I_o", "current into the wire", "I_l", **_SITE),
        *_both("bond_current", "I_o", "current along the wire", "J_l", **_BOND),
        *_both("heat", "gamma_o^2/hbar", "heat into the reservoir", "h_l", **_SITE),
        *_both("density", "1", "density over local equilibrium", r"\delta n_l", **_SITE),
    ]
}

# The wire itself, as its patterns make it, for every law
OF_WIRE = {
    v.name: v
    for v in [
        Variable("site_onsite", "gamma_o", "on-site energy", r"\varepsilon_l", dims=("site",)),
        Variable("bond_hopping", "gamma_o", "hopping amplitude", "t_l", dims=("bond",)),
    ]
}


# Beyond linear response there is no response to injection; how a point was found is worth keeping.
NONLINEAR = {name: v for name, v in LINEAR.items() if name not in ("injection_response", "current_error")} | {
    v.name: v
    for v in [
        Variable(
            "steps",
            "1",
            "steps of the search, larger of both biases",
            r"\mathrm{steps}",
            dtype="i2",
            of_every_point=True,
        ),
        Variable(
            "quadrature_error",
            "I_o",
            "estimated error of the currents by the integrals over energy",
            r"\epsilon_I",
            by_name=True,
        ),
        *_both("occupation", "1", "occupation", "n_l", **_SITE),
        Variable("nodes", "1", "energies, or order of the series", "K", dtype="i2", of_every_point=True),
        *_both("roots", "gamma_o", "all real roots of the third order", r"\mu_l", dims=("root", "terminal")),
    ]
}
SERIES = {
    name: v
    for name, v in NONLINEAR.items()
    if name != "quadrature_error" and not name.startswith("occupation_")
}


def _leads(unit: str, conductance_unit: str) -> list[Variable]:
    """Variables at the ends of a classical wire."""
    return [
        *_both("current", unit, "current at the left lead", "I_1"),
        *_both("right_current", unit, "current at the right lead", "I_N"),
        Variable("nonreciprocity", unit, "nonreciprocity", r"\Delta I"),
        Variable("relative_nonreciprocity", "1", "relative nonreciprocity", r"\Delta I/\bar{I}"),
        Variable("conductance", conductance_unit, "conductance", "G"),
        Variable("injection_response", "1", "response of the current to injection", r"\delta I/I_g"),
    ]


CLASSICAL = {
    v.name: v
    for v in [
        *_leads("e v_F delta_rho", "e v_F"),
        Variable("residual", "delta_rho", "largest change in one more time step", r"\max|\Delta\rho|"),
        *_both("density_right", "1/a", "density of right-movers", r"\rho^+_l", dims=("site",)),
        *_both("density_left", "1/a", "density of left-movers", r"\rho^-_l", dims=("site",)),
        *_both("bond_current", "e v_F delta_rho", "current along the lattice", "J_l", dims=("bond",)),
    ]
}

CIRCUIT = {
    v.name: v
    for v in [
        *_leads("V/R", "[sigma]"),
        Variable(
            "residual", "1", "voltage missed at the far end, over the bias", r"|V_N - V_N^\mathrm{asked}|/V"
        ),
        Variable("position", "L", "position of the node", "x", dims=("node",)),
        *_both("voltage", "V", "voltage", "V_l", dims=("node",)),
        *_both("bond_current", "V/R", "current along the wire", "J_l", dims=("bond",)),
        *_both("heat", "V^2/R", "heat of the segment", "h_{l,l+1}", dims=("bond",)),
    ]
}


def per_point(variables: Mapping[str, Variable]) -> tuple[str, ...]:
    """Names of the variables that are one number a point: those stored by default."""
    return tuple(name for name, v in variables.items() if not v.dims and not v.by_name)


PER_POINT = per_point(LINEAR)

ALONG_THE_WIRE = frozenset(
    name for table in (NONLINEAR, OF_WIRE, CLASSICAL, CIRCUIT) for name, v in table.items() if v.dims
)
