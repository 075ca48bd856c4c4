"""What the figures of published chains compare: the numbers of their sweeps against the known results."""

import numpy as np
import pytest
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
from jaxtransport.plot.figures.rectification import by_energies

pytestmark = pytest.mark.slow

AMPLITUDE, PHASE, SEED, WIDTH, T2 = (
    "onsite.amplitude",
    "onsite.phase",
    "onsite.seed",
    "onsite.width",
    "hopping.values[2]",
)


def test_a_molecule_tunnels_and_hops(data):
    """The closed form at every potential and length; with probes dR/dN = that of D'Amato and Pastawski."""
    bare, probes = data("molecule_bare"), data("molecule")
    expected = molecule.transmission(bare.N.values, bare.mu_bar.values[:, None], 1.5, 0.5, 0.5, 0.5)
    close(bare.conductance.values / expected, np.ones_like(expected), 1e-12)
    R = 1 / probes.conductance
    slope = (R.sel(N=200) - R.sel(N=160)).values / 40
    expected = dephasing.resistance_per_site(-3.0, 4 * probes.gamma.values**2)
    close(slope / expected, np.ones(4), 1e-11)


def test_band_edge_is_ohmic_at_last(data):
    """T of a molecule on its band edge, N^-2, at first; with the strongest probes 1 / (N dR/dN) to 2 %."""
    edge = data("dephasing_edge").conductance
    per_site = dephasing.resistance_per_site(2.0, 2 * 0.08**2)
    assert float(edge.sel(gamma=0.08, N=10240)) * per_site * 10240 == pytest.approx(0.98, abs=0.01)
    T = molecule.transmission(10, 2.0, 0.0, 1.0, 2.0, 2.0)
    assert float(edge.sel(gamma=0.002, N=10)) == pytest.approx(T, rel=1e-2)


def test_edge_states_reverse_the_nonreciprocity(data):
    """dI at mu_bar = 0 to rounding, its sign where s = 1, and almost no conductance in the gap."""
    centre = data("ssh_centre")
    t2 = centre[T2].values
    for N in centre.N.values:
        response = centre.injection_response.sel(N=N).values
        close(response, ssh.injection_response(N, 1.0, t2, 0.02, 0.5), 1e-13, 1.0, f"N = {N}")
        reversal = 4 ** (2 / (N - 2))  # (2 t1 / Gamma_1)^2 (t1 / t2)^(N - 2) = 1
        away = np.abs(t2 - reversal) > 0.02
        assert np.all((np.sign(response) == np.sign(reversal - t2))[away])
        close(centre.conductance.sel(N=N).values, ssh.conductance(N, 1.0, t2, 0.5), 4e-3, 1.0)
    over = data("ssh").conductance.transpose("mu_bar", T2).values
    low, high = ssh.band_edges(1.0, data("ssh")[T2].values)
    mu = np.abs(data("ssh").mu_bar.values)[:, None]
    gapped = (mu > high + 0.2) | ((mu < low - 0.2) & (high < 1.6))
    assert over[gapped].max() < 1e-4
    assert over[(mu > low) & (mu < high)].max() > 0.99


def test_disorder_localises(data):
    """<ln G> = -2N / xi to 3 % from N = 11 on; the errors of an average over 2000 wires are up to 2 %."""
    wires = data("disorder")
    assert wires.sizes[SEED] == 2000
    for W in wires[WIDTH].values:
        one = wires.sel({WIDTH: W, "N": wires.N[wires.N > 10]})
        length = one.N.values / disorder.localisation_length(0.7, W)
        log = np.log(one.conductance.values)
        error = log.std(-1) / np.sqrt(2000)
        assert np.all(np.abs(log.mean(-1) + 2 * length) < 3 * error + 0.03 * 2 * length), W


def test_nonreciprocity_of_disordered_wires(data):
    """Mean and deviation of dI beyond .3 xi: to three standard errors of 2000 wires, and W^2 / 40."""
    wires = data("disorder")
    for W in wires[WIDTH].values:
        one = wires.injection_response.sel({WIDTH: W})
        length = one.N.values / disorder.localisation_length(0.7, W)
        mean, deviation = one.values.mean(-1), one.values.std(-1)
        allowed = 3 * deviation / np.sqrt(2000) + W**2 / 40
        long = length > 0.3
        assert np.all((np.abs(mean - disorder.mean_response(length)) < allowed)[long]), W
        assert np.all((np.abs(deviation - disorder.response_deviation(length)) < allowed)[long]), W


def test_phases_of_a_quasiperiodic_chain(data):
    """Ballistic, about N, exp(2N / xi) without probes; proportional to N with them, in every phase."""
    log = np.log(1 / data("aubry_andre").conductance).mean(PHASE)
    N = log.N.values
    ballistic, critical, localised = (log.sel({AMPLITUDE: A}).values for A in (1.0, 2.0, 2.5))
    assert np.ptp(ballistic[3:]) < 0.01
    assert np.polyfit(np.log(N[2:]), critical[2:], 1)[0] == pytest.approx(1.05, abs=0.1)
    assert (localised[-1] - localised[3]) / (N[-1] - N[3]) == pytest.approx(
        2 / aubry_andre.localisation_length(2.5), rel=3e-3
    )
    R = (1 / data("aubry_andre_probes").conductance).mean(PHASE)
    per_site = (R.diff("N") / R.N.diff("N")).isel(N=slice(-3, None))
    close((per_site / per_site[..., -1]).values, np.ones((3, 3)), 2e-3)


