"""The closed forms and the numbers of the paper, as corrected.

The closed forms are exact: they meet the kernels to some roundings. Numbers from figures are given
with the digits that they were recorded with, hence tolerances of half a unit in the last.
"""

import numpy as np
import pytest
from support import checks, engine
from support.checks import close
from support.engine import KERNELS
from support.wires import make

import jaxtransport as jt
from jaxtransport import layout as layouts
from jaxtransport.closed_forms import long_wire, pair, short_wire

ENERGIES = (-1.9, -1.0, -0.3, 0.0, 0.5, 1.0, 1.4, 1.52, 1.9)
GAMMAS = (0.05, 0.3, 0.5, 0.9, 1.0, 1.6)


def responses(wires, energies):
    """(g, r) of every wire at its energy, as two arrays."""
    pairs = [engine.respond(wire, "chain", w) for wire, w in zip(wires, energies, strict=True)]
    return np.array(pairs).T


# One dimer, N = 4


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("m", ENERGIES)
def test_short_wire(m, kernel):
    """T, G_4, delta I and Delta_mu, Eqs. B28-B33."""
    for gamma in GAMMAS:
        checks.short_wire(kernel, m, gamma)


def test_both_forms_of_the_short_wire():
    """First lines (T's, where B32 prints F's) and second lines of Eqs. B31-B33."""
    for m in ENERGIES:
        for gamma in GAMMAS:
            T = short_wire.transmissions(m, gamma)
            by_T = short_wire.conductance_by_transmissions(T)
            close(by_T, short_wire.conductance(m, gamma), 1e-13, what="B32")
            by_T = short_wire.injection_response_by_transmissions(T)
            close(by_T, short_wire.injection_response(m, gamma), 1e-13, 1.0, "B33")
            by_T = short_wire.potential_shift_by_transmissions(T, 0.1, 0.01)
            close(by_T, short_wire.potential_shift(m, gamma, 0.1, 0.01), 1e-13, what="B31")


def test_critical_coupling():
    """delta I = I_g / 3 at gamma_c (Eq. B34), so Delta I = 2 I_g / 3; gamma_c = 1 at mu_bar = 1."""
    close(short_wire.critical_coupling(1.0), 1.0, 1e-15)
    wires = [make(layouts.dimers(4), gamma=short_wire.critical_coupling(m), sites=12) for m in ENERGIES]
    _, r = responses(wires, ENERGIES)
    close(r, np.full(len(ENERGIES), 1 / 3), 1e-14)


@pytest.mark.slow
def test_fig_2b():
    """Potentials of source and drain at mu_bar = 1, gamma = .5, delta_mu = +-.1, I_g = .3 I_o and 0."""
    wire = make(layouts.dimers(4), gamma=0.5, sites=12)
    expected = {
        (0.1, 0.3): (1.073611, 0.926389),
        (-0.1, 0.3): (1.062500, 0.937500),
        (0.1, 0.0): (1.005556, 0.994444),
        (-0.1, 0.0): (0.994444, 1.005556),
    }
    for (delta_mu, injection), potentials in expected.items():
        state = engine.solve(wire, "chain", 1.0, delta_mu, injection)
        close(state.potentials[1:3], potentials, 6e-7, 1.0)


def test_fig_5():
    """gamma = 1: no trouble with the band."""
    wire = make(layouts.dimers(4), gamma=1.0, sites=12)
    close(engine.solve(wire, "chain", 1.0, 0.1, 0.3).potentials[1:3], [1.04333, 0.95667], 6e-6, 1.0)
    close(engine.solve(wire, "chain", 1.0, -0.1, 0.3).potentials[1:3], [1.01, 0.99], 6e-6, 1.0)


# One pair, any N (App. C)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("N", [4, 5, 6, 7, 12, 23, 40])
def test_one_pair(N, kernel):
    """G_N, Delta j and Delta_mu of Eqs. 22 and C13; potentials of both biases."""
    for m in ENERGIES:
        for gamma in (0.3, 0.9):
            checks.one_pair(kernel, make(layouts.pair(N), gamma=gamma, sites=64), m, gamma)


