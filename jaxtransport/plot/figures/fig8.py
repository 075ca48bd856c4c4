"""Fig. 8: nonreciprocity of the short wire against the strength of its contacts."""

from __future__ import annotations

from matplotlib.figure import Figure

from jaxtransport import closed_forms
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure


def draw(data: Data) -> Figure:
    """Delta I / I_g against gamma_o - gamma_1; the inset shows both currents where they cross."""
    result = data["fig8"]
    mu_bar, injection = frame.given(result.mu_bar), frame.given(result.injection)
    weaker = 1.0 - result["contact"].values
    figure, axes = frame.new(height=3.4)
    inset = axes.inset_axes((0.13, 0.1, 0.3, 0.36))
    for index, gamma in enumerate(result.gamma.values):
        one = result.sel(gamma=gamma)
        label = rf"$\gamma = {gamma:g}\,\gamma_o$"
        frame.exact(axes, weaker, one["nonreciprocity"] / injection, index, label)
        zeros = 1.0 - closed_forms.short_wire.contact_zeros(mu_bar, gamma)
        inside = zeros[(zeros > weaker.min()) & (zeros < weaker.max())]
        axes.plot(
            inside, 0 * inside, "o", color="black", label="zeros, in closed form" if index == 0 else None
        )
    middle = result.isel(gamma=1)
    frame.exact(inset, weaker, middle["current_forward"], 4, "forward")
    frame.exact(inset, weaker, -middle["current_reverse"], 5, "reverse", linestyle=(0, (4, 2)))
    zeros = 1.0 - closed_forms.short_wire.contact_zeros(mu_bar, float(middle.gamma))
    zero = float(zeros[(zeros > weaker.min()) & (zeros < weaker.max())][0])
    inset.set_xlim(zero - 0.06, zero + 0.06)
    near = (weaker > zero - 0.06) & (weaker < zero + 0.06)
    low, high = float(middle["current_forward"][near].min()), float(middle["current_forward"][near].max())
    inset.set_ylim(low - 0.004, high + 0.004)
    inset.axvline(zero, color="0.7", linewidth=0.6, zorder=0)
    inset.set_title(rf"$|I_1|$ ($I_o$), $\gamma = {float(middle['gamma']):g}\,\gamma_o$", fontsize=7, pad=2)
    inset.tick_params(labelsize=6.5)
    inset.legend(fontsize=6, loc="lower left", handlelength=1.4)
    frame.zero(axes)
    axes.set(
        xlabel=r"$\delta\gamma = \gamma_o - \gamma_1$ ($\gamma_o$)",
        ylabel=r"nonreciprocity $\Delta I$ ($I_g$)",
    )
    axes.margins(x=0.02)
    frame.legend(axes, loc="lower left", ncols=2, bbox_to_anchor=(0, 1), columnspacing=1.2)
    frame.note(
        figure,
        "$N = 4$,  "
        + frame.said(result.mu_bar, result.delta_mu, result.injection)
        + r";  the paper gives $\delta\mu$ alone",
        frame.WEAK_CONTACTS,
    )
    return figure


FIGURES = (PaperFigure("fig8", "Nonreciprocity of a short wire against its contacts", ("fig8",), draw),)
