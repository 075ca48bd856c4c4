"""Fig. 6: potentials of source and drain of the short wire against I_g, linear and to third order."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxtransport.band import CHAIN
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure


def draw(data: Data) -> Figure:
    """(a) The physical root against linear response, forward bias; (b) all real roots of Eq. B35."""
    linear, series = data["fig6"], data["fig6_series"]
    figure, (close, wide) = frame.new(1, 2, width=frame.PAGE * 0.75, height=2.8)
    for axes in (close, wide):
        for index, site in enumerate((2, 3)):
            physical = series["potential_forward"].sel(site=site)
            frame.exact(axes, physical["injection"], physical, index, rf"$\mu_{site}$, physical root")
            first = linear["potential_forward"].sel(site=site)
            label = "linear response" if site == 2 else None
            axes.plot(first["injection"], first, ":", color="black", linewidth=1.1, label=label)
        axes.axhline(CHAIN.top, color="0.6", linewidth=0.8)
        axes.set_xlabel(r"$I_g/I_o$")
        axes.margins(x=0.02)
    close.text(0.05, CHAIN.top + 0.01, "band edge", fontsize=7, color="0.35")
    for axes in (close, wide):
        axes.set_ylabel(r"$\mu_2,\ \mu_3$ ($\gamma_o$)")
    close.set_ylim(1.0, 2.2)
    frame.legend(close, loc="lower left")
    _other_roots(wide, series)
    frame.letter(close, "a")
    frame.letter(wide, "b")
    parts = frame.said(linear.gamma, linear.mu_bar, linear.delta_mu)
    frame.note(
        figure,
        f"$N = 4$,  {parts},  forward bias;  "
        + r"$\bar\mu$ and $\gamma$ are not given in the paper: those of Fig. 2c",
    )
    return figure


def _other_roots(axes: Axes, series) -> None:
    roots = series["roots_forward"].isel(root=slice(1, None))
    for index, site in enumerate((2, 3)):
        one = roots.sel(terminal=site).transpose("injection", "root")
        x = np.repeat(one["injection"].values[:, None], one.sizes["root"], axis=1)
        look: dict[str, Any] = {
            "marker": "o^"[index],
            "markersize": 1.6,
            "linestyle": "",
            "color": frame.COLOURS[index],
        }
        axes.plot(
            x[::2].ravel(), one.values[::2].ravel(), alpha=0.45, label=rf"$\mu_{site}$, other roots", **look
        )
    handles, labels = axes.get_legend_handles_labels()
    frame.legend(axes, handles=handles[-2:], labels=labels[-2:], loc="lower left", bbox_to_anchor=(0, 0.36))


FIGURES = (PaperFigure("fig6", "Potentials of a short wire against I_g", ("fig6", "fig6_series"), draw),)
