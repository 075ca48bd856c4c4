"""Fig. 5: potentials of source and drain of the short wire against their coupling."""

from __future__ import annotations

from matplotlib.figure import Figure

from jaxtransport import closed_forms
from jaxtransport.band import CHAIN
from jaxtransport.parameters import unit_of_current
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure

SAME = ("color", "linestyle", "linewidth", "marker", "markersize")  # what an inset's lines keep


def draw(data: Data) -> Figure:
    """mu_2 and mu_3 of both biases: exact, by Eq. B31, and by the expansion Eq. 17."""
    result = data["fig5"]
    mu_bar, delta_mu = frame.given(result.mu_bar), frame.given(result.delta_mu)
    I_g = frame.given(result.injection) * unit_of_current(delta_mu)
    gamma = result.gamma.values
    figure, axes = frame.new(height=3.0)
    for index, (bias, sign) in enumerate((("forward", 1), ("reverse", -1))):
        for site, name, dash in ((2, "2", "-"), (3, "3", (0, (4, 2)))):
            mu = result[f"potential_{bias}"].sel(site=site)
            frame.exact(axes, gamma, mu, index, rf"$\mu_{name}$, {bias}", linestyle=dash)
        shift = closed_forms.short_wire.potential_shift(mu_bar, gamma, sign * delta_mu, I_g)
        frame.dots(axes, gamma, mu_bar + shift, None if index else "Eq. B31", markersize=2.2)
        frame.dots(axes, gamma, mu_bar - shift, markersize=2.2)
    weak = closed_forms.short_wire.potential_shift_weak(mu_bar, gamma, I_g)
    for side, label in ((1, "Eq. 17"), (-1, None)):
        axes.plot(gamma, mu_bar + side * weak, ":", color="0.4", linewidth=1.0, label=label)
    inset = axes.inset_axes((0.4, 0.1, 0.57, 0.3))
    for line in axes.get_lines():
        inset.plot(*line.get_data(), **{k: line.properties()[k] for k in SAME})
    inset.set(xlim=(0.4, 1.0), ylim=(0.9, 1.12), yticks=(0.95, 1.05))
    inset.tick_params(labelsize=6.5)
    axes.axhspan(CHAIN.top, 2.6, color="0.9", linewidth=0)
    axes.text(0.98, CHAIN.top + 0.04, "outside the band", ha="right", va="bottom", color="0.35", fontsize=7)
    axes.set(
        xlabel=r"$\gamma$ ($\gamma_o$)",
        ylabel=r"$\mu_2,\ \mu_3$ ($\gamma_o$)",
        ylim=(-0.6, 2.6),
        xlim=(0.08, 1.0),
    )
    frame.legend(axes, loc="lower left", ncols=3, bbox_to_anchor=(-0.12, 1), columnspacing=0.9)
    frame.note(
        figure,
        "$N = 4$,  " + frame.said(result.mu_bar, result.delta_mu, result.injection) + ",  linear response",
    )
    return figure


FIGURES = (PaperFigure("fig5", "Potentials of a short wire against the coupling", ("fig5",), draw),)
