"""Names, dimensions and units of everything a quantum sweep can store. Host data: no JAX.

Currents are positive from a reservoir into the wire (I_l) or from site l to l+1 (J_l), in units of
I_o = e delta mu / 2 pi hbar. Forward means delta mu > 0.
"""

from __future__ import annotations

from dataclasses import dataclass


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


def _both(name, unit, long_name, symbol, **kw):
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
        *_both("potential", "gamma_o", "chemical potential", r"\mu_l", **_SITE),
        *_both("site_current", "I_o", "current into the wire", "I_l", **_SITE),
        *_both("bond_current", "I_o", "current along the wire", "J_l", **_BOND),
        *_both("heat", "gamma_o^2/hbar", "heat into the reservoir", "h_l", **_SITE),
        *_both("density", "1", "density over local equilibrium", r"\delta n_l", **_SITE),
    ]
}

PER_POINT = tuple(name for name, v in LINEAR.items() if not v.dims)
