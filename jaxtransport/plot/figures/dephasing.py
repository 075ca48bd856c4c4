"""Voltage probes of wide bands: resistance from coherent to ohmic, and the edge of the band."""

from __future__ import annotations

from matplotlib.figure import Figure

from jaxtransport import closed_forms
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure


def draw(data: Data) -> Figure:
    """(a) R against N with the slope of the bulk; (b) G at the band edge: N^-2, superballistic, 1/N."""
    ohmic, edge = data["dephasing"], data["dephasing_edge"]
    figure, (a, b) = frame.new(1, 2, width=frame.PAGE, height=2.8)
    mu_bar = frame.given(ohmic.mu_bar)
    for index, gamma in enumerate(ohmic.gamma.values):
        R = 1 / ohmic["conductance"].sel(gamma=gamma)
        N = R["N"].values
        frame.exact(a, N, R, index, rf"$\gamma = {gamma:g}\,\gamma_o$")
        slope = closed_forms.dephasing.resistance_per_site(mu_bar, 2 * gamma**2)
        far = N[-1] / 3 <= N
        label = None if index else "slope of the bulk"
        frame.dots(a, N[far], R.values[-1] + slope * (N[far] - N[-1]), label)
    a.set(xlabel="$N$", ylabel="$R$ ($h/e^2$)", xscale="log", yscale="log")
    frame.legend(a, loc="upper left")

    for index, gamma in enumerate(edge.gamma.values):
        G = edge["conductance"].sel(gamma=gamma)
        frame.exact(b, G["N"], G, index, rf"$\gamma = {gamma:g}\,\gamma_o$")
    N, first, last = G["N"].values, edge["conductance"].values[0], edge["conductance"].values[-1]
    short, long = N <= 120, N >= 1000
    b.plot(N[short], first[0] * (N[0] / N[short]) ** 2, ":", color="black", label="$N^{-2}$")
    b.plot(N[long], last[-1] * N[-1] / N[long], "--", color="black", label="$N^{-1}$")
    b.set(xlabel="$N$", ylabel="$G$ ($e^2/h$)", xscale="log", yscale="log")
    b.set_ylim(None, 1.0)
    frame.legend(b, loc="upper right", ncols=2)
    frame.letter(a, "a", "")
    frame.letter(b, "b", "")
    frame.note(
        figure,
        f"(a) {frame.said(ohmic.mu_bar)};  (b) {frame.said(edge.mu_bar)}, the edge of the wire's band;  "
        "wide bands, a voltage probe on every middle site",
    )
    return figure


FIGURES = (
    PaperFigure(
        "dephasing",
        "Voltage probes on every site: from coherent to ohmic, and at the band edge",
        ("dephasing", "dephasing_edge"),
        draw,
    ),
)
