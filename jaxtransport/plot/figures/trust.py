"""How far linear response and the third order can be trusted: their distance from the exact law."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure
from jaxtransport.status import OUTSIDE_BAND

SWEEPS = ("trust_linear", "trust_series", "trust_exact")


def draw(data: Data) -> Figure:
    """|Delta I / Ibar - exact| over I_g and gamma, for both laws; white where no exact solution exists."""
    exact = data["trust_exact"]
    figure, panels = frame.new(1, 2, width=frame.PAGE, height=2.9, sharey=True)
    ended = (exact["status"] == OUTSIDE_BAND).transpose("injection", "gamma")
    mesh: Any = None
    for axes, name, title in zip(panels, SWEEPS, ("linear response", "third order"), strict=False):
        off = abs(data[name]["relative_nonreciprocity"] - exact["relative_nonreciprocity"])
        off = off.transpose("injection", "gamma")
        x, y = off.gamma.values, off["injection"].values
        norm = LogNorm(1e-6, 1e-1)
        mesh = axes.pcolormesh(
            x, y, off.values, norm=norm, cmap=frame.style.UNSIGNED_MAP, shading="nearest", rasterized=True
        )
        lines = axes.contour(x, y, off.values, levels=[1e-4, 1e-3, 1e-2], colors="white", linewidths=0.8)
        axes.clabel(lines, fmt=lambda v: rf"$10^{{{np.log10(v):.0f}}}$", fontsize=7)
        axes.contour(x, y, ended.values.astype(float), levels=[0.5], colors="black", linewidths=1.2)
        axes.set(xlabel=r"$\gamma$ ($\gamma_o$)", title=title)
    panels[0].text(0.2, 2.7, "no solution\nin the band", fontsize=7, va="center")
    panels[0].set_ylabel(r"$I_g/I_o$")
    bar = figure.colorbar(mesh, ax=panels, extend="both", pad=0.02)
    bar.set_label(r"error of $\Delta I/\bar{I}$")
    frame.note(figure, "$N = 4$,  " + frame.said(exact.mu_bar, exact.delta_mu))
    return figure


FIGURES = (PaperFigure("trust", "How far to trust linear response and the third order", SWEEPS, draw),)
