"""Heat and density along wires of three lengths, against Eqs. B51 and B52."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from jaxtransport import closed_forms
from jaxtransport.parameters import unit_of_current
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure


def draw_heat(data: Data) -> Figure:
    """h_l of every middle site, both biases, and the bulk value of Eq. B52."""
    result = data["bulk"]
    mu_bar, gamma, delta_mu = map(frame.given, (result.mu_bar, result.gamma, result.delta_mu))
    I_g = frame.given(result.injection) * unit_of_current(delta_mu)
    figure, panels = frame.new(3, 1, height=5.2)
    for i, (axes, N) in enumerate(zip(panels, result["N"].values, strict=True)):
        site = np.arange(2, N)
        for index, (bias, sign) in enumerate((("forward", 1), ("reverse", -1))):
            h = result[f"heat_{bias}"].sel(N=N, site=site)
            look = {"linestyle": (0, (4, 2))} if index else {}
            frame.exact(axes, site, 1e4 * h, index, bias, marker="." if N < 50 else "", **look)
            formula = closed_forms.long_wire.heat(N, mu_bar, gamma, sign * delta_mu, I_g)
            axes.plot(
                [2, N - 1],
                [1e4 * formula] * 2,
                color=frame.COLOURS[index],
                linewidth=1.0,
                linestyle=(0, (1, 1.5)),
            )
        frame.letter(axes, "abc"[i], f"$N = {N}$")
        axes.set_ylim(top=axes.get_ylim()[0] + 1.18 * np.diff(axes.get_ylim())[0])
        axes.set_ylabel(r"$h_l$ ($10^{-4}\,\gamma_o^2/\hbar$)")
        axes.margins(x=0.02)
    panels[0].plot([], [], color="0.3", linestyle=(0, (1, 1.5)), label="Eq. B52")
    panels[-1].set_xlabel("site $l$")
    frame.legend(panels[0], loc="lower center", ncols=3, bbox_to_anchor=(0.5, 1.0), columnspacing=1.0)
    frame.note(figure, frame.said(result.gamma, result.mu_bar, result.delta_mu, result.injection))
    return figure


def draw_density(data: Data) -> Figure:
    """delta n_l along the wire, and Eq. B51 on its middle sites."""
    result = data["bulk"]
    N = int(result["N"].values[1])
    mu_bar, gamma, delta_mu = map(frame.given, (result.mu_bar, result.gamma, result.delta_mu))
    I_g = frame.given(result.injection) * unit_of_current(delta_mu)
    site = np.arange(1, N + 1)
    figure, axes = frame.new()
    for index, bias in enumerate(("forward", "reverse")):
        n = result[f"density_{bias}"].sel(N=N, site=site)
        look = {"linestyle": (0, (4, 2))} if index else {}
        frame.exact(axes, site, 1e3 * n, index, bias, **look)
    middle = site[1:-1]
    formula = closed_forms.long_wire.density(middle, mu_bar, gamma, I_g)
    axes.plot(middle, 1e3 * formula, "o", color="black", markersize=2.6, label="Eq. B51")
    frame.zero(axes)
    axes.set(xlabel="site $l$", ylabel=r"$\delta n_l$ ($10^{-3}$)")
    axes.margins(x=0.02)
    frame.legend(axes, loc="lower left", ncols=3, bbox_to_anchor=(0, 1), columnspacing=1.2)
    frame.note(
        figure, f"$N = {N}$,  " + frame.said(result.gamma, result.mu_bar, result.delta_mu, result.injection)
    )
    return figure


FIGURES = (
    PaperFigure("heat", "Heat along wires of three lengths", ("bulk",), draw_heat),
    PaperFigure("density", "Density over local equilibrium along a wire", ("bulk",), draw_density),
)
