"""Molecules, SSH chains, disorder, quasi-periodic chains, noise: against dense inverses and recursions."""

import numpy as np
import pytest
from scipy.integrate import quad
from support.checks import close

from jaxtransport.closed_forms import (
    aubry_andre,
    dephasing,
    disorder,
    gain_loss,
    molecule,
    ssh,
    white_noise,
)
from jaxtransport.errors import InputError


def transmissions(onsite, hopping, widths, energy):
    """|G_ij|^2 Gamma_i Gamma_j of a chain with wide bands, by a dense inverse."""
    H = np.diag(onsite) - np.diag(hopping, 1) - np.diag(hopping, -1)
    G = np.linalg.inv(energy * np.eye(len(onsite)) - H + 0.5j * np.diag(widths))
    return np.abs(G) ** 2 * np.outer(widths, widths)


def potentials(T):
    """Of all sites with nothing injected, 1 at the left lead and 0 at the right, and the conductance."""
    L = np.diag(T.sum(1) - np.diag(T)) - (T - np.diag(np.diag(T)))
    free = np.flatnonzero(np.diag(T)[1:-1]) + 1
    phi = np.zeros(len(T))
    phi[0] = 1
    phi[free] = np.linalg.solve(L[np.ix_(free, free)], -L[free, 0])
    return phi, L[0] @ phi


def log_of_transmission(onsite, energy, self_energy):
    """ln T of chains with the same self-energy at both ends; onsite of shape (wires, N)."""
    g = 1 / (energy - onsite[:, 0] - self_energy)
    log = np.log(np.abs(g))
    for l in range(1, onsite.shape[1]):
        g = 1 / (energy - onsite[:, l] - g - (self_energy if l == onsite.shape[1] - 1 else 0))
        log += np.log(np.abs(g))
    return 2 * (log + np.log(-2 * self_energy.imag))


def of_a_molecule(transmission):
    for N in (1, 2, 3, 7):
        for energy, eps, v, left, right in ((0.3, 0.0, 1.0, 0.5, 0.7), (-1.0, 0.4, 0.3, 0.1, 2.0)):
            widths = np.zeros(N)
            widths[0] += left
            widths[-1] += right
            onsite = np.full(N, eps)
            T = transmissions(onsite, np.full(N - 1, v), widths, energy)[0, -1]
            if N == 1:  # one level holds both leads
                T *= left * right / widths[0] ** 2
            close(transmission(N, energy, eps, v, left, right), T, 1e-12, T)


def test_a_molecule():
    of_a_molecule(molecule.transmission)
    with pytest.raises(AssertionError):
        of_a_molecule(lambda N, *rest: molecule.transmission(N + 1, *rest))
    with pytest.raises(InputError, match=r"^levels = "):
        molecule.transmission(0, 0.0, 1.0, 0.1, 1.0, 1.0)


def test_decay_of_a_long_molecule():
    for energy in (-1.0, 0.2, 3.1):
        T = molecule.transmission([60, 61], energy, 1.5, 0.5, 0.5, 0.5)
        close(np.log(T[0] / T[1]), molecule.decay(energy, 1.5, 0.5), 1e-12, 1.0)
    assert molecule.decay(1.2, 1.5, 0.5) == 0


def of_a_pair_in_an_ssh_chain(response):
    for N, t1, t2, width, contact in (
        (4, 1.0, 0.7, 0.3, 0.5),
        (8, 0.7, 1.0, 0.02, 0.6),
        (12, 1.1, 1.3, 2.0, 1.0),
    ):
        widths = np.zeros(N)
        widths[[0, -1]], widths[[1, -2]] = contact, width
        hopping = np.where(np.arange(N - 1) % 2, t2, t1)
        phi, _ = potentials(transmissions(np.zeros(N), hopping, widths, 0.0))
        close(response(N, t1, t2, width, contact), phi[1] - phi[-2], 1e-12, 1.0)


def test_an_ssh_chain_in_the_middle_of_its_gap():
    of_a_pair_in_an_ssh_chain(ssh.injection_response)
    with pytest.raises(AssertionError):
        of_a_pair_in_an_ssh_chain(lambda *arguments: -ssh.injection_response(*arguments))
    for N in (4, 6, 10):
        hopping = np.where(np.arange(N - 1) % 2, 1.2, 0.8)
        widths = np.zeros(N)
        widths[[0, -1]] = 0.4
        T = transmissions(np.zeros(N), hopping, widths, 0.0)[0, -1]
        close(ssh.conductance(N, 0.8, 1.2, 0.4), T, 1e-12, T)


def test_weakly_coupled_the_response_is_that_of_the_docstring():
    s = (2 * 0.9 / 0.3) ** 2 * (0.9 / 1.3) ** 8
    close(ssh.injection_response(10, 0.9, 1.3, 1e-9, 0.3), (s - 1) / (s + 1), 1e-8, 1.0)
    close(ssh.conductance(10, 0.9, 1.3, 0.3), 4 * s / (1 + s) ** 2, 1e-14, 1.0)
    with pytest.raises(
        InputError, match=r"^N = 7.0: expected an even number of sites: bonds t1 at both ends"
    ):
        ssh.conductance(7, 1.0, 1.0, 0.5)


