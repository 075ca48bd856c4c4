"""Closed forms of one pair far apart: what test_paper.py does not hold against the kernels."""

import numpy as np
import pytest
from support import reference
from support.checks import close

from jaxtransport.closed_forms import pair
from jaxtransport.errors import InputError

ENERGIES = (-1.9, -0.4, 0.0, 1.0, 1.52)
DELTA_MU, I_G = 0.1, 0.3 * 0.1 / (2 * np.pi)


def chain(N, gamma):
    coupling, strength = np.zeros(N), np.zeros(N)
    coupling[[0, -1]], coupling[[1, -2]] = 1.0, gamma
    strength[[1, -2]] = 1.0, -1.0
    return reference.Chain(np.zeros(N), np.ones(N - 1), coupling, strength)


@pytest.mark.parametrize("N", [4, 5, 6, 9, 30])
def test_determinant_and_green_functions(N):
    """Eqs. C5-C10 with the determinant itself: size and phase. 1e-12: sin((N - 3) k) loses a digit."""
    for m in ENERGIES:
        wire = chain(N, 0.6)
        Z = m * np.eye(N) - reference.hamiltonian(wire) - np.diag(reference.self_energy(wire.coupling, m))
        close(pair.determinant(N, m, 0.6), np.linalg.det(Z), 1e-12, what="C7")
        G = np.linalg.inv(Z)
        for (l, k), value in pair.green(N, m, 0.6).items():
            close(value, G[l - 1, k - 1], 1e-12, np.max(np.abs(G)), f"G_{l},{k}")
        minor = np.linalg.det(np.delete(np.delete(Z, 0, 0), 1, 1))
        close(
            pair.green(N, m, 0.6)[2, 1], -minor / np.linalg.det(Z), 1e-12, what="C5: (-1)^(l+l') minor / det"
        )


@pytest.mark.parametrize("N", [4, 7, 12, 30])
def test_balance_and_current(N):
    """C1-C4 and I_1, both biases, against a solution of the wire without its mirror symmetry."""
    for m in ENERGIES:
        T = pair.transmissions(N, m, 0.6)
        for delta_mu in (DELTA_MU, -DELTA_MU):
            answer = reference.solve(chain(N, 0.6), m, delta_mu, 0.3)
            shift = pair.potential_shift_by_transmissions(T, delta_mu, I_G)
            scale = max(abs(shift), DELTA_MU)
            close(answer.potentials[[1, -2]] - m, [shift, -shift], 1e-12, scale, "C3")
            left = pair.balance(answer.potentials[[1, -2]] - m, T, delta_mu, I_G)
            close(left, [0.0, 0.0], 1e-11, 2 * np.pi * I_G, "C1, C2")
            I_1 = pair.left_current(T, shift, delta_mu)
            close(I_1, answer.left_current * DELTA_MU / (2 * np.pi), 1e-12, DELTA_MU, "I_1")
            by_form = pair.conductance(N, m, 0.6) * delta_mu / (2 * np.pi)
            by_form -= pair.nonreciprocity(N, m, 0.6) * I_G / 2
            close(I_1, by_form, 1e-12, DELTA_MU, "I_1 = G delta_mu - Delta j / 2")


def test_printed_conductance_by_transmissions_diverges():
    """Eq. C4 as printed, its difference of T's in the denominator, is nowhere near at mu_bar = 1, N = 6."""
    T = pair.transmissions(6, 1.0 + 1e-6, 0.5)
    total, difference = T["21"] + 2 * T["N-1,2"] + T["N-1,1"], T["21"] - T["N-1,1"]
    printed = (T["21"] + 2 * T["N1"] + T["N-1,1"]) * (total - T["N-1,1"]) / (2 * difference**2)
    assert abs(printed) > 1e6
    close(pair.conductance_by_transmissions(T), pair.conductance(6, 1.0 + 1e-6, 0.5), 1e-13)


