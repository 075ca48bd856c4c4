"""Fig. 3: a long wire's potentials, and nonreciprocity against length for many pairs and for one."""

from __future__ import annotations

from matplotlib.figure import Figure

from jaxtransport import closed_forms
from jaxtransport.parameters import unit_of_current
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure


def draw_potentials(data: Data) -> Figure:
    """Fig. 3a: the profile of N = 30, exact and by Eq. 19."""
    result = data["fig3a"]
    N, mu_bar, gamma = map(frame.given, (result.N, result.mu_bar, result.gamma))
    delta_mu = frame.given(result.delta_mu)
    I_g = frame.given(result.injection) * unit_of_current(delta_mu)
    figure, axes = frame.new()
    for index, (bias, sign) in enumerate((("forward", 1), ("reverse", -1))):
        frame.exact(axes, result["site"], result[f"potential_{bias}"], index, bias, marker=".")
        profile = closed_forms.long_wire.profile(N, mu_bar, gamma, sign * delta_mu, I_g)
        label = None if index else "Eq. 19"
        axes.plot(
            range(2, N),
            mu_bar + profile,
            "o",
            color="black",
            markersize=3.4,
            mfc="none",
            mew=0.7,
            label=label,
        )
    axes.set(xlabel="site $l$", ylabel=r"$\mu_l$ ($\gamma_o$)")
    axes.margins(x=0.02)
    frame.legend(axes, loc="lower left", ncols=3, bbox_to_anchor=(0, 1), columnspacing=1.2)
    frame.note(
        figure, f"$N = {N}$,  " + frame.said(result.gamma, result.mu_bar, result.delta_mu, result.injection)
    )
    return figure


def draw_dimers(data: Data) -> Figure:
    """Fig. 3b: 2 delta J against N for pairs on every site, exact and by Eq. 21."""
    result = data["fig3b"]
    mu_bar, injection = frame.given(result.mu_bar), frame.given(result.injection)
    figure, axes = frame.new()
    for index, gamma in enumerate(result.gamma.values):
        one = result.sel(gamma=gamma)
        N = one["N"].values
        frame.exact(axes, N, one["nonreciprocity"] / injection, index, rf"$\gamma = {gamma:g}\,\gamma_o$")
        frame.dots(
            axes,
            N,
            2 * closed_forms.long_wire.injection_response_printed(N, mu_bar, gamma),
            None if index else "Eq. 21",
            markersize=2.2,
        )
    axes.set(xlabel="$N$", ylabel=r"nonreciprocity $\Delta I$ ($I_g$)", ylim=(0, 1))
    axes.margins(x=0.02)
    frame.legend(axes, loc="lower right")
    frame.note(
        figure,
        frame.said(result.mu_bar, result.delta_mu, result.injection)
        + r";  $\gamma$ is not given in the paper",
    )
    return figure


def draw_pair(data: Data) -> Figure:
    """Fig. 3c: Delta j against N for one pair, exact and by Eq. 22."""
    result = data["fig3c"]
    mu_bar, injection = frame.given(result.mu_bar), frame.given(result.injection)
    figure, axes = frame.new()
    for index, gamma in enumerate(result.gamma.values):
        one = result.sel(gamma=gamma)
        N = one["N"].values
        frame.exact(axes, N, one["nonreciprocity"] / injection, index, rf"$\gamma = {gamma:g}\,\gamma_o$")
        formula = closed_forms.pair.nonreciprocity(N, mu_bar, gamma)
        axes.plot(N, formula, "o", color="black", markersize=2.4, label=None if index else "Eq. 22")
    frame.zero(axes)
    axes.set(xlabel="$N$", ylabel=r"nonreciprocity $\Delta j$ ($I_g$)", xticks=range(6, 41, 6))
    axes.margins(x=0.02)
    frame.legend(axes, loc="lower left", ncols=4, bbox_to_anchor=(-0.12, 1), columnspacing=0.9)
    frame.note(
        figure,
        frame.said(result.mu_bar, result.delta_mu, result.injection)
        + r";  $\gamma$ is not given in the paper",
        r"$\Delta j = 0$ at $N = 6, 9, 12 \ldots$, where half waves fit between source and drain",
    )
    return figure


FIGURES = (
    PaperFigure("fig3a", "Potentials along a long wire", ("fig3a",), draw_potentials),
    PaperFigure("fig3b", "Nonreciprocity against length, pairs on every site", ("fig3b",), draw_dimers),
    PaperFigure("fig3c", "Nonreciprocity against length, one pair", ("fig3c",), draw_pair),
)
