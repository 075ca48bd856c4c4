"""Narrow lines of a wire and of its parts: a wave with a node at a reservoir; what leaves at a weak lead.

All against 60 digits. A part that a node cuts off may have a line much narrower than those of the wire: what
rounding does there moves the transmissions of the site of the node, though |G_ll| is small everywhere.
"""

import numpy as np
import pytest
from mpmath import mpf, workdps
from support.barrier_trials import CLASSES, computed, errors, expected, on_a_level
from support.checks import close
from support.wires import barred

import jaxtransport as jt
from jaxtransport import status as codes

LIMIT = 1e-9
GOLDEN = (
    1.618033988749895  # a level of four sites: sites 3 ... 6, where the wave of the source at 2 has its node
)
DRIVE = {"delta_mu": 0.1, "injection": 0.3}


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["chain", "long", "dense"])
@pytest.mark.parametrize("contact", [1e-1, 1e-3, 1e-5, 1e-7, 1e-10])
def test_a_line_of_a_part_that_a_node_cuts_off(kernel, contact):
    """Status 0 means nine digits of I_1; without the doubt of corners 1e-5 had 3e-6 and 1e-10 had .7."""
    wire = jt.Wire.custom(6, sources=[2], gamma=0.5, contact=[1, contact])
    state = jt.solve(wire, mu_bar=GOLDEN, **DRIVE, kernel=kernel)
    truth = expected(wire, GOLDEN)
    with workdps(60):
        off = abs(mpf(float(state.left_current)) - truth["current_forward"][0])
        assert off <= mpf(float(state.current_error))
        if state.status == codes.SOLVED:
            assert off <= LIMIT * abs(truth["current_forward"][0])
    assert state.status == (codes.SOLVED if contact > 1e-2 else codes.NOT_RESOLVED)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["chain", "registers", "long", "dense"])
def test_energies_on_levels(kernel):
    """Wires behind barriers at levels of theirs and of their parts: what is solved has nine digits."""
    wires = [barred(seed) for seed in range(40)]
    energies = np.array([on_a_level(wire, seed) for seed, wire in enumerate(wires)])
    found, _ = computed(CLASSES[kernel], wires, energies)
    solved = [i for i, point in enumerate(found) if point["status"] == codes.SOLVED]
    assert len(solved) >= 35
    for i in solved:
        row = errors(found[i], expected(wires[i], energies[i]))
        assert max(row["potentials"], row["currents"], row["G"]) < LIMIT, (i, row)
        assert row["I_1 / bound"] < 1


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["chain", "long", "dense"])
def test_levels_that_cancel_the_energy(kernel):
    """w - eps = 1e-9 on a site behind a weak bond: the difference is exact, and stays so."""
    mu_bar = 1.654963
    onsite = [mu_bar - 1e-9, 0.3, 0.0, 0.2, 0.0]
    wire = jt.Wire.custom(
        5, sources=[3], drains=[4], gamma=0.3, contact=[3e-5, 0.5], onsite=onsite, hopping=[1e-5, 1, 1, 1]
    )
    state = jt.solve(wire, mu_bar=mu_bar, **DRIVE, kernel=kernel)
    assert state.status == codes.SOLVED
    close(state.left_current, float(expected(wire, mu_bar)["current_forward"][0]), 1e-13)


WEAK = {
    "strengths that add up to a rounding": (
        {"sources": [3, 4], "drains": [6], "strengths": [0.1, 0.2, 0.3], "contact": 1e-9},
        1.0,
    ),
    "all that is injected leaves at the other lead": ({"sources": [2], "contact": [1, 1e-9]}, 0.3),
}


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["chain", "long", "dense"])
@pytest.mark.parametrize("name", WEAK)
def test_a_weak_right_lead(kernel, name):
    """I_N and the density there to 1e-9 of themselves, or the status says so."""
    more, injection = WEAK[name]
    wire = jt.Wire.custom(8, gamma=0.5, **more)
    state = jt.solve(wire, mu_bar=0.4, delta_mu=0.1, injection=injection, kernel=kernel)
    mirror = jt.Wire.custom(
        8,
        gamma=0.5,
        sources=[9 - l for l in more["sources"]],
        drains=[9 - l for l in more.get("drains", [])],
        contact=more["contact"] if np.ndim(more["contact"]) == 0 else more["contact"][::-1],
        strengths=more["strengths"][::-1] if "strengths" in more else None,
    )
    with workdps(60):
        truth = expected(mirror, 0.4)  # its I_1 under the opposite bias
        r = (truth["current_forward"][0] + truth["current_reverse"][0]) / -2 / mpf(0.3)
        right = -truth["conductance"][0] - mpf(injection) * r
        off = abs(mpf(float(state.right_current)) - right)
        assert off <= mpf(float(state.current_error))
        if state.status == codes.SOLVED:
            assert off <= LIMIT * abs(right)
    if kernel != "dense":
        assert state.status == codes.SOLVED
    if state.status == codes.SOLVED:
        Gamma = np.asarray(jt.transmission(wire, 0.4).broadening)[-1]
        close(state.density[-1], float(-right) * 0.1 / (2 * np.pi) / Gamma, 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["chain", "dense"])
def test_bond_currents_behind_barriers(kernel):
    """What passes between dimers keeps its digits beside what they exchange; J of the last bond is -I_N."""
    state = jt.solve(jt.Wire.dimers(8, gamma=0.5, contact=1e-9), mu_bar=0.4, **DRIVE, kernel=kernel)
    J = np.asarray(state.bond_current)
    close(J[0::2], np.full(4, float(state.left_current)), 1e-15)
    close(J[-1], -float(state.right_current), 1e-12)
    close(J[1::2], np.full(3, 0.3), 1e-15)


@pytest.mark.parametrize("contact", [1e-9, 1e-12, 1e-16])
def test_heat_of_differences_below_rounding_is_no_number(contact):
    """Probes that differ by less than potentials round to: NaN, not the square of a rounding."""
    wire = jt.Wire.custom(6, probes=[2, 3, 4, 5], gamma=0.7, contact=[contact, 3 * contact])
    state = jt.solve(wire, mu_bar=0.4, delta_mu=0.1)
    assert state.status == codes.SOLVED
    heat = np.asarray(state.heat)
    if contact > 1e-11:
        power = float(state.left_current) * 0.1 * 0.1 / (2 * np.pi)
        close(heat.sum(), power, 1e-9)
    else:
        assert np.isnan(heat).all()


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["chain", "long", "dense"])
@pytest.mark.parametrize("delta_mu", [1e-12, 1e-60])
def test_heat_at_a_small_bias_has_its_digits(kernel, delta_mu):
    """It goes as the square of the bias, however small that is beside gamma_o."""
    wire = jt.Wire.dimers(8, gamma=0.5)
    heat = [
        np.asarray(jt.solve(wire, mu_bar=0.4, delta_mu=d, injection=0.3, kernel=kernel).heat) / d**2
        for d in (delta_mu, 0.1)
    ]
    close(*heat, 1e-13)
