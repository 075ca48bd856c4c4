"""White noise on a chain: from ballistic to diffusive, and the occupation along it."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from jaxtransport import closed_forms
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure


def draw(data: Data) -> Figure:
    """(a) Difference of occupations over current against N; (b) occupations along the wire."""
    noise = data["white_noise"]
    figure, (a, b) = frame.new(1, 2, width=frame.PAGE, height=2.8)
    lead = frame.given(noise.contact_width)
    J = noise["current_forward"] * frame.given(noise.delta_mu) / (2 * np.pi)
    N = noise["N"].values
    longest = N[-1]
    site = np.arange(2, longest, 2)
    for index, width in enumerate(noise.width.values):
        name, form = rf"$\Gamma = {width:g}\,\gamma_o$", None if index else "closed form"
        frame.exact(a, N, 1 / J.sel(width=width), index, name)
        frame.dots(a, N, closed_forms.white_noise.resistance(N, width, lead, lead), form)
        n = noise["occupation_forward"].sel(width=width, N=longest)
        frame.exact(b, n["site"], n, index, name)
        frame.dots(b, site, closed_forms.white_noise.occupation(site, longest, width, lead, lead), form)
    a.set(xlabel="$N$", ylabel=r"$\Delta n/J$ ($\hbar/\gamma_o$)", xscale="log", yscale="log")
    a.set_xticks([2, 5, 10, 20, 40], labels=["2", "5", "10", "20", "40"])
    a.xaxis.set_minor_formatter("")
    frame.legend(a, loc="upper left")
    b.set(xlabel="site $l$", ylabel="occupation $n_l$", xlim=(0, longest + 1))
    frame.legend(b, loc="upper right")
    frame.letter(a, "a")
    frame.letter(b, "b")
    frame.note(
        figure,
        rf"leads of occupation 1 and 0, wide bands of $\Gamma_1 = {lead:g}\,\gamma_o$;  "
        rf"a white probe of broadening $\Gamma$ on every middle site;  (b) $N = {longest}$",
    )
    return figure


FIGURES = (
    PaperFigure("white_noise", "White noise: from ballistic to diffusive transport", ("white_noise",), draw),
)
