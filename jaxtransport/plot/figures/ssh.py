"""An SSH chain with a source and a drain: its bands, and a nonreciprocity that its edge states reverse."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from jaxtransport import closed_forms
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure

T2 = "hopping.values[2]"
T1 = 1.0  # the first number of the pattern in both sweeps


def draw(data: Data) -> Figure:
    """(a) G and (b) 2 delta I over t2 / t1 and mu_bar, with the band edges; (c) 2 delta I at mu_bar = 0."""
    over, centre = data["ssh"], data["ssh_centre"]
    figure, (a, b, c) = frame.new(1, 3, width=frame.PAGE, height=2.7)
    maps = (
        (a, over["conductance"], LogNorm(1e-6, 1), frame.style.UNSIGNED_MAP, r"$G$ ($e^2/h$)", "min"),
        (
            b,
            2 * over["injection_response"],
            Normalize(-2, 2),
            frame.style.SIGNED_MAP,
            r"$2\,\delta I$ ($I_g$)",
            "neither",
        ),
    )
    for axes, values, norm, colours, label, extend in maps:
        mesh = axes.pcolormesh(
            over[T2],
            over["mu_bar"],
            values.transpose("mu_bar", T2),
            norm=norm,
            cmap=colours,
            shading="nearest",
            rasterized=True,
        )
        _band_edges(axes, over[T2].values, "black" if axes is b else frame.COLOURS[1])
        axes.set(xlabel="$t_2/t_1$", ylabel=r"$\bar\mu$ ($\gamma_o$)", ylim=(-3, 3))
        figure.colorbar(mesh, ax=axes, orientation="horizontal", location="top", label=label, extend=extend)

    t2 = centre[T2].values
    width, contact_width = (2 * frame.given(centre[key]) ** 2 for key in ("gamma", "contact"))
    for index, N in enumerate(centre["N"].values):
        frame.exact(c, t2, 2 * centre["injection_response"].sel(N=N), index, f"$N = {N}$")
        form = closed_forms.ssh.injection_response(N, T1, t2, width, contact_width)
        frame.dots(c, t2, 2 * form, None if index else "closed form", markersize=2.2)
    frame.zero(c)
    c.set(xscale="log", xlabel="$t_2/t_1$", ylabel=r"$2\,\delta I$ ($I_g$)", xlim=(t2[0], t2[-1]))
    c.set_xticks([0.5, 1, 2], labels=["0.5", "1", "2"])
    c.xaxis.set_minor_formatter("")
    frame.legend(c, loc="lower left", bbox_to_anchor=(0.0, 0.06))
    for axes, name in zip((a, b, c), "abc", strict=True):
        frame.letter(axes, name)
    frame.note(
        figure,
        rf"$t_1 = \gamma_o$, contacts of ${frame.given(over.contact):g}\,\gamma_o$, "
        rf"a source at 2 and a drain at $N - 1$ of $\gamma = {frame.given(over.gamma):g}\,\gamma_o$;  "
        rf"wide bands;  (a, b) $N = {frame.given(over.N):g}$;  (c) $\bar\mu = 0$",
        r"dashed: band edges $|t_1 \pm t_2|$",
    )
    return figure


def _band_edges(axes: Axes, t2: Any, colour: str) -> None:
    for edge in closed_forms.ssh.band_edges(T1, t2):
        for sign in (-1, 1):
            axes.plot(t2, sign * np.asarray(edge), "--", color=colour, linewidth=0.9)


FIGURES = (PaperFigure("ssh", "Edge states and nonreciprocity of an SSH chain", ("ssh", "ssh_centre"), draw),)
