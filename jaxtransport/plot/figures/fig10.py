"""Fig. 10: nonreciprocity of a wire with free stretches against mu_bar, and its two zeros near 1."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure


def draw(data: Data) -> Figure:
    """Delta I / I_g against mu_bar; the inset resolves the zeros."""
    result, close = data["fig10"], data["fig10_inset"]
    injection = frame.given(result.injection)
    figure, axes = frame.new(height=3.0)
    inset = axes.inset_axes((0.13, 0.1, 0.34, 0.38))
    for index, gamma in enumerate(result.gamma.values):
        one, near = result.sel(gamma=gamma), close.sel(gamma=gamma)
        frame.exact(
            axes, one.mu_bar, one["nonreciprocity"] / injection, index, rf"$\gamma = {gamma:g}\,\gamma_o$"
        )
        frame.exact(inset, near.mu_bar, near["nonreciprocity"] / injection, index)
        zeros = sign_changes(near["nonreciprocity"])
        inset.plot(zeros, 0 * zeros, "o", color="black", markersize=2.4)
    frame.zero(axes)
    frame.zero(inset)
    inset.set(xlim=(0.98, 1.004), ylim=(-0.045, 0.06))
    inset.set_xticks([0.985, 1.0])
    inset.tick_params(labelsize=6.5)
    axes.indicate_inset(inset_ax=inset, edgecolor="0.5", linewidth=0.6)
    axes.set(
        xlabel=r"$\bar\mu$ ($\gamma_o$)", ylabel=r"nonreciprocity $\Delta I$ ($I_g$)", ylim=(-0.55, 1.05)
    )
    axes.margins(x=0.02)
    frame.legend(axes, loc="upper right", bbox_to_anchor=(1.0, 0.42))
    frame.note(
        figure,
        "$N = 60$, sources at 2, 8 … 56, drains at 5, 11 … 59,  "
        + frame.said(result.delta_mu, result.injection),
        r"$\gamma$ is not given in the paper;  dots: zeros, at $\bar\mu = 1$ and once more below it",
    )
    return figure


def sign_changes(values: xr.DataArray) -> np.ndarray:
    """Positions where a line through the values crosses or meets zero."""
    x, y = values[values.dims[-1]].values, values.values
    tiny = 1e-13 * np.nanmax(np.abs(y))
    y = np.where(np.abs(y) < tiny, 0.0, y)
    crossing = np.flatnonzero(y[:-1] * y[1:] < 0)
    between = x[crossing] - y[crossing] * (x[crossing + 1] - x[crossing]) / (y[crossing + 1] - y[crossing])
    return np.sort(np.concatenate([between, x[y == 0]]))


FIGURES = (
    PaperFigure(
        "fig10", "Nonreciprocity of a wire with free stretches against mu_bar", ("fig10", "fig10_inset"), draw
    ),
)
