"""Figs. 2b and 2c: the short wire, N = 4, in linear response and beyond."""

from __future__ import annotations

from matplotlib.figure import Figure

from jaxtransport import closed_forms
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure


def draw_potentials(data: Data) -> Figure:
    """Fig. 2b: potentials of leads, source and drain, both biases, with and without I_g."""
    result = data["fig2b"]
    figure, axes = frame.new(1, 2, width=frame.COLUMN * 1.35, height=2.4, sharey=True)
    mu_bar, gamma = frame.given(result, "mu_bar"), frame.given(result, "gamma")
    delta_mu = frame.given(result, "delta_mu")
    site = result["site"].values
    for panel, injection in zip(axes, result["injection"].values, strict=True):
        for index, (bias, sign) in enumerate((("forward", 1), ("reverse", -1))):
            mu = result[f"potential_{bias}"].sel(injection=injection).values
            frame.exact(panel, site, mu, index, bias, marker="s", markersize=3.5)
            I_g = injection * frame.unit_of_current(delta_mu)
            shift = closed_forms.short_wire.potential_shift(mu_bar, gamma, sign * delta_mu, I_g)
            frame.dots(
                panel, [2, 3], [mu_bar + shift, mu_bar - shift], "Eq. B31" if index else None, markersize=2.2
            )
        panel.set_xticks(site, ["L", "S", "D", "R"])
        panel.set_title(rf"$I_g = {injection:g}\,I_o$")
        panel.margins(x=0.08)
    axes[0].set_ylabel(r"$\mu_l$ ($\gamma_o$)")
    frame.legend(axes[0], loc="lower center")
    for panel in axes:
        panel.set_xlabel("reservoir")
    frame.note(figure, "$N = 4$,  " + frame.said(result, "gamma", "mu_bar", "delta_mu"))
    return figure


def draw_relative(data: Data) -> Figure:
    """Fig. 2c: Delta I / Ibar against I_g; thin lines linear response, thick ones the nonlinear law."""
    result = data["fig2c"]
    beyond = {law: data[name] for law, name in LAWS.items() if name in data}
    figure, axes = frame.new(height=2.8)
    for index, gamma in enumerate(result["gamma"].values):
        linear = result["relative_nonreciprocity"].sel(gamma=gamma)
        label = rf"$\gamma = {gamma:g}\,\gamma_o$"
        thin = {"linewidth": 0.8, "linestyle": (0, (4, 2))} if beyond else {}
        frame.exact(axes, linear["injection"], linear, index, None if beyond else label, **thin)
        for law, other in beyond.items():
            values = other["relative_nonreciprocity"].sel(gamma=gamma)
            look = {"linestyle": ":"} if law == "exact" else {}
            frame.exact(axes, values["injection"], values, index, label if law == "series" else None, **look)
        if not beyond:
            mu_bar = frame.given(result, "mu_bar")
            G = closed_forms.short_wire.conductance(mu_bar, gamma)
            r = closed_forms.short_wire.injection_response(mu_bar, gamma)
            frame.dots(
                axes,
                linear["injection"],
                2 * r / G * linear["injection"],
                _once(index, "Eqs. B32, B33"),
                markersize=2,
            )
    frame.zero(axes)
    axes.set(xlabel=r"$I_g/I_o$", ylabel=r"relative nonreciprocity $\Delta I/\bar{I}$")
    frame.legend(axes, loc="upper left")
    which = "solid: third order; dashed: linear response" if beyond else "linear response"
    if "exact" in beyond:
        which += "; dotted: exact, up to where a potential reaches the band edge"
    frame.note(
        figure,
        "$N = 4$,  " + frame.said(result, "mu_bar", "delta_mu") + r";  $\gamma$ is not given in the paper",
        which,
    )
    return figure


def _once(index: int, label: str) -> str | None:
    return label if index == 0 else None


LAWS = {"series": "fig2c_series", "exact": "fig2c_exact"}
FIGURES = (
    PaperFigure("fig2b", "Potentials of a short wire", ("fig2b",), draw_potentials),
    PaperFigure(
        "fig2c",
        "Relative nonreciprocity of a short wire against I_g",
        ("fig2c",),
        draw_relative,
        joins=tuple(LAWS.values()),
    ),
)