def test_one_pair_of_every_length():
    """N = 4 ... 40, odd ones too. 1e-12, as in `checks.one_pair`."""
    points = [(N, m, gamma) for N in range(4, 41) for m in ENERGIES for gamma in (0.1, 0.5, 1.1)]
    wires = [make(layouts.pair(N), gamma=gamma, sites=64) for N, _, gamma in points]
    g, r = responses(wires, [m for _, m, _ in points])
    N, m, gamma = np.array(points).T
    close(g / pair.conductance(N, m, gamma), np.ones(len(points)), 1e-12, what="G_N")
    close(2 * r, pair.nonreciprocity(N, m, gamma), 1e-12, 1.0, "Delta j")


@pytest.mark.parametrize("N", [4, 7, 20, 40])
def test_green_functions_and_transmissions_of_one_pair(N):
    """Signs and sizes of G (Eqs. C8-C10), T (C11, C12). 1e-12: sin((N - 3) k) loses a digit."""
    for m in ENERGIES:
        wire = make(layouts.pair(N), gamma=0.5, sites=64)
        G = engine.compiled("green", lambda w, m: jt.transmission(w, m, kernel="dense").green)(wire, m)
        expected = pair.green(N, m, 0.5)
        close([G[l - 1, k - 1] for l, k in expected], list(expected.values()), 1e-12, what="G")
        T = engine.matrix(wire, m)
        expected = pair.transmissions(N, m, 0.5)
        got = [T[1, 0], T[N - 2, 0], T[N - 1, 0], T[N - 2, 1]]
        close(got, list(expected.values()), 1e-12, what="T")


@pytest.mark.slow
def test_forms_of_the_pair_agree():
    """C4 corrected, C13 and its simplification; Xi of Eq. 22 and expanded; N = 4 is the short wire."""
    for N in range(4, 41):
        for m in ENERGIES:
            here = (N, m, 0.5)
            T, xi = pair.transmissions(*here), pair.xi(*here)
            close(pair.conductance_printed(*here), pair.conductance(*here), 1e-12, what="C13")
            close(pair.conductance_by_transmissions(T), pair.conductance(*here), 1e-12, what="C4")
            close(pair.xi_less_one(*here), xi - 1, 1e-12, max(1.0, xi), "Xi")
            by_T = pair.nonreciprocity_by_transmissions(T)
            close(by_T, pair.nonreciprocity(*here), 1e-12, 1.0, "C4, Delta j")
            shift = pair.potential_shift(*here, 0.1, 0.01)
            close(pair.potential_shift_by_transmissions(T, 0.1, 0.01), shift, 1e-12, what="C3")
            left = pair.balance(np.array([shift, -shift]), T, 0.1, 0.01)
            close(left, np.zeros(2), 1e-12, 2 * np.pi * 0.01, "C1, C2")
    for m in ENERGIES:
        close(pair.conductance(4, m, 0.5), short_wire.conductance(m, 0.5), 1e-13)
        close(pair.nonreciprocity(4, m, 0.5), 2 * short_wire.injection_response(m, 0.5), 1e-13, 1.0)
        shift = short_wire.potential_shift(m, 0.5, 0.1, 0.01)
        close(pair.potential_shift(4, m, 0.5, 0.1, 0.01), shift, 1e-13)


FIG_3C = {0.3: (0.08612, 0.15886, 0.0), 0.5: (0.22222, 0.36735, 0.0), 0.7: (0.39357, 0.58099, 0.0)}


@pytest.mark.parametrize("gamma", FIG_3C)
def test_fig_3c(gamma):
    """Delta j / I_g at mu_bar = 1 for N mod 3 = 1, 2, 0: period 3, zeros at N = 6, 9, 12, ..."""
    lengths = list(range(4, 34))
    _, r = responses([make(layouts.pair(N), gamma=gamma, sites=64) for N in lengths], [1.0] * 30)
    close(2 * r, FIG_3C[gamma] * 10, 6e-6, 1.0)
    close(r[2::3], np.zeros(10), 1e-14, 1.0)


