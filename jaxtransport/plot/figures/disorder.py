"""Disordered wires with a source and a drain: typical conductance, and how the nonreciprocity spreads."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from jaxtransport import closed_forms
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure

WIDTH, SEED = "onsite.width", "onsite.seed"
SHOWN = 4.1  # xi: beyond it nearly all wires have 2 delta I = 2 I_g
SHADED = 1.0  # the width of the disorder whose quantiles are shaded


def draw(data: Data) -> Figure:
    """(a) <ln G>, (b) mean and spread of 2 delta I, (c) quantiles of Delta I, against N / xi."""
    wires = data["disorder"]
    figure, (a, b, c) = frame.new(1, 3, width=frame.PAGE, height=2.7)
    mu_bar, injection = frame.given(wires.mu_bar), frame.given(wires.injection)
    for index, width in enumerate(wires[WIDTH].values):
        one = wires.sel({WIDTH: width})
        x = one["N"].values / closed_forms.disorder.localisation_length(mu_bar, width)
        look: dict[str, Any] = {"marker": "o", "markersize": 2.8, "linestyle": ""}
        frame.exact(
            a, x, np.log(one["conductance"].values).mean(-1), index, rf"$W = {width:g}\,\gamma_o$", **look
        )
        response = 2 * one["injection_response"]
        frame.exact(b, x, response.mean(SEED), index, **look)
        frame.exact(b, x, response.std(SEED), index, **look, markerfacecolor="white", zorder=1)
        low, middle, high = (one["nonreciprocity"] / injection).quantile([0.1, 0.5, 0.9], SEED).values
        if width == SHADED:
            c.fill_between(x, low, high, color=frame.COLOURS[index], alpha=0.25, linewidth=0)
        frame.exact(c, x, middle, index, marker="o", markersize=2.4, linewidth=0.8)

    x = np.geomspace(1e-3, SHOWN, 300)
    black: dict[str, Any] = {"color": "black", "linewidth": 1.0, "zorder": 5}
    a.plot(x, -2 * x, **black, label=r"$-2N/\xi$")
    b.plot(x, 2 * closed_forms.disorder.mean_response(x), **black)
    b.plot(x, 2 * closed_forms.disorder.response_deviation(x), **black)
    b.plot([], [], "o", color="0.4", label="mean")
    b.plot([], [], "o", color="0.4", markerfacecolor="white", label="deviation")
    b.plot([], [], color="black", linewidth=1.0, label="closed forms")
    tail = x[x > 1.5]
    c.plot(tail, 2 * np.exp(-2 * tail) / injection, **black, label=r"$2 I_o\,e^{-2N/\xi}$")
    a.set(xlabel=r"$N/\xi$", ylabel=r"$\langle\ln G\rangle$, $G$ in $e^2/h$", xlim=(0, SHOWN))
    a.set_ylim(-2 * SHOWN - 0.3, 0.2)
    b.set(xlabel=r"$N/\xi$", ylabel=r"$2\,\delta I$ ($I_g$)", xlim=(0, SHOWN), ylim=(-0.1, 2.05))
    c.set(xlabel=r"$N/\xi$", ylabel=r"$\Delta I$ ($I_g$)", xlim=(0, SHOWN), ylim=(-0.7, 2.05))
    frame.legend(a, loc="lower left")
    for axes in (b, c):
        frame.zero(axes)
    frame.legend(b, loc="center right", bbox_to_anchor=(1.0, 0.58))
    frame.legend(c, loc="upper right")
    for axes, name in zip((a, b, c), "abc", strict=True):
        frame.letter(axes, name)
    frame.note(
        figure,
        f"{wires.sizes[SEED]} wires a point;  a source at 2 and a drain at $N - 1$;  "
        + frame.said(wires.mu_bar, wires.gamma, wires.injection)
        + r";  $\xi = 24(4 - \bar\mu^2)/W^2$",
        rf"(c) medians;  shaded: from 10 to 90 % of the wires of $W = {SHADED:g}\,\gamma_o$",
    )
    return figure


FIGURES = (
    PaperFigure("disorder", "Nonreciprocity of disordered wires, and its spread", ("disorder",), draw),
)