def test_band_edges_of_an_ssh_chain():
    """Eigenvalues of 400 sites that end on strong bonds, so without edge states: to 1 / N^2."""
    hopping = np.where(np.arange(399) % 2, 0.6, 1.0)
    levels = np.linalg.eigvalsh(np.diag(hopping, 1) + np.diag(hopping, -1))
    positive = levels[levels > 0]
    low, high = ssh.band_edges(1.0, 0.6)
    close([positive.min(), positive.max()], [low, high], 1e-3, 1.0)
    assert positive.min() > low
    assert positive.max() < high


@pytest.mark.parametrize("length", [0.01, 0.3, 2.0, 6.0])
def test_moments_of_transmission_are_those_of_its_distribution(length):
    """Abrikosov's distribution of lambda = 1 / T - 1, integrated over u and lambda one after the other.

    P(lambda) = e^(-s/4) / sqrt(2 pi s^3) int du u e^(-u^2 / 4s) / sqrt(cosh u - 1 - 2 lambda), from
    cosh u = 1 + 2 lambda on; 1 + 2 lambda = cosh u - 2 cosh^2(u/2) tanh^2 y takes the square root out.
    """
    s = 2 * length
    before = np.exp(-s / 4) / np.sqrt(np.pi * s**3)

    def moment(q):
        def over_lambda(u):
            return np.cosh(u / 2) ** (1 - 2 * q) * quad(lambda y: np.cosh(y) ** (2 * q - 2), 0, u / 2)[0]

        weight = lambda u: before * u * np.exp(-(u**2) / (4 * s)) * over_lambda(u)
        return quad(weight, 0, s + 14 * np.sqrt(s), epsabs=1e-11)[0]

    close(moment(0), 1.0, 1e-8, 1.0)
    close(disorder.mean_root_transmission(length), moment(0.5), 1e-8, 1.0)
    close(disorder.mean_transmission(length), moment(1), 1e-8, 1.0)


def test_averages_over_phases():
    """1 - X/2 of a source and of a drain, with the two phases drawn at random."""
    random = np.random.default_rng(4)
    mu_bar, W, N, wires = 0.7, 0.6, 150, 20_000
    length = N / disorder.localisation_length(mu_bar, W)
    surface = (mu_bar - 1j * np.sqrt(4 - mu_bar**2)) / 2
    T = np.exp(log_of_transmission(W * (random.random((wires, N)) - 0.5), mu_bar, surface))
    phase = random.uniform(0, 2 * np.pi, (2, wires))
    response = 1 - np.mean(T / (1 + np.sqrt(1 - T) * np.cos(phase)), axis=0)
    error = 4 / np.sqrt(wires)  # four standard errors of numbers of order 1
    close(np.log(T).mean(), -2 * length, error, T.std() + 2 * length)
    close(response.mean(), disorder.mean_response(length), error, response.std())
    close(response.std(), disorder.response_deviation(length), error, 1.0)


def test_localisation_of_a_quasiperiodic_chain():
    """<ln T> falls by 2 / xi with each site: between 500 and 2500 sites, over 50 phases."""
    beta = (np.sqrt(5) - 1) / 2
    phase = 2 * np.pi * np.arange(50)[:, None] / 50
    for amplitude in (2.5, 4.0):
        onsite = amplitude * np.cos(2 * np.pi * beta * np.arange(1, 2501) + phase)
        short, long = (log_of_transmission(onsite[:, :N], 0.0, -0.5j).mean() for N in (500, 2500))
        close((short - long) / 2000, 2 / aubry_andre.localisation_length(amplitude), 2e-3, 1.0)
    assert aubry_andre.localisation_length(2.0) == np.inf


def of_strong_probes(resistance):
    """Levels as far apart as the probes are broad: the error is less than 20 / Gamma^2."""
    for width in (10.0, 100.0):
        onsite = width * np.array([0.3, -0.7, 1.1, 0.2, -0.4])
        widths = np.array([1.5 * width, width, width, width, 1.5 * width])
        _, G = potentials(transmissions(onsite, np.ones(4), widths, 0.1 * width))
        close(resistance(0.1 * width, onsite, width, 1.5 * width), 1 / G, 20 / width**2, 1 / G)


def test_strong_probes_leave_hops_between_neighbours():
    of_strong_probes(dephasing.resistance_of_hops)
    with pytest.raises(AssertionError):
        of_strong_probes(lambda E, *rest: dephasing.resistance_of_hops(-E, *rest))
    R = dephasing.resistance_of_hops(0.0, np.zeros((3, 5)), [5.0, 6.0, 7.0], 2.0)
    close(R[1], dephasing.resistance_of_hops(0.0, np.zeros(5), 6.0, 2.0), 1e-15)


