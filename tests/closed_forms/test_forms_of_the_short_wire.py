"""Closed forms of the short wire: expansions and their orders, imperfect contacts, the third order.

The exact forms B28-B34 are held against the kernels of the package in test_paper.py.
"""

import numpy as np
import pytest
from support import reference
from support.asymptotics import is_of_order
from support.checks import close

from jaxtransport.closed_forms import short_wire
from jaxtransport.errors import InputError

ENERGIES = (-1.4, 0.0, 0.5, 1.0, 1.4)
WEAK = np.array([0.2, 0.1, 0.05, 0.025])
DELTA_MU, I_G = 0.1, 0.3 * 0.1 / (2 * np.pi)

# What an expansion leaves out: (exact, expansion, coefficient, order), as functions of mu_bar and gamma.
EXPANSIONS = {
    "Eq. 17": (
        lambda m, g: short_wire.potential_shift(m, g, DELTA_MU, I_G),
        lambda m, g: short_wire.potential_shift_weak(m, g, I_G),
        lambda m: short_wire.potential_shift_next(m, DELTA_MU, I_G),
        2,
    ),
    "Eq. 18, G": (
        short_wire.conductance,
        lambda m, g: short_wire.conductance_weak(g),
        short_wire.conductance_next,
        4,
    ),
    "Eq. 18, delta I": (
        short_wire.injection_response,
        short_wire.injection_response_weak,
        short_wire.injection_response_next,
        4,
    ),
}


@pytest.mark.parametrize("name", EXPANSIONS)
@pytest.mark.parametrize("m", ENERGIES)
def test_expansions_in_the_coupling(m, name):
    """Eqs. 17 and 18: the error is gamma^2 or gamma^4 times its coefficient, up to gamma^2 of it.

    The window of .2 on the order holds gamma^2 of the largest gamma twice over, with coefficients of
    order 10.
    """
    exact, expansion, coefficient, order = EXPANSIONS[name]
    error = exact(m, WEAK) - expansion(m, WEAK)
    is_of_order(WEAK, error, order, 0.2, name)
    close(error[-1] / WEAK[-1] ** order, coefficient(m), 0.02, what=f"{name}: coefficient")


def test_expansions_fail_at_strong_coupling():
    """At gamma = gamma_o nothing of Eqs. 17 and 18 is left."""
    assert short_wire.conductance(0.5, 1.0) > 0.3
    assert short_wire.conductance_weak(1.0) == 0
    ratio = short_wire.injection_response_weak(1.0, 1.0) / short_wire.injection_response(1.0, 1.0)
    close(ratio, 1.5, 1e-14)  # 1/2 for 1/3
    of_17 = short_wire.potential_shift_weak(1.0, 1.0, I_G) / short_wire.potential_shift(
        1.0, 1.0, DELTA_MU, I_G
    )
    assert abs(of_17 - 1) > 0.4


def test_sign_of_the_response():
    """delta I < 0 just where mu_bar^2 > 2 + gamma^2: beyond sqrt 2 at weak coupling (Eq. 18)."""
    m, g = np.meshgrid(np.linspace(-1.99, 1.99, 200), np.linspace(0.01, 1.5, 50))
    assert np.array_equal(short_wire.injection_response(m, g) < 0, m**2 > 2 + g**2)


def test_critical_coupling():
    """Eq. B34: the one gamma with delta I = I_g / 3; delta I rises through it."""
    m = np.linspace(-1.9, 1.9, 20)
    critical = short_wire.critical_coupling(m)
    close(short_wire.injection_response(m, critical), np.full(20, 1 / 3), 1e-14)
    for step, sign in ((0.999, -1), (1.001, 1)):
        assert np.all(sign * (short_wire.injection_response(m, step * critical) - 1 / 3) > 0)


def test_arrays_go_in_and_come_out():
    m, g = np.array(ENERGIES)[:, None], np.array([0.3, 0.9])
    T = short_wire.transmissions(m, g)
    assert T.shape == (5, 2, 4, 4)
    close(T[3, 1], short_wire.transmissions(1.0, 0.9), 0.0)
    close(short_wire.conductance_by_transmissions(T), short_wire.conductance(m, g), 1e-13)
    by_T = short_wire.potential_shift_by_transmissions(T, DELTA_MU, I_G)
    close(by_T, short_wire.potential_shift(m, g, DELTA_MU, I_G), 1e-13)


# Contacts


def response(m, gamma, contact):
    chain = reference.Chain(
        np.zeros(4), np.ones(3), np.array([contact, gamma, gamma, contact]), np.array([0, 1.0, -1.0, 0])
    )
    return reference.solve(chain, m, 0.1, 0.0).injection_response


@pytest.mark.parametrize("m", [0.0, 0.5, 1.0, 1.2, 1.4])
@pytest.mark.parametrize("gamma", [0.3, 0.5, 0.7, 0.9])
def test_zeros_over_the_contacts(m, gamma):
    """delta I vanishes at every zero of the polynomial, and changes sign nowhere else below gamma_1 = 4."""
    zeros = short_wire.contact_zeros(m, gamma)
    close([response(m, gamma, z) for z in zeros], np.zeros(len(zeros)), 1e-12, 1.0)
    values = np.array([response(m, gamma, contact) for contact in np.linspace(0.013, 4, 120)])
    assert np.sum(values[1:] * values[:-1] < 0) == np.sum(zeros < 4)