@pytest.mark.parametrize("gamma", [0.1, 0.3, 0.5, 0.9, 1.3])
def test_zeros(gamma):
    """Every zero of Delta j is in one of the two families, and each family is complete."""
    k = np.linspace(1e-4, np.pi - 1e-4, 40001)
    for N in (4, 5, 6, 7, 11, 12, 30, 59):
        first, second = pair.zeros_of_first_family(N), pair.zeros_of_second_family(N, gamma)
        # Newton leaves k to a few roundings; the slope of the second family is of order 2 N.
        at = np.arccos(second / 2)
        rest = gamma**2 * np.sin((N - 3) * at) - 2 * np.sin(at) * np.cos((N - 2) * at)
        close(rest, np.zeros(len(at)), 1e-12, 1.0, "second family")
        close(np.sin((N - 3) * np.arccos(first / 2)), np.zeros(N - 4), 1e-12, 1.0, "first family")
        assert np.all(np.diff(first) > 0)
        assert np.all(np.diff(second) > 0)
        assert np.max(np.abs(second), initial=0) < 2
        excess = pair.xi_less_one(N, 2 * np.cos(k), gamma)
        changes = np.sum(excess[1:] * excess[:-1] < 0)
        assert changes == len(first) + len(second) - (2 if N % 2 else 0), N  # odd N: a double zero at 0
        expected = N - 2 if gamma**2 * (N - 3) < 2 else N - 4
        if not np.isclose(gamma**2 * (N - 3), 2):
            assert len(second) == expected


def test_zeros_of_the_second_family_with_known_values():
    """N = 4: mu_bar^2 = 2 + gamma^2. N = 11 at gamma = .5: two more sit on the band edge, outside."""
    for gamma in (0.2, 0.5, 1.0):
        close(pair.zeros_of_second_family(4, gamma), np.array([-1, 1]) * np.sqrt(2 + gamma**2), 1e-15)
    close(pair.zeros_of_second_family(6, 0.5), [-1.905, -0.787, 0.787, 1.905], 6e-4, 1.0)
    assert len(pair.zeros_of_second_family(11, 0.5)) == 7


def test_half_waves():
    """Whole numbers of half waves are the first family: at mu_bar = 1 they are three sites long."""
    N = np.arange(4, 40)
    waves = pair.half_wavelengths(N, 1.0)
    close(waves, (N - 3) / 3, 1e-14)
    whole = np.abs(waves - np.round(waves)) < 1e-9
    zero = np.abs(pair.nonreciprocity(N, 1.0, 0.5)) < 1e-13
    assert np.array_equal(whole, zero)


def test_wave_number_of_either_sign():
    """With H = -sum(...) the physical wave number is pi - k; Xi at whole N is the same."""
    N, k = np.arange(4, 30), pair.wave_number(0.7)

    def excess(k):
        q = np.sin((N - 3) * k) / np.sin(k)
        return 0.25 * q * (0.25 * q - 2 * np.cos((N - 2) * k))

    close(excess(k), pair.xi_less_one(N, 0.7, 0.5), 1e-13)
    close(excess(np.pi - k), excess(k), 1e-12, what="pi - k")
    close(pair.zeros_of_first_family(9), -pair.zeros_of_first_family(9)[::-1], 1e-15)


def test_arrays_go_in_and_come_out():
    """N, mu_bar, gamma broadcast; N may lie between integers."""
    N, m, g = np.linspace(4, 12, 9)[:, None, None], np.array(ENERGIES)[:, None], np.array([0.3, 0.9])
    for form in (pair.conductance, pair.nonreciprocity, pair.xi, pair.xi_expanded, pair.determinant):
        assert form(N, m, g).shape == (9, 5, 2)
        close(form(N, m, g)[3, 1, 0], form(7, -0.4, 0.3), 1e-13)
    assert np.isfinite(pair.nonreciprocity(7.3, 1.0, 0.5))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: pair.nonreciprocity(3, 1.0, 0.5), "N"),
        (lambda: pair.green(6.5, 1.0, 0.5), "N"),
        (lambda: pair.zeros_of_second_family(5.5, 0.5), "N"),
        (lambda: pair.half_wavelengths(9, 2.0), "mu_bar"),
        (lambda: pair.xi(9, 1.0, 0.0), "gamma"),
    ],
)
def test_nonsense_is_named(call, name):
    with pytest.raises(InputError, match=f"^{name} = "):
        call()