@pytest.mark.parametrize("gamma", [0.3, 0.5, 0.9])
def test_zeros_of_the_pair(gamma):
    """Both families: sin((N - 3) k) = 0 and gamma^2 sin((N - 3) k) = 2 sin k cos((N - 2) k).

    1e-13: k is rounded, and r runs through its zeros with slopes of order N.
    """
    for N in range(4, 31):
        first, second = pair.zeros_of_first_family(N), pair.zeros_of_second_family(N, gamma)
        assert len(first) == N - 4
        zeros = [*first, *second]
        _, r = responses([make(layouts.pair(N), gamma=gamma, sites=64)] * len(zeros), zeros)
        close(r, np.zeros(len(zeros)), 1e-13, 1.0, f"N = {N}")


def test_second_family_of_zeros():
    """gamma = .5: N = 4 at +-1.5, N = 6 at +-.787 and +-1.905; Delta j < 0 between the two families."""
    short, longer = (make(layouts.pair(N), gamma=0.5, sites=64) for N in (4, 6))
    close([engine.respond(short, "chain", m)[1] for m in (1.5, -1.5)], [0.0, 0.0], 1e-14, 1.0)
    for m in (0.787, 1.905):
        assert engine.respond(longer, "chain", m - 5e-4)[1] * engine.respond(longer, "chain", m + 5e-4)[1] < 0
    for m in (0.9, -0.9):  # first family at +-1
        assert engine.respond(longer, "chain", m)[1] < 0
    # For odd N both families meet in a double zero at 0: no change of sign.
    odd = make(layouts.pair(7), gamma=0.5, sites=64)
    close(engine.respond(odd, "chain", 0.0)[1], 0.0, 1e-14, 1.0)
    assert engine.respond(odd, "chain", 0.01)[1] * engine.respond(odd, "chain", -0.01)[1] > 0


def test_potentials_at_a_zero_do_not_know_the_bias():
    """Eq. C14: at Xi = 1, mu_2 is the same for both biases and without any (delta_mu -> 0 at given I_g)."""
    for N in (6, 9, 12):
        wire, I_g = make(layouts.pair(N), gamma=0.5, sites=64), 0.3 * 0.1 / (2 * np.pi)
        for delta_mu in (0.1, -0.1):
            mu = engine.solve(wire, "chain", 1.0, delta_mu, 0.3).potentials[1]
            close(mu - 1, pair.potential_shift_at_zero(N, 1.0, 0.5, I_g), 1e-12)


# Dimers on every site


def test_fig_3b():
    """2 delta J / I_g at mu_bar = 1, gamma = .3."""
    expected = {4: 0.0861, 6: 0.0922, 8: 0.1931, 10: 0.2608, 20: 0.4259, 60: 0.7128, 100: 0.8080, 200: 0.8951}
    _, r = responses([make(layouts.dimers(N), gamma=0.3, sites=200) for N in expected], [1.0] * len(expected))
    close(2 * r, list(expected.values()), 6e-5, 1.0)


def test_weak_coupling_grows_in_steps():
    """2 delta J = c_N gamma^2 I_g at gamma = 1e-3; the next order is gamma^2 N^2 of it, 4e-4 at N = 20."""
    points = [(N, m) for N in range(4, 21, 2) for m in (0.0, 0.7, 1.0, 1.9)]
    _, r = responses(
        [make(layouts.dimers(N), gamma=1e-3, sites=64) for N, _ in points], [m for _, m in points]
    )
    slopes = [long_wire.weak_coupling_slope(N, m) for N, m in points]
    close(2 * r * 1e6, slopes, 4e-4)
    at_one = [s for (_, m), s in zip(points, slopes, strict=True) if m == 1.0]
    close(at_one[:4], [1.0, 1.0, 3.0, 4.0], 1e-13)