def test_zeros_over_the_contacts_at_the_centre_of_figure_8():
    """gamma_1 - gamma_o at mu_bar = 1; none at gamma = 1. Half a unit of the digits recorded."""
    expected = {0.3: (-0.0495, 2.661), 0.5: (-0.1516, 1.636), 0.7: (-0.3157, 1.548), 0.9: (-0.5786, 2.547)}
    for gamma, zeros in expected.items():
        close(short_wire.contact_zeros(1.0, gamma)[0] - 1, zeros[0], 5e-5, 1.0)
        close(short_wire.contact_zeros(1.0, gamma)[1] - 1, zeros[1], 6e-4, 1.0)
    assert len(short_wire.contact_zeros(1.0, 1.0)) == 0


# Third order


def mirrored_transmissions(rng):
    """T of any wire of four sites that is its own mirror image."""
    T = np.zeros((4, 4))
    T[0, 1], T[0, 2], T[0, 3], T[1, 2] = rng.uniform(-1, 1, 4)
    T[2, 3], T[1, 3] = T[0, 1], T[0, 2]
    return T + T.T


def currents(x, derivatives):
    """2 pi I_l = sum_n sum_l' T^(n-1)_ll' (x_l^n - x_l'^n) / n!, Eq. B26 to n = 3."""
    total = np.zeros(4)
    for n, (T, factorial) in enumerate(zip(derivatives, (1, 2, 6), strict=True), 1):
        total += (T * (x[:, None] ** n - x[None, :] ** n)).sum(axis=1) / factorial
    return total


def test_third_order_is_the_series_at_order_three():
    """Eqs. B35 and B36 are 2 pi (I_l -+ I_g) of Eq. B26, for any T, T', T'' of a mirror-symmetric wire."""
    rng = np.random.default_rng(1)
    for _ in range(20):
        derivatives = [mirrored_transmissions(rng) for _ in range(3)]
        x = rng.uniform(-1, 1, 2)
        for delta_mu in (0.7, -0.7):
            both = np.array([delta_mu / 2, x[0], x[1], -delta_mu / 2])
            expected = currents(both, derivatives)[1:3] - 2 * np.pi * np.array([0.4, -0.4])
            got = short_wire.series_residual(x, *derivatives, delta_mu, 0.4)
            close(got, expected, 1e-14, 10.0)


def test_third_order_begins_with_linear_response():
    T, none = short_wire.transmissions(1.0, 0.5), np.zeros((4, 4))
    shift = short_wire.potential_shift(1.0, 0.5, DELTA_MU, I_G)
    left = short_wire.series_residual(np.array([shift, -shift]), T, none, none, DELTA_MU, I_G)
    close(left, [0.0, 0.0], 1e-14, 2 * np.pi * I_G)


def derivatives_at(m, gamma):
    """T, T', T'' by seven points .01 apart: truncation 1e-9, rounding 1e-11."""
    h = 0.01
    T = np.array([short_wire.transmissions(m + j * h, gamma) for j in range(-3, 4)])
    first = np.array([-1, 9, -45, 0, 45, -9, 1]) / (60 * h)
    second = np.array([2, -27, 270, -490, 270, -27, 2]) / (180 * h**2)
    return T[3], np.tensordot(first, T, 1), np.tensordot(second, T, 1)


def left_current(derivatives, delta_mu, I_g):
    """I_1 of the root of Eq. B35 that Newton's steps find from linear response."""
    shift = short_wire.potential_shift_by_transmissions(derivatives[0], delta_mu, I_g)
    x = np.array([shift, -shift])
    residual = lambda x: short_wire.series_residual(x, *derivatives, delta_mu, I_g)
    for _ in range(12):
        slopes = np.array([(residual(x + 1e-6 * e) - residual(x - 1e-6 * e)) / 2e-6 for e in np.eye(2)]).T
        x = x - np.linalg.solve(slopes, residual(x))
    close(residual(x), [0.0, 0.0], 1e-12, 1.0, "balance")
    both = np.array([delta_mu / 2, x[0], x[1], -delta_mu / 2])
    return currents(both, derivatives)[0] / (2 * np.pi)


THIRD_ORDER = {  # Delta I / Ibar for gamma = .3, .5, .7, .9
    (1.52, 0.3): (-0.006505, -0.004852, 0.025314, 0.104189),
    (1.52, 1.0): (-0.040001, -0.030391, 0.071260, 0.336252),
    (1.52, 1.5): (-0.104366, -0.078847, 0.077356, 0.480568),
    (1.0, 0.6): (0.053749, 0.164409, 0.345862, 0.617875),
    (1.0, 1.5): (0.099689, 0.395283, 0.854051, 1.535259),
}


@pytest.mark.parametrize(("m", "i"), THIRD_ORDER)
def test_relative_nonreciprocity_at_third_order(m, i):
    """The curves of Fig. 2c: balance by Eq. B35, I_1 by Eq. B26. One unit of the six digits recorded."""
    for gamma, expected in zip((0.3, 0.5, 0.7, 0.9), THIRD_ORDER[m, i], strict=True):
        derivatives = derivatives_at(m, gamma)
        I_g = i * DELTA_MU / (2 * np.pi)
        forward, reverse = (abs(left_current(derivatives, sign * DELTA_MU, I_g)) for sign in (1, -1))
        close(2 * (reverse - forward) / (reverse + forward), expected, 1e-6, 1.0, f"gamma = {gamma}")


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: short_wire.conductance(2.0, 0.5), "mu_bar"),
        (lambda: short_wire.transmissions([0.0, -2.5], 0.5), "mu_bar"),
        (lambda: short_wire.critical_coupling(float("nan")), "mu_bar"),
        (lambda: short_wire.potential_shift(1.0, 0.0, 0.1, 0.1), "gamma"),
        (lambda: short_wire.conductance_weak(-0.5), "gamma"),
    ],
)
def test_nonsense_is_named(call, name):
    with pytest.raises(InputError, match=rf"^{name}(\[\d+\])? = "):
        call()
