"""The master equation: its steady state against the printed equations, its own evolution, closed forms.

Densities are compared on the scale of the largest of a lattice: at p = .001 they reach 1000 delta_rho.
"""

import jax
import numpy as np
import pytest
from support import classical_reference as twin
from support.checks import close

import jaxtransport as jt
from jaxtransport.classical.master import relax, response_of, step
from jaxtransport.closed_forms import lattice as forms
from jaxtransport.errors import InputError

LENGTHS = {"dimers": (4, 6, 12, 50), "pair": (4, 5, 13, 50)}
PROBABILITIES = (0.001, 0.1, 0.5, 0.9, 1.0)
DRIVES = [(0.3, 0.2), (0.3, -0.7), (-0.3, 0.2), (-0.3, 0.0)]  # (delta_rho, I_g); forward and reverse
RHO_0 = 0.2


def made(layout, N, p):
    return jt.Lattice.dimers(N, p=p) if layout == "dimers" else jt.Lattice.pair(N, p=p)


def solved(lattice, delta_rho, I_g):
    return jt.steady_state(lattice, delta_rho=delta_rho, rho_0=RHO_0, injection=I_g / abs(delta_rho))


def reservoirs(delta_rho):
    """Densities of the left and right reservoir, and what closed forms call rho_0."""
    return (RHO_0 + max(delta_rho, 0), RHO_0 + max(-delta_rho, 0))


@pytest.mark.parametrize("layout", LENGTHS)
@pytest.mark.parametrize("p", PROBABILITIES)
def test_steady_state_solves_the_printed_equations(layout, p):
    """Against a dense solution of Eqs. 1-5 and C15-C18, and its own residual, of the largest density.

    1e-11: the dense matrix has a condition of N^2 / 2p, 1e6 at most, and loses digits that closed forms
    show the running sums to keep, up to N = 200 (test_steady_state_against_closed_forms).
    """
    for N in LENGTHS[layout]:
        for delta_rho, I_g in DRIVES:
            state = solved(made(layout, N, p), delta_rho, I_g)
            left, right = reservoirs(delta_rho)
            plus, minus = twin.master_steady(N, layout, p, left, right, I_g)
            scale = max(np.max(np.abs(plus)), np.max(np.abs(minus)))
            close(state.density_right, plus, 1e-11, scale, f"rho+, N = {N}")
            close(state.density_left, minus, 1e-11, scale, f"rho-, N = {N}")
            close(float(state.residual) * abs(delta_rho), 0.0, 1e-14, scale, "one more step")


@pytest.mark.parametrize("layout", LENGTHS)
def test_step_is_the_printed_step(layout):
    """One time step from densities that solve nothing."""
    rng = np.random.default_rng(3)
    for N in (4, 9 if layout == "pair" else 10):
        plus, minus = rng.uniform(size=(2, N))
        got = step(made(layout, N, 0.4), plus, minus, from_left=0.9, from_right=0.3, I_g=0.2)
        expected = twin.master_step(plus, minus, layout, 0.4, 0.9, 0.3, 0.2)
        close(got, expected, 1e-15)


@pytest.mark.parametrize(("layout", "N"), [("dimers", 4), ("dimers", 20), ("pair", 9), ("pair", 20)])
@pytest.mark.parametrize("p", [0.1, 0.5, 1.0])
def test_evolution_converges_to_the_steady_state(layout, N, p):
    """From an empty lattice. What is left decays by 1 - 1/t a step, so a step of 1e-14 leaves t times that.

    t < N^2 / p, the time that a charge takes to diffuse out.
    """
    lattice = made(layout, N, p)
    for delta_rho, I_g in DRIVES[:3]:
        left, right = reservoirs(delta_rho)
        plus, minus, steps = relax(lattice, from_left=left, from_right=right, I_g=I_g)
        assert 0 < steps < 10**5
        state = solved(lattice, delta_rho, I_g)
        scale = np.max(np.abs(np.stack([state.density_right, state.density_left])))
        close(plus, state.density_right, 1e-14 * N**2 / p, scale, "rho+")
        close(minus, state.density_left, 1e-14 * N**2 / p, scale, "rho-")


def test_relaxing_stops_at_the_limit():
    plus, _, steps = relax(jt.Lattice.dimers(20, p=0.1), from_left=1.0, from_right=0.0, most_steps=7)
    assert steps == 7
    assert plus[0] == 1.0
    assert plus[10] == 0.0  # nothing moves farther than a site a step


