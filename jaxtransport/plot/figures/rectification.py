"""Two kinds of probes at a finite bias: elastic ones never rectify, voltage probes do."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure

PROBES = ("voltage", "dephasing")
SWEEPS = (*(f"rectification_{probe}" for probe in PROBES), "rectification_series", "rectification_energies")


def by_energies(transmission: xr.DataArray, bias: np.ndarray, mu_bar: float) -> np.ndarray:
    """I_1 / I_o = int T_eff dw / delta_mu between the potentials of the leads, from T_eff on a fine grid."""
    from scipy.interpolate import CubicSpline

    integral = CubicSpline(transmission["mu_bar"], transmission).antiderivative()
    return (integral(mu_bar + bias / 2) - integral(mu_bar - bias / 2)) / bias


def draw(data: Data) -> Figure:
    """(a) Currents of either bias over I_o; (b) their difference, over I_o."""
    series, energies = data["rectification_series"], data["rectification_energies"]
    figure, (a, b) = frame.new(1, 2, width=frame.PAGE, height=2.8)
    for index, probe in enumerate(PROBES):
        result = data[f"rectification_{probe}"]
        bias = result["delta_mu"].values
        frame.exact(a, bias, result["current_forward"], index, f"{probe} probes")
        frame.exact(a, bias, -result["current_reverse"], index, None, linestyle="--")
        frame.exact(b, bias, result["nonreciprocity"], index, f"{probe} probes")
    dots = by_energies(energies["conductance"], bias, frame.given(series.mu_bar))
    frame.dots(a, bias, dots, r"$\int\!\mathcal{T}_\mathrm{eff}\,d\omega/\delta\mu$")
    b.plot(bias, series["nonreciprocity"], ":", color="black", label="second order")
    frame.zero(b)
    a.set(xlabel=r"$\delta\mu$ ($\gamma_o$)", ylabel=r"$|I_1|$ ($I_o$)", xlim=(0, bias[-1]))
    frame.legend(a, loc="lower left")
    b.set(xlabel=r"$\delta\mu$ ($\gamma_o$)", ylabel=r"$\Delta I$ ($I_o$)", xlim=(0, bias[-1]))
    b.set_ylim(-0.015, 0.2)
    frame.legend(b, loc="lower right", bbox_to_anchor=(1.0, 0.1))
    frame.letter(a, "a")
    frame.letter(b, "b")
    given = {name: frame.given(series[name]) for name in ("N", "width", "contact_width")}
    frame.note(
        figure,
        rf"$N = {given['N']}$, levels at 0 on the left half and at $2\,\gamma_o$ on the right;  "
        + frame.said(series.mu_bar)
        + rf";  a probe of $\Gamma = {given['width']:g}\,\gamma_o$ on every middle site",
        rf"wide bands, $\Gamma_1 = {given['contact_width']:g}\,\gamma_o$;  no source, no drain;  "
        "(a) solid: forward, dashed: reverse",
    )
    return figure


FIGURES = (PaperFigure("rectification", "Which probes rectify", SWEEPS, draw),)
