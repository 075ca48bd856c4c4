"""Fig. 4: one pair is reciprocal where a whole number of half Fermi waves fits between S and D."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxtransport import closed_forms
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure


def draw(data: Data) -> Figure:
    """The wire with its standing wave above; below, Delta j against the length in half waves."""
    result = data["fig4"]
    figure, (sketch, axes) = frame.new(2, 1, height=3.6, gridspec_kw={"height_ratios": (1.0, 2.3)})
    _sketch(sketch)
    gamma = frame.given(result.gamma)
    for index, mu_bar in enumerate(result.mu_bar.values):
        one = result.sel(mu_bar=mu_bar)
        N = one["N"].values
        fine = np.linspace(N[0], N[-1], 1200)
        half_waves = closed_forms.pair.half_wavelengths(N, mu_bar)
        curve = closed_forms.pair.nonreciprocity(fine, mu_bar, gamma)
        waves = closed_forms.pair.half_wavelengths(fine, mu_bar)
        sites = round(np.pi / np.arccos(mu_bar / 2))
        shown = waves <= 6.02
        frame.exact(axes, waves[shown], curve[shown], index, linewidth=0.8)
        shown = half_waves <= 6.02
        values = 2 * one["injection_response"].values
        label = rf"$\bar\mu = {mu_bar:.4g}\,\gamma_o$, $\lambda_F/2 = {sites}$"
        axes.plot(
            half_waves[shown],
            values[shown],
            frame.style.MARKERS[index],
            color=frame.COLOURS[index],
            label=label,
        )
    frame.zero(axes)
    axes.set(xlabel=r"$(N-3)\,/\,(\lambda_F/2)$", ylabel=r"$\Delta j$ ($I_g$)", xticks=range(7))
    axes.grid(axis="x", color="0.88", linewidth=0.6)
    frame.legend(
        axes, loc="lower left", ncols=2, bbox_to_anchor=(-0.17, 1), columnspacing=0.8, handletextpad=0.1
    )
    frame.note(
        figure,
        frame.said(result.gamma) + ";  marks: exact, at whole $N$; lines: Eq. 22",
        r"others: second family, $\gamma^2\sin(N{-}3)k = 2\sin k\,\cos(N{-}2)k$, $2\cos k = \bar\mu$",
    )
    return figure


def _sketch(axes: Axes, sites: int = 12, half_waves: int = 3) -> None:
    """Sites of the wire, S on the second and D on the last but one, three half waves between them."""
    x = np.arange(1, sites + 1)
    axes.plot(x, np.zeros(sites), "o-", color="0.6", markersize=4, linewidth=1, zorder=1)
    between = np.linspace(2, sites - 1, 300)
    wave = 0.55 * np.sin(np.pi * half_waves * (between - 2) / (sites - 3))
    axes.plot(between, wave, color=frame.COLOURS[3], zorder=2)
    for site, name, colour in ((2, "S", frame.COLOURS[1]), (sites - 1, "D", frame.COLOURS[0])):
        head, tail = ((site, 0.08), (site, 0.95)) if name == "S" else ((site, 0.95), (site, 0.08))
        axes.annotate("", head, tail, arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.2})
        axes.text(site, 1.0, name, ha="center", va="bottom", color=colour, weight="bold")
        axes.plot(site, 0, "o", color=colour, markersize=5, zorder=3)
    axes.text(0.6, 0, "L", ha="right", va="center")
    axes.text(sites + 0.4, 0, "R", ha="left", va="center")
    axes.annotate("", (2, -0.85), (sites - 1, -0.85), arrowprops={"arrowstyle": "<->", "lw": 0.8})
    axes.text((sites + 1) / 2, -0.95, r"$N - 3 = m\,\lambda_F/2$", ha="center", va="top")
    axes.set(xlim=(-0.3, sites + 1.3), ylim=(-1.6, 1.6))
    axes.axis("off")


FIGURES = (PaperFigure("fig4", "Where half waves fit, one pair is reciprocal", ("fig4",), draw),)
