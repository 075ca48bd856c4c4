"""The Aubry-Andre chain: extended, critical and localised, and what voltage probes do to each."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxtransport import closed_forms
from jaxtransport.plot.figures import frame
from jaxtransport.plot.figures.frame import Data, PaperFigure

AMPLITUDE, PHASE = "onsite.amplitude", "onsite.phase"
LAW = r"$e^{2N/\xi}$, $\xi = 1/\ln(A/2\gamma_o)$"
FREQUENCY = (np.sqrt(5) - 1) / 2
HIGHEST = 1e9  # R on show; localised chains go on to 1e191


def draw(data: Data) -> Figure:
    """(a) R against N without and with probes; (b) G of a fixed length against the coupling of the probes."""
    bare, probes, coupling = (data[name] for name in SWEEPS)
    figure, (a, b) = frame.new(1, 2, width=frame.PAGE, height=2.9)
    amplitudes = coupling[AMPLITUDE].values
    for index, A in enumerate(amplitudes):
        name = rf"$A = {A:g}\,\gamma_o$"
        if A in bare[AMPLITUDE]:
            look = {"marker": "o", "markersize": 2.4, "linewidth": 1.0}
            frame.exact(a, bare["N"], 1 / _typical(bare, A), index, name, **look)
            frame.exact(a, probes["N"], 1 / _typical(probes, A), index, None, **look, linestyle="--")
        frame.exact(b, coupling["gamma"], _typical(coupling, A), index, name)
    xi = closed_forms.aubry_andre.localisation_length(2.5)
    short = np.geomspace(3, 70, 60)
    a.plot(short, np.exp(2 * short / xi), ":", color="black", label=LAW)
    far = np.array([500.0, frame.given(probes["N"].max())])
    for A in bare[AMPLITUDE].values:
        last = 1 / _typical(probes, A).values[-1]
        guide = {"color": "black", "linewidth": 0.8, "label": r"$\propto N$" if A == 2 else None}
        a.plot(far, 1.8 * last * far / far[-1], "-.", **guide)
    a.set(xlabel="$N$", ylabel="$R$ ($h/e^2$)", xscale="log", yscale="log", ylim=(0.5, HIGHEST))
    frame.legend(a, loc="upper right", borderaxespad=0.0)

    gamma = coupling["gamma"].values
    strong = gamma[gamma > 1.6]
    for A in amplitudes[[0, -1]]:
        label = "closed form" if amplitudes[0] == A else None
        frame.dots(b, strong, _of_hops(coupling, A, strong), label)
    b.set(xlabel=r"$\gamma$ ($\gamma_o$)", ylabel="$G$ ($e^2/h$)", xscale="log", yscale="log", ylim=(1e-9, 2))
    frame.legend(b, loc="lower right")
    frame.letter(a, "a")
    frame.letter(b, "b")
    frame.note(
        figure,
        r"on-site energies $A\cos(2\pi\beta l + \varphi)$, $\beta = (\sqrt{5} - 1)/2$;  "
        + frame.said(bare.mu_bar)
        + r";  typical values: $\exp\langle\ln G\rangle$ over $\varphi$;  wide bands",
        rf"(a) dashed: a probe of $\gamma = {frame.given(probes.gamma):g}\,\gamma_o$ on every middle site;  "
        rf"(b) $N = {frame.given(coupling.N):g}$",
    )
    return figure


def _typical(chains: xr.Dataset, amplitude: float) -> xr.DataArray:
    """exp<ln G> over the phases."""
    one = chains["conductance"].sel({AMPLITUDE: amplitude})
    return xr.apply_ufunc(lambda G: np.exp(np.mean(np.log(G), axis=-1)), one, input_core_dims=[[PHASE]])


def _of_hops(chains: xr.Dataset, amplitude: float, gamma: np.ndarray) -> np.ndarray:
    """The same of conductors in series between neighbours, at every `gamma`."""
    length = int(frame.given(chains["N"]))
    turns = FREQUENCY * np.arange(1, length + 1)
    onsite = amplitude * np.cos(2 * np.pi * turns + chains[PHASE].values[:, None])
    width, contact_width = 2 * gamma[:, None] ** 2, 2 * frame.given(chains["contact"]) ** 2
    R = closed_forms.dephasing.resistance_of_hops(frame.given(chains.mu_bar), onsite, width, contact_width)
    return np.asarray(np.exp(-np.mean(np.log(R), axis=-1)))


SWEEPS = ("aubry_andre", "aubry_andre_probes", "aubry_andre_coupling")
FIGURES = (PaperFigure("aubry_andre", "The Aubry-Andre chain with and without voltage probes", SWEEPS, draw),)