@pytest.mark.parametrize("p", PROBABILITIES)
def test_steady_state_against_closed_forms(p):
    """Eqs. 7, 8, A22 and C19-C24 for N = 4 ... 200, both biases, to 1e-12 of the largest."""
    for N in (4, 6, 10, 30, 100, 200):
        for delta_rho, I_g in DRIVES:
            start, _ = reservoirs(delta_rho)
            base = start - delta_rho  # closed forms: rho_0 + delta_rho on the left, rho_0 on the right
            for layout in ("dimers", "pair"):
                state = solved(made(layout, N, p), delta_rho, I_g)
                densities = forms.densities if layout == "dimers" else forms.pair_densities
                plus, minus = densities(N, p, base, delta_rho, I_g)
                scale = max(np.max(np.abs(plus)), np.max(np.abs(minus)))
                close(state.density_right, plus, 1e-12, scale, f"{layout}, rho+, N = {N}")
                close(state.density_left, minus, 1e-12, scale, f"{layout}, rho-, N = {N}")
                dimers = layout == "dimers"
                current = (
                    forms.current(N, p, delta_rho, I_g) if dimers else forms.pair_current(p, delta_rho, I_g)
                )
                unit = abs(delta_rho)
                size = abs(delta_rho) + abs(I_g)
                close(float(state.current) * unit, current, 1e-12, size, "Eqs. 8, C23")
                close(float(state.right_current) * unit, -current, 1e-12, size, "I_out")
                between = forms.bond_currents if layout == "dimers" else forms.pair_bond_currents
                close(state.bond_current * unit, between(N, p, delta_rho, I_g), 1e-12, size, "A22, C24")


def test_currents_follow_from_the_densities():
    """J_l = w_l rho+_l - w_{l+1} rho-_{l+1}, and J_l - J_{l-1} = s_l I_g, for any arrangement."""
    lattice = jt.Lattice.custom(11, sources=[3, 4], drains=[8], probes=[6], p=0.3, strengths=[0.5, 2.0, 1.5])
    state = solved(lattice, 0.3, 0.2)
    w, unit = np.asarray(lattice.hop), 0.3
    by_density = (w[:-1] * state.density_right[:-1] - w[1:] * state.density_left[1:]) / unit
    close(state.bond_current, by_density, 1e-13, np.max(np.abs(state.density_right)) / unit, "J_l")
    ends = np.concatenate([[state.current], state.bond_current, [-state.right_current]])
    close(np.diff(ends), lattice.strength * 0.2 / unit, 1e-14, 1.0, "J_l - J_{l-1}")
    assert state.residual < 1e-13


def test_a_probe_scatters_and_injects_nothing():
    """Two probes halve nothing but the current: I = delta_rho / (1 + 2 (1 - p))."""
    lattice = jt.Lattice.custom(9, probes=[4, 7], p=0.25)
    close(float(solved(lattice, 0.3, 0.0).current), 1 / 2.5, 1e-15)


def test_response_is_what_the_states_show():
    """I_1 = +-g - i r, and Delta I without cancellation is the difference of both biases."""
    for N in (4, 20):
        lattice = jt.Lattice.dimers(N, p=0.7)
        response = response_of(lattice)
        for i in (0.2, -3.0):
            forward, reverse = (solved(lattice, d, i * 0.3).current for d in (0.3, -0.3))
            close(forward, response.left_current(1.0, i), 1e-15, 1.0)
            close(response.nonreciprocity(i), abs(reverse) - abs(forward), 1e-14, 1.0)


def test_padding_changes_nothing():
    lattice = jt.Lattice.dimers(6, p=0.4)
    pad = lambda values, fill: np.concatenate([values, np.full(5, fill)])
    padded = jt.Lattice(hop=pad(lattice.hop, 1.0), strength=pad(lattice.strength, 0.0), length=lattice.length)
    short, long = solved(lattice, -0.3, 0.2), solved(padded, -0.3, 0.2)
    close(long.density_right[:6], short.density_right, 1e-15)
    close(long.density_left[:6], short.density_left, 1e-15)
    close(long.bond_current[:5], short.bond_current, 1e-15)
    assert np.isnan(long.density_right[6:]).all()
    assert np.isnan(long.bond_current[5:]).all()
    close(long.right_current, short.right_current, 1e-15)
    assert long.residual < 1e-14


@pytest.mark.slow
def test_gradients_are_those_of_the_closed_form():
    """d I_1 / d p of Eq. 8, and a batch by vmap. 1e-12: a dozen roundings."""
    N, i = 10, 0.4
    current = lambda p: jt.steady_state(jt.Lattice.dimers(N, p=p), delta_rho=1.0, injection=i).current
    p = np.array([0.2, 0.6, 0.95])
    A, B = 1 + (N - 2) * (1 - p), 1 - (1 - p) * (N / 2 - 1) * i
    expected = ((N / 2 - 1) * i * A + (N - 2) * B) / A**2
    close(jax.vmap(jax.grad(current))(p), expected, 1e-12)
    close(jax.vmap(current)(p), forms.current(N, p, 1.0, i), 1e-14)


@pytest.mark.parametrize("p", [0.0, -0.1, 1.5, float("nan"), "x", None])
def test_a_wrong_probability_is_named(p):
    with pytest.raises(InputError, match=r"^p"):
        jt.Lattice.dimers(6, p=p)


@pytest.mark.parametrize(
    ("drive", "name"),
    [({"delta_rho": 0.0}, "delta_rho"), ({"delta_rho": 1.0, "injection": float("inf")}, "injection")],
)
def test_a_wrong_drive_is_named(drive, name):
    with pytest.raises(InputError, match=f"^{name}"):
        jt.steady_state(jt.Lattice.dimers(6, p=0.5), **drive)
