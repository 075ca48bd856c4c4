"""Current through a quantum dot of six levels: a step where a lead meets a level, rounded by temperature."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from jaxtransport.parameters import unit_of_current
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure


def draw(data: Data) -> Figure:
    """I against the bias at several temperatures; dotted where the bias is twice a level of the bare wire."""
    result = data["dot"]
    figure, axes = frame.new(height=2.9)
    bias = result["delta_mu"]
    current = 1e3 * result["current_forward"] * unit_of_current(bias)  # from I_o to e gamma_o / hbar
    levels = 2 * np.cos(np.pi * np.arange(1, 4) / 7)
    for level in levels:
        axes.axvline(2 * level, color="0.6", linewidth=0.7, linestyle=":", zorder=0)
    for index, T in enumerate(result["temperature"].values):
        label = "$T = 0$" if T == 0 else rf"${T:g}\,\gamma_o/k_B$"
        frame.exact(axes, bias, current.sel(temperature=T), index, label)
    axes.set(xlabel=r"$\delta\mu$ ($\gamma_o$)", ylabel=r"current ($10^{-3}\,e\gamma_o/\hbar$)")
    axes.set(xlim=(0, 4), ylim=(0, None))
    frame.legend(axes, loc="lower center", bbox_to_anchor=(0.43, 0.0))  # between two levels
    frame.note(
        figure,
        r"$N = 6$ without reservoirs, contacts of $0.05\,\gamma_o$,  $\bar\mu = 0$",
        r"dotted: $\delta\mu = 2|\epsilon_k|$ with $\epsilon_k = 2\gamma_o\cos(k\pi/7)$",
    )
    return figure


FIGURES = (PaperFigure("dot", "Resonances of a quantum dot without repulsion", ("dot",), draw),)
