"""Both O(N) kernels against 40 digits, and their sums along the wire against matrices."""

import numpy as np
import pytest
from mpmath import workdps
from support import checks, engine, precise, reference
from support.checks import close, close_digits
from support.engine import KERNELS
from support.wires import disordered, localized, make

import jaxtransport as jt
from jaxtransport import layout as layouts
from jaxtransport.green.dense import Dense

BOTH = pytest.mark.parametrize("kernel", ["chain", "long"])


@pytest.mark.slow
@BOTH
def test_twenty_thousand_sites(kernel):
    """Here r = 0.499 keeps 11 digits of its own, too: 20000 terms of either sign are still summed well."""
    wire = make(layouts.dimers(20_000), gamma=0.3)
    exact = checks.against_digits(wire, 1.0, kernel=kernel)
    close_digits(engine.respond(wire, kernel, 1.0)[1], exact.r, 1e-11, what="r by itself")


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("mu_bar", [1.99999, -1.99999])
def test_band_edge(mu_bar, kernel):
    checks.against_digits(make(layouts.dimers(1000), gamma=0.3), mu_bar, kernel=kernel)


@BOTH
def test_weak_coupling(kernel):
    """gamma = 1e-4: |T_ll'| from 1e-16 to 1 in one network."""
    checks.against_digits(make(layouts.dimers(1000), gamma=1e-4), 1.0, kernel=kernel)


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize(
    ("seed", "spacing", "disorder"), [(0, 5, 5.0), (0, 25, 3.0), (0, 50, 3.0), (2, 25, 5.0)]
)
def test_localized_states_with_few_reservoirs(seed, spacing, disorder, kernel):
    """g = 6e-9 to 1e-19: elimination keeps the digits of g that a dense inverse loses, up to all of them."""
    wire = localized(seed, 101, spacing, disorder)
    exact = checks.against_digits(wire, 0.3, digits=120, kernel=kernel)
    plain = engine.compiled("plain dense", lambda wire, w: Dense.at(wire, w).lead_response())(wire, 0.3)
    refined, _ = engine.respond(wire, "dense", 0.3)
    with workdps(30):
        assert 1e-10 * exact.g < abs(plain.conductance - exact.g) < plain.conductance_error
    close_digits(refined, exact.g, 1e-12, what="g, refined")


@BOTH
@pytest.mark.parametrize(("seed", "N"), [(30, 2), (31, 3), (32, 17), (33, 64)])
def test_disorder_everywhere(seed, N, kernel):
    checks.against_digits(disordered(seed, N, sites=64), -0.6, kernel=kernel)


@BOTH
@pytest.mark.parametrize(("seed", "N", "disorder"), [(34, 60, 1.0), (35, 64, 3.0)])
def test_profile_without_injection(seed, N, disorder, kernel):
    """phi_l, between 0 and 1, to 1e-13 of 1."""
    wire = disordered(seed, N, sites=64, disorder=disorder)
    exact = precise.banded(reference.chain_of(wire), 0.3, 120)
    close(engine.profile(wire, kernel, 0.3), [float(p) for p in exact.phi], 1e-13, 1.0, "phi")


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("seed", "N"), [(36, 12), (37, 2), (38, 40), (39, 64)])
def test_sums_over_all_reservoirs_for_any_potentials(seed, N, kernel):
    wire = disordered(seed, N, sites=64)
    checks.sums_against_twin(wire, kernel)
    checks.bonds_carry_what_is_exchanged(wire, kernel)


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("gamma", [1e-3, 1e-4])
def test_weakly_coupled_sources_keep_their_currents(gamma, kernel):
    """Potentials reach 1e7; currents and heat, sums of T x of order 1, are good to 1e-11."""
    wire = make(layouts.dimers(64), gamma=gamma)
    twin = checks.twin(wire, mu_bar=1.0, delta_mu=0.1, injection=0.3)
    state = engine.solve(wire, kernel, 1.0, 0.1, 0.3)
    close(state.currents, twin.currents, 1e-11, what="I_l")
    close(state.bond_current, np.cumsum(twin.currents)[:-1], 1e-11, what="J_l")
    close(state.heat, twin.heat, 1e-11, what="h_l")


def test_sites_beyond_the_length_hold_nothing():
    """Whatever stands there: the kernels cut it off."""
    wire = disordered(41, 50, sites=64)
    noise = np.where(np.arange(64) < 50, 0.0, 0.7)
    noisy = jt.Wire(wire.onsite + noise, wire.hopping + noise[1:], wire.coupling, wire.strength, wire.length)
    for kernel in KERNELS:
        close(engine.respond(noisy, kernel, 0.1), engine.respond(wire, kernel, 0.1), 1e-14)


@pytest.mark.slow
def test_only_the_modulus_of_the_hopping_counts():
    """Phases of an open chain are a gauge: g and r do not see them."""
    wire = disordered(42, 30, sites=64, flux=True)
    plain = jt.Wire(wire.onsite, np.abs(wire.hopping), wire.coupling, wire.strength, wire.length)
    for kernel in KERNELS:
        close(engine.respond(wire, kernel, 0.1), engine.respond(plain, kernel, 0.1), 1e-12)
