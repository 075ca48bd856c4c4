"""Identities of Green functions, for any Hermitian H, with and without a magnetic flux."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import checks, reference
from support.checks import close
from support.engine import dense_answers, dense_of
from support.wires import PROPERTY, disordered, ring

from jaxtransport.green import dense as package


def hermitian(seed: int, n: int = 12):
    """H with every element taken, reservoirs on some sites, leads on 0 and 2."""
    rng = np.random.default_rng(seed)
    H = (rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))) / 4
    coupling = np.where(rng.uniform(size=n) < 0.3, 0.0, rng.uniform(0.3, 1.2, n))
    coupling[[0, 2]] = 0.8, 1.1
    return (H + H.conj().T) / 2, coupling, np.where(coupling > 0, rng.normal(size=n), 0.0)


SYSTEMS = {"flux in a ring": lambda s: ring(s, 1.3), "any H": hermitian}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("system", SYSTEMS)
def test_twin(system, seed):
    """Everything that a small system can be asked for."""
    checks.general_against_twin(*SYSTEMS[system](seed), 0.4)


@pytest.mark.slow
@PROPERTY
@given(st.sampled_from(sorted(SYSTEMS)), st.integers(0, 10_000), st.floats(-1.9, 1.9))
def test_identities_at_any_energy(system, seed, w):
    """Eq. B20, and currents through every link."""
    H, coupling, strength = SYSTEMS[system](seed)
    dense = dense_of(H, coupling, strength, w)
    checks.unitarity(dense)
    checks.links_carry_the_currents(H, dense)


@pytest.mark.parametrize("flux", [False, True])
def test_identities_on_a_wire(flux):
    wire = disordered(50, 12, flux=flux)
    H = reference.hamiltonian(reference.chain_of(wire))
    dense = dense_of(H, wire.coupling, wire.strength, 0.4, leads=(0, 11))
    checks.unitarity(dense)
    checks.bond_rows_vanish(dense)
    checks.links_carry_the_currents(H, dense)


def test_without_flux_green_and_transmissions_are_symmetric():
    """Eq. B21, Re G+ = Re G-, and with it T = T^T. 1e-13: up to the rounding of the inverse."""
    wire = disordered(51, 12)
    H = reference.hamiltonian(reference.chain_of(wire))
    dense = dense_of(H, wire.coupling, wire.strength, 0.4, leads=(0, 11))
    close(dense.green.real, dense.green.conj().T.real, 1e-13, what="Eq. B21")
    close(dense.matrix, dense.matrix.T, 1e-13, what="T symmetric")


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_time_reversal(seed):
    """T(flux)^T = T(-flux); the flux is seen, and without it T is symmetric. 1e-13, as above."""
    T = {flux: dense_of(*ring(seed, flux), 0.4).matrix for flux in (1.3, -1.3, 1.3 + 2 * np.pi, 0.0)}
    close(T[1.3].T, T[-1.3], 1e-13, what="T(flux)^T = T(-flux)")
    close(T[0.0].T, T[0.0], 1e-13, what="T(0)")
    assert np.max(np.abs(T[1.3] - T[1.3].T)) > 0.01
    # One flux quantum more is a gauge, up to the rounding of the phases.
    close(T[1.3 + 2 * np.pi], T[1.3], 1e-13, what="flux quantum")


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_charge_is_conserved_with_a_flux(seed):
    """Rows and columns of T sum alike, so that sum_l I_l = 0 for any potentials; 1e-13 of the largest."""
    H, coupling, strength = ring(seed, 1.3)
    dense = dense_of(H, coupling, strength, 0.4)
    T, (x, _, _) = dense.matrix, dense_answers(H, coupling, strength, 0.4)
    close(T.sum(axis=0), T.sum(axis=1), 1e-13, what="columns and rows")
    I = (T * (x[:, None] - x[None, :])).sum(axis=1)
    for currents in (I, dense.currents_into):
        close(currents.sum(), 0.0, 1e-13, np.max(np.abs(currents)), "sum of I_l")
    middle = (coupling > 0) & ~np.isin(np.arange(len(H)), dense.leads)
    close(I[middle], 0.7 * strength[middle], 1e-13, np.max(np.abs(I)), "given currents")


def test_rows_of_bond_transmissions_sum_to_the_persistent_current():
    """sum_l' F_ll' = 0 needs Eq. B21: a flux through a loop drives currents in equilibrium, odd in it."""
    total = {flux: dense_of(*ring(7, flux), 0.4).bond_matrix.sum(axis=1) for flux in (1.3, -1.3, 0.0)}
    close(total[0.0], np.zeros(11), 1e-13, 1.0)
    close(total[1.3], -total[-1.3], 1e-13, 1.0)
    assert np.max(np.abs(total[1.3])) > 0.01


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_reciprocity_with_a_flux_needs_the_reversed_flux(seed):
    """delta I(flux) = sum_l I_l phi_l(-flux), phi for x_1 = 1, x_N = 0; 1e-13: small systems."""
    answers = {flux: dense_answers(*ring(seed, flux), 0.4) for flux in (1.3, -1.3)}
    strength = ring(seed, 1.3)[2]
    _, r = answers[1.3][2]
    terms = {flux: strength * phi for flux, (_, phi, _) in answers.items()}
    close(r, terms[-1.3].sum(), 1e-13, np.abs(strength).sum())
    assert abs(r - terms[1.3].sum()) > 1e-3  # the flux itself breaks reciprocity


@pytest.mark.parametrize("flux", [False, True])
def test_hamiltonian_of_a_wire(flux):
    """Signs and conjugates (Eq. 10), padded and not."""
    checks.hamiltonian_is_as_defined(disordered(52, 12, flux=flux))
    checks.hamiltonian_is_as_defined(disordered(53, 5, sites=12, flux=flux))


@pytest.mark.slow
def test_green_function_is_the_inverse():
    H, coupling, strength = hermitian(6)
    dense = dense_of(H, coupling, strength, 0.4)
    close(dense.green @ dense.inverse, np.eye(12), 1e-13)
    close(package.green(H, coupling, 0.4), dense.green, 1e-13)
