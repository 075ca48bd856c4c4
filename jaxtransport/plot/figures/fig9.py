"""Fig. 9: nonreciprocity against length for contacts of several strengths."""

from __future__ import annotations

from matplotlib.figure import Figure

from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure


def draw(data: Data) -> Figure:
    """Delta I / I_g against N, one line for each gamma_o - gamma_1."""
    result = data["fig9"]
    injection = frame.given(result.injection)
    figure, axes = frame.new(height=2.9)
    for index, contact in enumerate(result["contact"].values):
        one = result.sel(contact=contact)
        frame.exact(
            axes,
            one["N"],
            one["nonreciprocity"] / injection,
            index,
            rf"$\delta\gamma = {1 - contact:.3g}\,\gamma_o$",
        )
    frame.zero(axes)
    axes.axhline(1.0, color="0.7", linewidth=0.6, linestyle=(0, (2, 2)), zorder=0)
    axes.set(xlabel="$N$", ylabel=r"nonreciprocity $\Delta I$ ($I_g$)", ylim=(-1.15, 1.08))
    axes.margins(x=0.02)
    frame.legend(axes, loc="lower right")
    frame.note(
        figure,
        frame.said(result.gamma, result.mu_bar, result.delta_mu, result.injection)
        + r";  $\delta\gamma = \gamma_o - \gamma_1$",
        frame.WEAK_CONTACTS,
    )
    return figure


FIGURES = (PaperFigure("fig9", "Nonreciprocity against length for weak contacts", ("fig9",), draw),)