def steady_state(N, width, left, right):
    """Densities and the current of the master equation: <c_i^+ c_j> of noise and of leads 1 and 0.

    0 = i [H, C] - {Gamma, C} / 2 + Gamma_1 on (1, 1), less the decay of coherence by noise.
    """
    H = -np.diag(np.ones(N - 1), 1) - np.diag(np.ones(N - 1), -1)
    leads, noise = np.zeros(N), np.full(N, width)
    leads[0], leads[-1] = left, right
    noise[[0, -1]] = 0
    decay = (noise[:, None] + noise) / 2 * (1 - np.eye(N)) + (leads[:, None] + leads) / 2
    one = np.eye(N)
    system = 1j * (np.kron(H, one) - np.kron(one, H.T)) - np.diag(decay.ravel())
    source = np.zeros((N, N), complex)
    source[0, 0] = left
    C = np.linalg.solve(system, -source.ravel()).reshape(N, N)
    return np.diag(C).real, right * C[-1, -1].real


def of_white_noise(resistance, occupation):
    for N, width, left, right in (
        (2, 1.0, 0.4, 1.7),
        (3, 0.3, 0.5, 2.0),
        (5, 4.0, 1.0, 0.2),
        (9, 0.1, 3.0, 1.0),
    ):
        n, J = steady_state(N, width, left, right)
        close(resistance(N, width, left, right), 1 / J, 1e-12, 1 / J, f"N = {N}")
        middle = np.arange(2, N)
        close(occupation(middle, N, width, left, right), n[1:-1], 1e-12, 1.0, f"N = {N}")


def test_white_noise():
    of_white_noise(white_noise.resistance, white_noise.occupation)
    with pytest.raises(AssertionError):
        of_white_noise(lambda N, *rest: white_noise.resistance(N + 1, *rest), white_noise.occupation)
    mirrored = lambda l, N, *rest: white_noise.occupation(N + 1 - l, N, *rest)
    with pytest.raises(AssertionError):
        of_white_noise(white_noise.resistance, mirrored)
    with pytest.raises(InputError, match=r"^sites = 1"):
        white_noise.resistance(1, 0.1, 1.0, 1.0)
    with pytest.raises(InputError, match=r"^site = .*expected middle sites, from 2 to N - 1"):
        white_noise.occupation([2, 6], 6, 0.1, 1.0, 1.0)


def of_gain_and_loss(conductance):
    """T_1N and half of all T_1p of 400 sites, which is long enough for rounding."""
    for t1, t2, width, contact in ((1.0, 0.5, 0.3, 1.0), (0.6, 1.1, 0.2, 0.4), (0.9, 0.9, 1.0, 3.0)):
        widths = np.full(400, width)
        widths[[0, -1]] = contact
        hopping = np.where(np.arange(399) % 2, t2, t1)
        T = transmissions(np.zeros(400), hopping, widths, 0.0)[0]
        G = T[-1] + T[1:-1].sum() / 2
        close(conductance(width, t1, t2, contact), G, 1e-12, G)


def test_gain_and_loss():
    of_gain_and_loss(gain_loss.conductance)
    with pytest.raises(AssertionError):
        of_gain_and_loss(lambda width, t1, t2, contact: gain_loss.conductance(width, t2, t1, contact))


def test_half_a_quantum_by_gain_and_loss():
    """Nowhere more than 1/2; twice exactly that with edge states, once without, or never."""
    width = np.logspace(-6, 6, 1000)
    for t1, t2, contact, times in (
        (1.0, 1.4, 0.3, 2),
        (1.0, 0.7, 0.3, 1),
        (1.0, 0.7, 5.0, 1),
        (1.0, 2.0, 1.9, 0),
    ):
        G = gain_loss.conductance(width, t1, t2, contact)
        assert G.max() < 0.5
        found = np.array(gain_loss.widths_of_half(t1, t2, contact))
        assert np.isfinite(found).sum() == times
        found = found[np.isfinite(found)]
        close(gain_loss.conductance(found, t1, t2, contact), np.full(times, 0.5), 1e-15, 1.0)
        W = gain_loss.escape_rate(width, t1, t2)
        assert np.count_nonzero(np.diff(contact < W)) == times
    assert np.isnan(gain_loss.widths_of_half(1.0, 0.7, 0.3)[0])


def test_weak_and_strong_gain_and_loss():
    """The limits of the docstring; corrections are of the second order in the small number 1e-6."""
    for width, t1, t2, W in (
        (1e-6, 1.0, 1.4, 1e-6 / 0.96),
        (1e-6, 1.4, 1.0, 4e6 * 0.96),
        (1e6, 1.3, 0.2, 4e-6 * 1.69),
        (1e6, 1.3, 2.0, 4e-6 * 1.69),
    ):
        close(gain_loss.escape_rate(width, t1, t2), W, 1e-10, W)