def test_conductance_of_long_wires():
    """G_N = sigma / (l_c + N - 2) is within 1.2 % for N >= 4, gamma <= .5, |mu_bar| <= 1 (Eq. 21)."""
    points = [
        (N, m, g) for N in (4, 6, 10, 20, 60, 200) for m in (-1.0, 0.0, 0.5, 1.0) for g in (0.1, 0.3, 0.5)
    ]
    g, r = responses(
        [make(layouts.dimers(N), gamma=gamma, sites=200) for N, _, gamma in points], [m for _, m, _ in points]
    )
    approximate = long_wire.conductance(*np.array(points).T)
    close(g / approximate, np.ones(len(points)), 0.012)
    # 2 delta J tends to I_g: at gamma = .5, N = 200 >> l_c = 8 within 2 l_c / N.
    assert 0.9 < 2 * r[-1] < 1


def test_fig_3a():
    """Eq. 19 misses the profile of N = 30, gamma = .5, mu_bar = 1, I_g = .3 I_o by .0042 at most."""
    wire = make(layouts.dimers(30), gamma=0.5, sites=64)
    mu = np.asarray(engine.solve(wire, "chain", 1.0, 0.1, 0.3).potentials)[1:29]
    misfit = np.max(np.abs(mu - 1 - long_wire.profile(30, 1.0, 0.5, 0.1, 0.3 * 0.1 / (2 * np.pi))))
    close(misfit, 0.0042, 5e-5, 1.0)


@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        (-0.2, {4: -0.385, 12: -0.194, 40: 0.416, 100: 0.695}),
        (-0.4, {4: -0.926, 12: -0.594, 40: 0.094, 100: 0.477}),
        (0.0, {40: 0.618}),
        (0.1, {40: 0.677}),
        (0.4, {40: 0.750}),
        (1.0, {40: 0.719}),
    ],
)
def test_fig_9(shift, expected):
    """Contacts of 1 + shift: Delta I / I_g at gamma = .3, mu_bar = 1; weak contacts turn the sign."""
    for N, value in expected.items():
        wire = make(layouts.dimers(N), gamma=0.3, contact=1 + shift, sites=200)
        g, r = engine.respond(wire, "chain", 1.0)
        close(2 * r, value, 6e-4, 1.0)
        assert abs(0.05 * r) < g  # so that Delta I = 2 delta I at I_g = .05 I_o


def test_fig_8():
    """N = 4, contacts: zeros of Delta I at gamma_1 - 1 = -.0495 (gamma = .3) ... -.5786 (gamma = .9)."""
    zeros = {0.3: (-0.0495, 2.661), 0.5: (-0.1516, 1.636), 0.7: (-0.3157, 1.548), 0.9: (-0.5786, 2.547)}
    for gamma, shifts in zeros.items():
        for shift in shifts:
            step = 1e-4 if shift < 0 else 1e-3
            around = [
                engine.respond(make(layouts.dimers(4), gamma=gamma, contact=1 + s, sites=12), "chain", 1.0)[1]
                for s in (shift - step, shift + step)
            ]
            assert around[0] * around[1] < 0


# Dimers every six sites, N = 60 (Fig. 10)

FIG_10 = {0.1: 0.173, 0.2: 0.483, 0.3: 0.695, 0.5: 0.862, 0.7: 0.929, 0.9: 0.968}
SECOND_ZEROS = {0.1: 0.9787, 0.2: 0.9816, 0.3: 0.9850, 0.5: 0.9907, 0.7: 0.9941, 0.9: 0.9960}


@pytest.mark.parametrize("gamma", FIG_10)
def test_fig_10(gamma):
    """Delta I = 0 at mu_bar = 1 to 5e-15, a second zero just below it, and its value at the band centre."""
    wire = make(layouts.spaced(60, 3), gamma=gamma, sites=64)
    second = SECOND_ZEROS[gamma]
    _, r = responses([wire] * 5, [1.0, 0.0, second - 1e-4, second + 1e-4, 1.001])
    close(r[0], 0.0, 5e-15, 1.0)
    close(2 * r[1], FIG_10[gamma], 6e-4, 1.0)
    assert r[2] > 0 > r[3]
    assert r[4] > 0
