"""Fig. 6: potentials of source and drain of the short wire against I_g, linear and to third order."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.fig5 import BAND_EDGE
from jaxtransport.plot.figures.frame import Data, PaperFigure

SERIES, ROOTS = "fig6_series", "fig6_roots"


def draw(data: Data) -> Figure:
    """mu_2 and mu_3: dotted black in linear response; in colour the physical root of the third order.

    `fig6_series` holds the physical branch along `injection`; `fig6_roots` all real pairs of roots, in
    variables potential_forward and potential_reverse with one more dimension, `root`.
    """
    result = data["fig6"]
    figure, panels = frame.new(1, 2, width=frame.PAGE * 0.72, height=2.7, sharey=True)
    for axes, bias in zip(panels, ("forward", "reverse"), strict=True):
        if ROOTS in data:
            roots = data[ROOTS][f"potential_{bias}"]
            for site in (2, 3):
                one = roots.sel(site=site)
                axes.plot(
                    one["injection"], one.transpose("injection", "root"), ".", color="0.75", markersize=2
                )
        if SERIES in data:
            for index, site in enumerate((2, 3)):
                one = data[SERIES][f"potential_{bias}"].sel(site=site)
                frame.exact(axes, one["injection"], one, index, rf"$\mu_{site}$, third order")
        for site in (2, 3):
            one = result[f"potential_{bias}"].sel(site=site)
            label = "linear response" if site == 2 else None
            axes.plot(one["injection"], one, ":", color="black", linewidth=1.2, label=label)
            end = float(one["injection"][-1])
            axes.text(end, float(one[-1]), rf" $\mu_{site}$", va="center", fontsize=8)
        axes.axhline(BAND_EDGE, color="0.6", linewidth=0.8)
        axes.set(xlabel=r"$I_g/I_o$", title=f"{bias} bias")
        axes.margins(x=0.03)
    lowest = min(float(np.nanmin(result[f"potential_{bias}"])) for bias in ("forward", "reverse"))
    panels[0].set_ylim(min(lowest, 1.0) - 0.05, BAND_EDGE + 0.35)
    panels[0].text(0.05, BAND_EDGE + 0.02, "band edge", fontsize=7, color="0.35")
    panels[0].set_ylabel(r"$\mu_2,\ \mu_3$ ($\gamma_o$)")
    frame.legend(panels[0], loc="lower left")
    parts = frame.said(result, "gamma", "mu_bar", "delta_mu")
    frame.note(
        figure,
        f"$N = 4$,  {parts};  " + r"$\bar\mu$ and $\gamma$ are not given in the paper: those of Fig. 2c",
    )
    return figure


FIGURES = (
    PaperFigure("fig6", "Potentials of a short wire against I_g", ("fig6",), draw, joins=(SERIES, ROOTS)),
)
