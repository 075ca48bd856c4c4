"""Nonreciprocity from wires far shorter to wires far longer than the scattering length."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from jaxtransport import closed_forms
from jaxtransport.parameters import unit_of_current
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure


def draw(data: Data) -> Figure:
    """(a) N << l_c, against c_N; (b) 2 delta J over N / l_c; (c) Delta I, which falls again beyond N*."""
    short, long = data["regimes_coherent"], data["regimes"]
    figure, (a, b, c) = frame.new(1, 3, width=frame.PAGE, height=2.6)
    gamma = frame.given(short.gamma)
    for index, mu_bar in enumerate(short.mu_bar.values):
        response = short["injection_response"].sel(mu_bar=mu_bar)
        N = response["N"].values
        frame.exact(a, N, 2 * response / gamma**2, index, rf"$\bar\mu = {mu_bar:g}\,\gamma_o$")
        slope = closed_forms.long_wire.weak_coupling_slope(N, mu_bar)
        frame.dots(a, N, slope, None if index else "$c_N$", markersize=2.2)
    a.plot(N, (N - 3) / 2, ":", color="0.4", linewidth=1.0, label="$(N-3)/2$")
    a.set(xlabel="$N$", ylabel=r"$2\,\delta J\,/\,\gamma^2 I_g$", title=r"$N \ll l_c$")
    frame.legend(a, loc="upper left")

    mu_bar = frame.given(long.mu_bar)
    delta_mu, injection = frame.given(long.delta_mu), frame.given(long.injection)
    for index, gamma in enumerate(long.gamma.values):
        one = long.sel(gamma=gamma)
        N = one["N"].values
        l_c = closed_forms.long_wire.scattering_length(mu_bar, gamma)
        frame.exact(
            b, (N - 2) / l_c, 2 * one["injection_response"], index, rf"$\gamma = {gamma:g}\,\gamma_o$"
        )
        frame.exact(c, N, one["nonreciprocity"] / injection, index)
        I_g = injection * unit_of_current(delta_mu)
        turn = closed_forms.long_wire.crossover_length(mu_bar, gamma, delta_mu, I_g)
        if turn < N[-1]:
            c.plot(turn, np.interp(turn, N, one["nonreciprocity"] / injection), "o", color="black")
    x = np.geomspace(0.05, 250, 200)
    b.plot(x, x / (1 + x), ":", color="black", linewidth=1.1, label=r"$x/(1 + x)$")
    b.set(
        xscale="log",
        xlabel=r"$x = (N - 2)/l_c$",
        ylabel=r"$2\,\delta J$ ($I_g$)",
        title=r"$N \sim l_c$",
        ylim=(0, 1.02),
    )
    frame.legend(b, loc="lower right")
    c.set(xscale="log", xlabel="$N$", ylabel=r"$\Delta I$ ($I_g$)", title=r"$N \gg l_c$", ylim=(0, 1.02))
    c.plot([], [], "o", color="black", label="$N^*$")
    frame.legend(c, loc="upper left", handlelength=1.0)
    for axes, name in zip((a, b, c), "abc", strict=True):
        frame.letter(axes, name)
    frame.note(
        figure,
        rf"(a) $\gamma = {frame.given(short.gamma):g}\,\gamma_o$;  (b, c) "
        + frame.said(long.mu_bar, long.delta_mu, long.injection)
        + r";  beyond $N^*$ the current keeps its sign under both biases and $\Delta I = 2G\,\delta\mu$",
    )
    return figure


FIGURES = (
    PaperFigure(
        "regimes",
        "From coherent to diffusive: nonreciprocity against length",
        ("regimes_coherent", "regimes"),
        draw,
    ),
)