def test_best_coupling_of_probes(data):
    """None where extended, a finite one where localised; strong probes leave hops between neighbours."""
    chains = data("aubry_andre_coupling")
    typical = np.exp(np.log(chains.conductance).mean(PHASE))
    best = chains.gamma.values[typical.argmax("gamma").values]
    assert best[0] == chains.gamma.values[0]
    assert 0.05 < best[1] < 0.2 < best[2] < 1 < best[3] < 3
    turns = (np.sqrt(5) - 1) / 2 * np.arange(1, 90)
    gamma = chains.gamma.values[-1]
    for A in chains[AMPLITUDE].values:
        onsite = A * np.cos(2 * np.pi * turns + chains[PHASE].values[:, None])
        R = dephasing.resistance_of_hops(0.0, onsite, 2 * gamma**2, 2.0)
        G = chains.conductance.sel({AMPLITUDE: A, "gamma": gamma}).values
        close(R * G, np.ones_like(R), 16 / (2 * gamma**2) ** 2, 1.0, f"A = {A}")


def test_white_noise_is_diffusive(data):
    """Current and occupations to rounding, at every N."""
    noise = data("white_noise")
    N, width = noise.N.values, noise.width.values[:, None]
    J = noise.current_forward.values / (2 * np.pi)  # delta_mu = 1
    close(white_noise.resistance(N, width, 1.0, 1.0) * J, np.ones_like(J), 1e-12)
    site = np.arange(2, 40)
    n = noise.occupation_forward.sel(N=40, site=site).values
    close(n, white_noise.occupation(site, 40, width, 1.0, 1.0), 1e-12, 1.0)


def transmissions(onsite, hopping, widths, energy):
    """T_ij of a chain with wide bands by a dense inverse; T_ii is of no meaning."""
    H = np.diag(onsite) - np.diag(hopping, 1) - np.diag(hopping, -1)
    G = np.linalg.inv(energy * np.eye(len(onsite)) - H + 0.5j * np.diag(widths))
    return np.abs(G) ** 2 * np.outer(widths, widths)


def test_gain_and_loss_give_half_a_quantum(data):
    """T_1N + 1/2 sum T_1p; that of long chains if strong, the longer the sooner; of SSH chains if weak."""
    for N, strong in ((6, 10.0), (10, 2.0), (20, 1.0)):
        chain = data(f"gain_loss_{N}")
        width = chain.width.values
        for t2 in chain[T2].values:
            G = chain.conductance.sel({T2: t2}).values
            hopping = np.where(np.arange(N - 1) % 2, t2, 1.0)
            for index in (0, 30, 60, 100):
                widths = np.r_[0.3, np.full(N - 2, width[index]), 0.3]
                T = transmissions(np.zeros(N), hopping, widths, 0.0)[0]
                close(G[index], T[-1] + T[1:-1].sum() / 2, 1e-12, 1.0, f"N = {N}")
            long = gain_loss.conductance(width, 1.0, t2, 0.3)
            near = np.abs(G - long) < 2e-4
            assert near[width >= strong].all(), f"N = {N}"
            assert t2 < 1 or not near[width < strong / 30].any(), f"N = {N}"
            close(G[0], ssh.conductance(N, 1.0, t2, 0.3), 5e-3, 1.0, f"N = {N}")


def second_order(onsite, widths, energy):
    """(G, Delta I / I_o delta_mu) of voltage probes on all middle sites at T = 0.

    Delta I / I_o = delta_mu sum_{i<j} T'_ij (phi_i - phi_j)^2 (1 - phi_i - phi_j): the second order of the
    balance, weighed with the linear potentials phi, from 1 to 0; T' by differences.
    """
    bonds = np.ones(len(onsite) - 1)
    T, below, above = (transmissions(onsite, bonds, widths, energy + d) for d in (0.0, -1e-5, 1e-5))
    slope = (above - below) / 2e-5
    L = np.diag(T.sum(1)) - T
    phi = np.zeros(len(onsite))
    phi[0] = 1
    phi[1:-1] = np.linalg.solve(L[1:-1, 1:-1], -L[1:-1, 0])
    i, j = phi[:, None], phi
    return L[0] @ phi, np.sum(slope * (i - j) ** 2 * (1 - i - j)) / 2


def test_voltage_probes_rectify_and_dephasing_probes_do_not(data):
    """Delta I ~ delta_mu^2 with the coefficient of second order, or none; I by the transmission."""
    voltage, dephasing_, series, energies = (
        data(f"rectification_{name}") for name in ("voltage", "dephasing", "series", "energies")
    )
    bias = voltage.delta_mu.values
    onsite, widths = np.repeat([0.0, 2.0], 5), np.r_[0.5, np.full(8, 0.4), 0.5]
    G, coefficient = second_order(onsite, widths, 1.0)
    over_bias = voltage.nonreciprocity.values / bias
    close(over_bias[:3] / coefficient, np.ones(3), 2e-3)  # the next order is about .6 delta_mu^2
    close(series.nonreciprocity.values[0] / bias[0] / coefficient, 1.0, 1e-4)
    close(dephasing_.nonreciprocity.values, np.zeros_like(bias), 1e-13, 1.0)
    I = by_energies(energies.conductance, bias, 1.0)
    close(dephasing_.current_forward.values, I, 1e-8, 1.0)  # 7e-10: the spline
    close(energies.conductance.sel(mu_bar=1.0, method="nearest").item(), G, 1e-12, 1.0)
    between = (voltage.current_forward < I) & (-voltage.current_reverse > I)
    assert between.all()
