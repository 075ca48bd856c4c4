"""Fig. 1: three resistive circuits and the current that flows into each."""

from __future__ import annotations

import itertools
import tomllib
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxtransport import closed_forms
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure

SWEEPS = ("fig1a", "fig1b", "fig1c")


def draw(data: Data) -> Figure:
    """Circuits above, the currents at the left end under both biases below."""
    figure, axes = frame.new(
        2, 3, width=frame.PAGE, height=3.4, sharey="row", gridspec_kw={"height_ratios": (1.0, 1.6)}
    )
    for column, name in enumerate(SWEEPS):
        result = data[name]
        wire = tomllib.loads(result.attrs["spec"])["wire"]
        _circuit(axes[0, column], wire["positions"], wire["strengths"])
        frame.letter(axes[0, column], "abc"[column])
        _currents(axes[1, column], result, "abc"[column])
    axes[1, 0].set_ylabel(r"$I_\mathrm{in}$ ($V/R$)")
    frame.legend(axes[1, 0], loc="upper left")
    frame.note(figure, r"S feeds $I_g$ into the wire, D draws it out; every resistor of a wire is the same")
    return figure


def _currents(axes: Axes, result: xr.Dataset, circuit: str) -> None:
    injection = result["injection"].values
    forward, reverse = result["current_forward"].values, -result["current_reverse"].values
    share = closed_forms.circuit.injection_response(circuit)
    frame.exact(axes, injection, forward, 0, "forward")
    frame.exact(axes, injection, reverse, 1, "reverse", linestyle=(0, (4, 2)))
    frame.dots(axes, injection, 1 - share * injection, "Kirchhoff, by hand")
    frame.dots(axes, injection, 1 + share * injection)
    axes.set_xlabel(r"$I_g$ ($V/R$)")
    axes.set_ylim(0.5, 1.65)


def _circuit(axes: Axes, positions: list[float], strengths: list[float]) -> None:
    """The wire as resistors between its terminals, and the battery that closes the loop."""
    places = [0.0, *positions, 1.0]
    for start, end in itertools.pairwise(places):
        _resistor(axes, start, end)
    for x, strength in zip(positions, strengths, strict=True):
        source = strength > 0
        colour = frame.COLOURS[1] if source else frame.COLOURS[0]
        tail, head = ((x, 0.75), (x, 0.06)) if source else ((x, 0.06), (x, 0.75))
        axes.annotate("", head, tail, arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.2})
        axes.text(x, 0.82, "S" if source else "D", ha="center", va="bottom", color=colour, weight="bold")
        axes.plot(x, 0, "o", color="black", markersize=2.5)
    wire: dict[str, Any] = {"color": "black", "linewidth": 1.0, "solid_capstyle": "round"}
    axes.plot([0, 0, 0.47], [0, -0.75, -0.75], **wire)
    axes.plot([1, 1, 0.53], [0, -0.75, -0.75], **wire)
    axes.plot([0.47, 0.47], [-1.0, -0.5], **wire)  # the longer plate is the positive one
    axes.plot([0.53, 0.53], [-0.88, -0.62], **{**wire, "linewidth": 2.0})
    axes.text(0.5, -1.06, "$V$", ha="center", va="top")
    axes.annotate(
        "", (0.0, -0.22), (0.0, -0.6), arrowprops={"arrowstyle": "-|>", "color": "black", "lw": 1.0}
    )
    axes.text(-0.03, -0.42, r"$I_\mathrm{in}$", ha="right", va="center")
    axes.set(xlim=(-0.22, 1.08), ylim=(-1.5, 1.25))
    axes.axis("off")


def _resistor(axes: Axes, start: float, end: float) -> None:
    """A zigzag in the middle of a stretch of wire."""
    width = 0.11
    middle = (start + end) / 2
    zigzag = np.array([0, 1, -1, 1, -1, 1, -1, 0]) * 0.13
    x = np.concatenate([[start], np.linspace(middle - width / 2, middle + width / 2, len(zigzag)), [end]])
    axes.plot(x, [0, *zigzag, 0], color="black", linewidth=1.0, solid_joinstyle="round")


FIGURES = (PaperFigure("fig1", "Currents of three resistive circuits", SWEEPS, draw),)
