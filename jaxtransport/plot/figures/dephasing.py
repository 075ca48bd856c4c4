"""Voltage probes of wide bands: resistance from coherent to ohmic, and the edge of the band."""

from __future__ import annotations

from matplotlib.figure import Figure

from jaxtransport import closed_forms
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure


def draw(data: Data) -> Figure:
    """(a) R against N with the slope of the bulk; (b) G at the band edge: N^-2, superballistic, ohmic."""
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
    N, mu_bar = edge["N"].values, frame.given(edge.mu_bar)
    contact_width = 2 * frame.given(edge.contact) ** 2
    coherent = closed_forms.molecule.transmission(N, mu_bar, 0.0, 1.0, contact_width, contact_width)
    b.plot(N, coherent, ":", color="black", label="no probes, $N^{-2}$")
    far = N[N >= 1000]
    per_site = closed_forms.dephasing.resistance_per_site(mu_bar, 2 * edge.gamma.values[-1] ** 2)
    b.plot(far, 1 / (per_site * far), "--", color="black", label="$1/(N\\,dR/dN)$")
    b.set(xlabel="$N$", ylabel="$G$ ($e^2/h$)", xscale="log", yscale="log")
    b.set_ylim(3e-5, 2.0)
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
