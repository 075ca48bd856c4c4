"""A molecule off resonance: tunnelling through short ones, hopping by way of probes through long ones."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from jaxtransport import closed_forms
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure


def draw(data: Data) -> Figure:
    """(a) G against N with probes of several couplings; (b) the decay of G per level against mu_bar."""
    probes, bare = data["molecule"], data["molecule_bare"]
    figure, (a, b) = frame.new(1, 2, width=frame.PAGE, height=2.9)
    mu_bar, onsite, hopping = (frame.given(probes[key]) for key in ("mu_bar", "onsite", "hopping"))
    width = 2 * frame.given(probes["contact"]) ** 2

    none = bare["conductance"].sel(mu_bar=mu_bar, method="nearest")
    N = none["N"].values
    frame.exact(a, N, none, 4, "no probes")
    for index, gamma in enumerate(probes["gamma"].values):
        G = probes["conductance"].sel(gamma=gamma)
        frame.exact(a, G["N"], G, index, rf"$\gamma = {gamma:g}\,\gamma_o$")
        per_site = closed_forms.dephasing.resistance_per_site(
            (mu_bar - onsite) / hopping, 2 * gamma**2 / hopping
        )
        far = G["N"].values[G["N"].values >= 40]
        a.plot(far, 1 / (per_site * far), "--", color="black", label=None if index else r"$1/(N\,dR/dN)$")
    few = N[N <= 13]
    frame.dots(
        a, few, closed_forms.molecule.transmission(few, mu_bar, onsite, hopping, width, width), "closed form"
    )
    a.set(xlabel="$N$", ylabel="$G$ ($e^2/h$)", xscale="log", yscale="log", xlim=(1.8, 230), ylim=(1e-13, 1))
    frame.legend(a, loc="upper right", ncols=2, columnspacing=1.2)

    energy = bare["mu_bar"].values
    for index, (first, last) in enumerate(((2, 6), (22, 42))):
        G = bare["conductance"]
        fall = np.log(G.sel(N=first) / G.sel(N=last)) / (last - first)
        frame.exact(b, energy, fall, index, f"$N = {first}$ to ${last}$", linewidth=1.0)
    beta = closed_forms.molecule.decay(energy, onsite, hopping)
    frame.dots(b, energy, beta, r"$\beta = 2\,\mathrm{arcosh}\,(|\bar\mu - \varepsilon|/2v)$")
    frame.zero(b)
    b.set(xlabel=r"$\bar\mu$ ($\gamma_o$)", ylabel=r"$-\,d\,\ln G/dN$", xlim=(energy[0], energy[-1]))
    b.set_ylim(-0.6, 4.9)
    frame.legend(b, loc="upper center")
    frame.letter(a, "a")
    frame.letter(b, "b")
    frame.note(
        figure,
        rf"$N$ levels at $\varepsilon = {onsite:g}\,\gamma_o$, hopping $v = {hopping:g}\,\gamma_o$, "
        rf"between wide bands of $\Gamma = {width:g}\,\gamma_o$;  "
        + "(a) "
        + frame.said(probes["mu_bar"])
        + ", a voltage probe on every middle level",
    )
    return figure


FIGURES = (
    PaperFigure(
        "molecule",
        "A molecule off resonance: from tunnelling to hopping",
        ("molecule", "molecule_bare"),
        draw,
    ),
)
