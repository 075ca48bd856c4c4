"""The resistive wire: against nodal analysis, closed forms, and what Kirchhoff's laws say."""

import jax
import numpy as np
import pytest
from support import classical_reference as twin
from support.checks import close

import jaxtransport as jt
from jaxtransport.closed_forms import circuit as forms
from jaxtransport.errors import InputError

SECTION_I = {
    "a": ([1 / 3, 2 / 3], [1.0, -1.0]),
    "b": ([0.2, 0.4, 0.6, 0.8], [1.0, -1.0, -1.0, 1.0]),
    "c": ([0.2, 0.4, 0.6, 0.8], [1.0, -1.0, 1.0, -1.0]),
}


@pytest.mark.parametrize("N", [4, 6, 20, 200])
@pytest.mark.parametrize("sign", [1, -1])
def test_circuit_against_closed_forms(N, sign):
    """Eqs. D1-D4 and nodal analysis, both biases and both signs of I_g; V = 1.5, sigma = 2, a = 1.

    1e-12 of the largest: the matrix of nodal analysis has a condition of about N^2.
    """
    V, sigma = 1.5, 2.0
    unit = sigma * V / (N - 1)  # V / R
    for injection in (0.3, -1.4):
        state = jt.solve_circuit(jt.Circuit.dimers(N), voltage=sign * V, injection=injection)
        I_g = injection * unit
        current = forms.current(N, sign * V, I_g, sigma)
        close(state.current * unit, current, 1e-12, unit, "Eq. D1")
        close(state.right_current * unit, -current, 1e-12, unit, "I_out")
        # The closed forms hold the right end at 0, the state the lower one.
        shift = 0.0 if sign > 0 else V
        close(state.voltage[1:-1] - shift, forms.voltages(N, sign * V, I_g, sigma), 1e-12, V, "Eq. D2")
        heat = state.heat * V * unit
        segments = forms.heat(N, sign * V, I_g, sigma)
        close(heat[1:-1], segments, 1e-12, np.max(segments), "Eq. D3")
        mean = forms.mean_heat(N, sign * V, I_g, sigma)
        close((heat[:-1] + heat[1:]) / 2, np.full(N - 2, mean), 1e-12, np.max(segments), "Eq. D4")
        start, end = max(sign, 0) * V, max(-sign, 0) * V
        strengths = [(-1) ** l for l in range(2, N)]
        voltages, currents = twin.nodal(
            np.arange(1, N - 1) / (N - 1), strengths, start, end, (N - 1) / sigma, I_g
        )
        close(state.voltage, voltages, 1e-12, what="nodal voltages")
        close(state.bond_current * unit, currents, 1e-12, what="nodal currents")
        assert state.residual < 1e-13


@pytest.mark.parametrize("circuit", SECTION_I)
def test_circuits_of_the_introduction(circuit):
    """I_in = V/R -+ share I_g with shares 1/3, 0, 2/5 (Fig. 1)."""
    made = jt.Circuit.custom(*SECTION_I[circuit])
    share = forms.injection_response(circuit)
    for i in (0.3, -0.8):
        forward = jt.solve_circuit(made, injection=i)
        reverse = jt.solve_circuit(made, voltage=-1.0, injection=i)
        close(forward.current, 1 - share * i, 1e-15, 1.0)
        close(forward.right_current, -(1 - share * i), 1e-15, 1.0)
        close(reverse.current, -(1 + share * i), 1e-15, 1.0)


@pytest.mark.parametrize("seed", range(5))
def test_any_circuit_against_nodal_analysis(seed):
    rng = np.random.default_rng(seed)
    positions, strengths = rng.uniform(0.01, 0.99, 7), rng.normal(size=7)
    for sign in (1, -1):
        state = jt.solve_circuit(jt.Circuit.custom(positions, strengths), voltage=sign * 2.0, injection=0.4)
        order = np.argsort(positions)
        start, end = max(sign, 0) * 2.0, max(-sign, 0) * 2.0
        voltages, currents = twin.nodal(positions[order], strengths[order], start, end, 1.0, 0.4 * 2.0)
        close(state.voltage, voltages, 1e-12, what="voltages")
        close(state.bond_current * 2.0, currents, 1e-12, what="currents")


def test_heat_is_what_the_currents_bring():
    """sum of J^2 R dx = sum of I V over all nodes."""
    circuit = jt.Circuit.custom([0.3, 0.5, 0.8], [1.0, 0.7, -0.4])
    state = jt.solve_circuit(circuit, injection=0.6)
    into = np.asarray(circuit.strength) * 0.6
    into[0], into[-1] = state.current, state.right_current
    close(np.sum(into), 0.0, 1e-15, 1.0)
    close(np.sum(state.heat), np.sum(into * state.voltage), 1e-14)


def test_pairs_at_the_ends_and_other_layouts():
    """A pair at 2 and N - 1: delta I / I_g = (N - 3) / (N - 1); spaced terminals count their segments."""
    for N in (4, 9, 60):
        state = jt.solve_circuit(jt.Circuit.pair(N), injection=0.5)
        close(state.current, 1 - 0.5 * (N - 3) / (N - 1), 1e-14)
    state = jt.solve_circuit(jt.Circuit.spaced(60, 3), injection=0.5)
    close(state.current, 1 - 0.5 * 10 * 3 / 59, 1e-14)


def test_gradient_in_the_injection():
    current = lambda i: jt.solve_circuit(jt.Circuit.dimers(6), injection=i).current
    close(jax.grad(current)(0.3), -2 / 5, 1e-15)


@pytest.mark.parametrize(
    ("positions", "strengths", "name"),
    [
        ([0.2, 1.0], [1, -1], "positions"),
        ([0.2, 0.2], [1, -1], "positions"),
        ([0.2, 0.3], [1], "strengths"),
        ([0.2, 0.3], [1, float("nan")], "strengths"),
    ],
)
def test_a_wrong_circuit_is_named(positions, strengths, name):
    with pytest.raises(InputError, match=f"^{name}"):
        jt.Circuit.custom(positions, strengths)


def test_a_wrong_voltage_is_named():
    with pytest.raises(InputError, match=r"^voltage"):
        jt.solve_circuit(jt.Circuit.dimers(4), voltage=0.0)
