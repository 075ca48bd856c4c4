"""Identities of Green functions, for any Hermitian H, with and without a magnetic flux."""

import checks
import numpy as np
import pytest
from checks import close
from hypothesis import given
from hypothesis import strategies as st
from wires import PROPERTY, disordered, ring

from jaxtransport.green import dense as package


def arrays(wire):
    """H, couplings and strengths of a wire."""
    return package.hamiltonian(wire), wire.coupling, wire.strength


def hermitian(seed: int, n: int = 7):
    """H with every element taken, reservoirs on some sites."""
    rng = np.random.default_rng(seed)
    H = (rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))) / 2
    coupling = np.where(rng.uniform(size=n) < 0.3, 0.0, rng.uniform(0.3, 1.2, n))
    coupling[[0, 2]] = 0.8, 1.1
    return (H + H.conj().T) / 2, coupling, np.where(coupling > 0, rng.normal(size=n), 0.0)


SYSTEMS = {"flux in a ring": lambda s: ring(s, 1.3), "any H": hermitian}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("system", SYSTEMS)
def test_identities_and_twin(system, seed):
    """Eq. B20, currents through links, and everything that a small system can be asked for."""
    H, coupling, strength = SYSTEMS[system](seed)
    dense = checks.dense_of(H, coupling, strength, 0.4)
    checks.unitarity(dense)
    checks.links_carry_the_currents(H, dense)
    checks.general_against_twin(H, coupling, strength, 0.4)


@PROPERTY
@given(st.integers(0, 10_000), st.floats(-1.9, 1.9))
def test_identities_at_any_energy(seed, w):
    H, coupling, strength = hermitian(seed)
    dense = checks.dense_of(H, coupling, strength, w)
    checks.unitarity(dense)
    checks.links_carry_the_currents(H, dense)


@pytest.mark.parametrize("flux", [False, True])
def test_identities_on_a_wire(flux):
    H, coupling, strength = arrays(disordered(50, 64, flux=flux))
    dense = checks.dense_of(H, coupling, strength, 0.4, leads=(0, 63))
    checks.unitarity(dense)
    checks.bond_rows_vanish(dense)
    checks.links_carry_the_currents(np.asarray(H), dense)


def test_without_flux_green_and_transmissions_are_symmetric():
    """Eq. B21, Re G+ = Re G-, and with it T = T^T. 1e-13: up to the rounding of the inverse."""
    H, coupling, strength = arrays(disordered(51, 64))
    dense = checks.dense_of(H, coupling, strength, 0.4, leads=(0, 63))
    G, T = np.asarray(dense.green), np.asarray(dense.matrix)
    close(G.real, G.conj().T.real, 1e-13, what="Eq. B21")
    close(T, T.T, 1e-13, what="T symmetric")


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_time_reversal(seed):
    """T(flux)^T = T(-flux); the flux is seen, and without it T is symmetric. 1e-13, as above."""
    T = {
        flux: np.asarray(checks.dense_of(*ring(seed, flux), 0.4).matrix)
        for flux in (1.3, -1.3, 1.3 + 2 * np.pi, 0.0)
    }
    close(T[1.3].T, T[-1.3], 1e-13, what="T(flux)^T = T(-flux)")
    close(T[0.0].T, T[0.0], 1e-13, what="T(0)")
    assert np.max(np.abs(T[1.3] - T[1.3].T)) > 0.02
    # One flux quantum more is a gauge, up to the rounding of the phases.
    close(T[1.3 + 2 * np.pi], T[1.3], 1e-13, what="flux quantum")


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_charge_is_conserved_with_a_flux(seed):
    """Rows and columns of T sum alike, so that sum_l I_l = 0 for any potentials; 1e-13 of the largest."""
    H, coupling, strength = ring(seed, 1.3)
    dense = checks.dense_of(H, coupling, strength, 0.4)
    T = np.asarray(dense.matrix)
    close(T.sum(axis=0), T.sum(axis=1), 1e-13, what="columns and rows")
    x = np.asarray(dense.potentials(0.7, 0.3, -0.2))
    I = np.asarray(dense.exchange(x))
    close(I.sum(), 0.0, 1e-13, np.max(np.abs(I)), "sum of I_l")
    middle = (coupling > 0) & ~np.isin(np.arange(len(H)), [0, 2])
    close(I[middle], 0.7 * strength[middle], 1e-13, np.max(np.abs(I)), "given currents")


def test_rows_of_bond_transmissions_sum_to_the_persistent_current():
    """sum_l' F_ll' = 0 needs Eq. B21: a flux through a loop drives currents in equilibrium, odd in it."""
    total = {
        flux: np.asarray(checks.dense_of(*ring(7, flux), 0.4).bond_matrix).sum(axis=1)
        for flux in (1.3, -1.3, 0.0)
    }
    close(total[0.0], np.zeros(6), 1e-13, 1.0)
    close(total[1.3], -total[-1.3], 1e-13, 1.0)
    assert np.max(np.abs(total[1.3])) > 0.02


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_reciprocity_with_a_flux_needs_the_reversed_flux(seed):
    """delta I(flux) = sum_l I_l phi_l(-flux), phi for x_1 = 1, x_N = 0; 1e-13: small systems."""
    systems = {flux: ring(seed, flux) for flux in (1.3, -1.3)}
    _, coupling, strength = systems[1.3]
    given = np.where(coupling > 0, strength, 0.0)
    dense = {flux: checks.dense_of(*system, 0.4) for flux, system in systems.items()}
    _, r = dense[1.3].respond()
    terms = {flux: given * np.asarray(dense[flux].potentials(0.0, 1.0, 0.0)) for flux in dense}
    close(r, terms[-1.3].sum(), 1e-13, np.abs(given).sum())
    assert abs(float(r) - terms[1.3].sum()) > 1e-3  # the flux itself breaks reciprocity


@pytest.mark.parametrize("flux", [False, True])
def test_hamiltonian_of_a_wire(flux):
    """Signs and conjugates (Eq. 10), padded and not."""
    checks.hamiltonian_is_as_defined(disordered(52, 12, flux=flux))
    checks.hamiltonian_is_as_defined(disordered(53, 5, sites=12, flux=flux))


def test_green_function_is_the_inverse():
    H, coupling, _ = hermitian(6)
    dense = checks.dense_of(H, coupling, 0 * coupling, 0.4)
    close(package.green(H, coupling, 0.4) @ np.asarray(dense.inverse), np.eye(len(H)), 1e-13)
