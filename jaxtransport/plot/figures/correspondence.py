"""The quantum wire against the classical lattice of the same scattering length (Eqs. 9 and 21)."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from jaxtransport import closed_forms
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure


def draw(data: Data) -> Figure:
    """2 delta I / I_g of both models, and how far the classical one and Eq. 21 are from the quantum one."""
    quantum, classical = data["regimes"], data["correspondence"]
    mu_bar = frame.given(quantum.mu_bar)
    figure, (above, below) = frame.new(2, 1, height=4.6, sharex=True)
    for index, (gamma, p) in enumerate(zip(quantum.gamma.values, classical["p"].values, strict=True)):
        N = quantum["N"].values
        exact = 2 * quantum["injection_response"].sel(gamma=gamma).values
        lattice = 2 * classical["injection_response"].sel(p=p).values
        frame.exact(above, N, exact, index, rf"$\gamma = {gamma:g}\,\gamma_o$")
        frame.dots(above, N, lattice, None if index else "classical", markersize=2.2)
        frame.exact(below, N, np.abs(lattice - exact), index)
        printed = 2 * closed_forms.long_wire.injection_response_printed(N, mu_bar, gamma)
        frame.exact(below, N, np.abs(printed - exact), index, linestyle=":", linewidth=1.0)
    guide = np.array([60.0, 2000.0])
    below.plot(guide, 1.2 / guide, color="0.4", linewidth=0.8)
    below.text(350, 1.6 / 350, r"$\propto 1/N$", color="0.3", fontsize=7)
    below.plot([], [], color="0.3", label="classical lattice")
    below.plot([], [], ":", color="0.3", label="Eq. 21")
    above.set(xscale="log", ylabel=r"$2\,\delta I$ ($I_g$)", ylim=(0, 1.02))
    below.set(yscale="log", xlabel="$N$", ylabel=r"distance from quantum ($I_g$)", ylim=(1e-5, 1))
    frame.legend(above, loc="lower right")
    frame.legend(below, loc="lower left")
    frame.letter(above, "a")
    frame.letter(below, "b")
    frame.note(
        figure, frame.said(quantum.mu_bar) + ";  classical: $p = 1 - a/l_c$ with $l_c(\\bar\\mu, \\gamma)$"
    )
    return figure


FIGURES = (
    PaperFigure(
        "correspondence", "The quantum wire and the classical lattice", ("regimes", "correspondence"), draw
    ),
)
