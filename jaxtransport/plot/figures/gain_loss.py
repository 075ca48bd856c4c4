"""An SSH chain with gain and loss: half a quantum of conductance, and how edge states lead to it."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from jaxtransport import closed_forms
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure

SWEEPS = ("gain_loss_6", "gain_loss_10", "gain_loss_20")
T2 = "hopping.values[2]"
T1 = 1.0  # the first number of the pattern in all sweeps


def draw(data: Data) -> Figure:
    """G against the broadening of gain and loss in three lengths: (a) topological, (b) trivial chains."""
    sweeps = [data[name] for name in SWEEPS]
    figure, axes = frame.new(1, 2, width=frame.PAGE, height=2.8, sharey=True)
    contact = frame.given(sweeps[0].contact_width)
    width = sweeps[0].width.values
    for panel, t2, name in zip(axes, sweeps[0][T2].values[::-1], "ab", strict=True):
        for index, sweep in enumerate(sweeps):
            frame.exact(
                panel, width, sweep["conductance"].sel({T2: t2}), index, f"$N = {frame.given(sweep.N)}$"
            )
        form = closed_forms.gain_loss.conductance(width, T1, t2, contact)
        frame.dots(panel, width, form, r"$N \to \infty$", markersize=2.6)
        for half in closed_forms.gain_loss.widths_of_half(T1, t2, contact):
            if np.isfinite(half):
                panel.axvline(half, ymax=0.86, color="0.7", linewidth=0.6, linestyle=":", zorder=0)
        panel.axhline(0.5, color="0.7", linewidth=0.6, zorder=0)
        kind = "edge states" if t2 > T1 else "no edge states"
        panel.set(xlabel=r"$\Gamma$ ($\gamma_o$)", xscale="log", xlim=(width[0], width[-1]), ylim=(0, 1.02))
        frame.letter(panel, name, rf"$t_2 = {t2:g}\,t_1$, {kind}")
    axes[0].set_ylabel("$G$ ($e^2/h$)")
    frame.legend(axes[1], loc="upper left", bbox_to_anchor=(0.0, 0.9))
    frame.note(
        figure,
        rf"$\bar\mu = 0$, $t_1 = \gamma_o$, wide bands of $\Gamma_1 = {contact:g}\,\gamma_o$ at the ends;  "
        r"gain or loss of broadening $\Gamma$ on every middle site",
        r"dotted: where $G = e^2/2h$ for $N \to \infty$",
    )
    return figure


FIGURES = (PaperFigure("gain_loss", "Half a quantum of conductance by gain and loss", SWEEPS, draw),)
