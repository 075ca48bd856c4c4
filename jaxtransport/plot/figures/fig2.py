"""Figs. 2b and 2c: the short wire, N = 4, in linear response and beyond."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from jaxtransport import closed_forms
from jaxtransport.parameters import unit_of_current
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure
from jaxtransport.status import OUTSIDE_BAND


def draw_potentials(data: Data) -> Figure:
    """Fig. 2b: potentials of leads, source and drain, both biases, with and without I_g."""
    result = data["fig2b"]
    figure, axes = frame.new(1, 2, width=frame.COLUMN * 1.35, height=2.4, sharey=True)
    mu_bar, gamma = frame.given(result.mu_bar), frame.given(result.gamma)
    delta_mu = frame.given(result.delta_mu)
    site = result["site"].values
    for panel, injection in zip(axes, result["injection"].values, strict=True):
        for index, (bias, sign) in enumerate((("forward", 1), ("reverse", -1))):
            mu = result[f"potential_{bias}"].sel(injection=injection).values
            frame.exact(panel, site, mu, index, bias, marker="s", markersize=3.5)
            I_g = injection * unit_of_current(delta_mu)
            shift = closed_forms.short_wire.potential_shift(mu_bar, gamma, sign * delta_mu, I_g)
            frame.dots(
                panel, [2, 3], [mu_bar + shift, mu_bar - shift], "Eq. B31" if index else None, markersize=2.2
            )
        panel.set_xticks(site, ["L", "S", "D", "R"])
        panel.set_title(rf"$I_g = {injection:g}\,I_o$")
        panel.margins(x=0.08)
    axes[0].set_ylabel(r"$\mu_l$ ($\gamma_o$)")
    frame.legend(axes[0], loc="lower center")
    for panel in axes:
        panel.set_xlabel("reservoir")
    frame.note(figure, "$N = 4$,  " + frame.said(result.gamma, result.mu_bar, result.delta_mu))
    return figure


def draw_relative(data: Data) -> Figure:
    """Fig. 2c: Delta I / Ibar against I_g: linear response, third order, and exact to the end of the band."""
    linear, third, exact = (data[name]["relative_nonreciprocity"] for name in RELATIVE)
    ended = data["fig2c_exact"]["status"] == OUTSIDE_BAND
    figure, axes = frame.new(height=3.3)
    thin: dict[str, Any] = {"linewidth": 0.8, "linestyle": (0, (4, 2))}
    for index, gamma in enumerate(linear.gamma.values):
        x = linear["injection"].values
        frame.exact(axes, x, linear.sel(gamma=gamma), index, **thin)
        frame.exact(axes, x, third.sel(gamma=gamma), index, rf"$\gamma = {gamma:g}\,\gamma_o$")
        solved = ~ended.sel(gamma=gamma).values
        values = exact.sel(gamma=gamma).values
        frame.dots(axes, x[solved], values[solved], None if index else "exact", markersize=2.2)
        if not solved.all():
            axes.plot(x[solved][-1], values[solved][-1], "x", color="black", markersize=6)
    axes.plot([], [], color="0.4", label="third order")
    axes.plot([], [], color="0.4", label="linear response", **thin)
    axes.plot([], [], "x", color="black", markersize=6, label="no solution beyond")
    frame.zero(axes)
    axes.set(xlabel=r"$I_g/I_o$", ylabel=r"relative nonreciprocity $\Delta I/\bar{I}$")
    frame.legend(axes, loc="lower left", ncols=2, bbox_to_anchor=(0, 1), columnspacing=1.4)
    frame.note(
        figure,
        "$N = 4$,  "
        + frame.said(data["fig2c"].mu_bar, data["fig2c"].delta_mu)
        + r";  $\gamma$ is not given in the paper",
        r"at the cross $\mu_2$ reaches the band edge; the third order is formal beyond",
    )
    return figure


RELATIVE = ("fig2c", "fig2c_series", "fig2c_exact")
FIGURES = (
    PaperFigure("fig2b", "Potentials of a short wire", ("fig2b",), draw_potentials),
    PaperFigure("fig2c", "Relative nonreciprocity of a short wire against I_g", RELATIVE, draw_relative),
)
