"""Closed forms of the resistor network against nodal analysis, to 1e-12: a matrix of condition N^2."""

import numpy as np
import pytest
from support import classical_reference as twin
from support.checks import close

from jaxtransport.closed_forms import circuit
from jaxtransport.errors import InputError


@pytest.mark.parametrize("N", [4, 6, 12, 50, 200])
@pytest.mark.parametrize("V", [1.5, -1.5])
def test_many_dimers(N, V):
    """Eqs. D1-D4, both biases and both signs of I_g."""
    sigma = 2.0
    positions, strengths = np.arange(1, N - 1) / (N - 1), [(-1) ** l for l in range(2, N)]
    for I_g in (0.3, -1.4, 0.0):
        voltages, currents = twin.nodal(positions, strengths, V, 0.0, (N - 1) / sigma, I_g)
        unit = abs(I_g) + sigma * abs(V) / (N - 1)
        close(circuit.current(N, V, I_g, sigma), currents[0], 1e-12, unit, "D1, I_in")
        close(circuit.current(N, V, I_g, sigma), currents[-1], 1e-12, unit, "D1, I_out")
        close(circuit.voltages(N, V, I_g, sigma), voltages[1:-1], 1e-12, abs(V), "D2")
        close(circuit.bond_currents(N, V, I_g, sigma), currents, 1e-12, unit, "bracket of D3")
        heat = currents**2 / sigma
        close(circuit.heat(N, V, I_g, sigma), heat[1:-1], 1e-12, np.max(heat), "D3")
        mean = np.full(N - 2, circuit.mean_heat(N, V, I_g, sigma))
        close(mean, (heat[:-1] + heat[1:]) / 2, 1e-12, np.max(heat), "D4")


SECTION_I = {
    "a": ([1 / 3, 2 / 3], [1, -1]),
    "b": ([0.2, 0.4, 0.6, 0.8], [1, -1, -1, 1]),
    "c": ([0.2, 0.4, 0.6, 0.8], [1, -1, 1, -1]),
}


@pytest.mark.parametrize("name", SECTION_I)
def test_circuits_of_the_introduction(name):
    """I_in = I_out = +-V / R - share I_g with shares 1/3, 0, 2/5."""
    for V in (1.0, -1.0):
        _, currents = twin.nodal(*SECTION_I[name], V, 0.0, 2.0, 0.3)
        close(currents[[0, -1]], [V / 2 - circuit.injection_response(name) * 0.3] * 2, 1e-14, 1.0)
    # a and c are D1 at N = 4 and 6.
    if name != "b":
        N = {"a": 4, "c": 6}[name]
        close(-circuit.current(N, 0.0, 1.0), circuit.injection_response(name), 1e-15, 1.0)


def test_long_wires_lose_half_of_what_is_injected():
    """D1 for L >> a: delta I = I_g / 2 up to a / 2L, so that the nonreciprocity is I_g again."""
    N = np.array([10, 100, 1000, 10000])
    close(0.5 + circuit.current(N, 0.0, 1.0), 0.5 / (N - 1), 1e-12)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: circuit.injection_response("d"), "circuit"),
        (lambda: circuit.current(7, 1.0, 0.1), "N"),
        (lambda: circuit.voltages(2, 1.0, 0.1), "N"),
    ],
)
def test_nonsense_is_named(call, name):
    with pytest.raises(InputError, match=f"^{name} = "):
        call()
