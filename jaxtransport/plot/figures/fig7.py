"""Fig. 7: potentials along wires of 12, 26 and 100 sites, with and without I_g."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from jaxtransport import closed_forms
from jaxtransport.parameters import unit_of_current
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure


def draw(data: Data) -> Figure:
    """Exact profiles under forward bias, and Eq. B37."""
    result = data["fig7"]
    mu_bar, gamma, delta_mu = map(frame.given, (result.mu_bar, result.gamma, result.delta_mu))
    figure, panels = frame.new(3, 1, height=5.2, sharey=True)
    none, driven = result["injection"].values
    I_g = driven * unit_of_current(delta_mu)
    for i, (axes, N) in enumerate(zip(panels, result["N"].values, strict=True)):
        site = np.arange(1, N + 1)
        mu = result["potential_forward"].sel(N=N).isel(site=slice(0, N))
        frame.exact(axes, site, mu.sel(injection=driven), 1, rf"$I_g = {driven:g}\,I_o$", linewidth=0.9)
        frame.exact(axes, site, mu.sel(injection=none), 0, "$I_g = 0$", linestyle=(0, (4, 2)))
        formula = mu_bar + closed_forms.long_wire.profile(N, mu_bar, gamma, delta_mu, I_g)
        axes.plot(
            site[1:-1],
            formula,
            "o",
            color="black",
            markersize=2.6 if N < 50 else 1.4,
            mfc="none",
            mew=0.6,
            label="Eq. B37",
        )
        frame.letter(axes, "abc"[i], f"$N = {N}$")
        axes.set_ylabel(r"$\mu_l$ ($\gamma_o$)")
        axes.margins(x=0.02)
    panels[-1].set_xlabel("site $l$")
    frame.legend(panels[0], loc="lower center", ncols=3, bbox_to_anchor=(0.5, 1.0), columnspacing=1.0)
    frame.note(
        figure,
        frame.said(result.gamma, result.mu_bar, result.delta_mu) + r";  $\gamma$ is not given in the paper",
    )
    return figure


FIGURES = (PaperFigure("fig7", "Potentials along wires of three lengths", ("fig7",), draw),)
