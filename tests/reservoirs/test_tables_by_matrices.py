"""Random tables for leads and middle apart: every kernel against plain matrices and adaptive quadrature."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest
from support import reference, two_kinds
from support.checks import close
from support.engine import KERNELS
from support.tables import Table

import jaxtransport as jt
from jaxtransport.reservoirs import reservoir_of

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:reservoirs. Re Sigma is not the Hilbert")]

SEEDS = (1, 2, 3)


def drawn(seed):
    """(wire, kinds, drive): tables for both, a table for the leads alone, for the middle alone."""
    rng = np.random.default_rng(seed)
    leads = Table.random(rng, -2.0, 2.2, 9)
    middle = Table.random(rng, -1.8, 2.5, 6 + seed)
    kinds = {1: (leads, middle), 2: (leads, (1.3, 0.2)), 3: ("wide", middle)}[seed]
    N = 6
    source, drain, *probes = (int(site) for site in rng.permutation(np.arange(2, N))[:3])
    couplings = {}
    if not isinstance(kinds[1], Table):
        couplings["gamma"] = rng.uniform(0.5, 0.9)
    if not isinstance(kinds[0], Table):
        couplings["contact"] = rng.uniform(0.5, 0.9, 2)
    wire = jt.Wire.custom(
        N,
        sources=[source],
        drains=[drain],
        probes=probes,
        onsite=rng.uniform(-0.5, 0.5, N),
        hopping=rng.uniform(0.7, 1.2, N - 1),
        strengths=rng.uniform(0.5, 1.5, 2),
        reservoirs=dict(zip(("leads", "middle"), map(two_kinds.table_of, kinds), strict=True)),
        **couplings,
    )
    drive = {"mu_bar": rng.uniform(-0.4, 0.6), "delta_mu": rng.uniform(0.5, 0.9), "injection": 0.1}
    return wire, kinds, drive


@pytest.mark.parametrize("rows", [2, 3, 12])
def test_between_rows(rows):
    """Cubics from their formula; roundings of powers of the distance from a row."""
    rng = np.random.default_rng(rows)
    table = Table.random(rng, -1.7, 2.1, rows)
    fine = np.concatenate([np.linspace(-2.5, 2.5, 501), table.energies])
    expected = np.array([table.sigma(w) for w in fine])
    surface = reservoir_of(table.given()).at(jnp.asarray(fine))
    close(surface.shift, expected.real, 1e-14)
    close(surface.width, -2 * expected.imag, 1e-14)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("seed", SEEDS)
def test_linear_response(seed, kernel):
    """Currents of the largest, and potentials, to 1e-12: roundings of a dense inverse."""
    wire, kinds, drive = drawn(seed)
    state = jt.solve(wire, **drive, kernel=kernel)
    mu, I = two_kinds.linear(reference.chain_of(wire), kinds, **drive)
    held = np.asarray(wire.coupling) > 0
    assert int(state.status) == 0
    close(state.site_current, I, 1e-12, np.abs(I).max(), "I_l")
    close(state.potential, np.where(held, mu, np.nan), 1e-12, 1.0, "mu_l")


@functools.cache
def balanced(seed, temperature):
    """Potentials and currents of the exact law, from where those of linear response are."""
    wire, kinds, drive = drawn(seed)
    chain = reference.chain_of(wire)
    start, _ = two_kinds.linear(chain, kinds, **drive)
    return two_kinds.balanced(chain, kinds, *drive.values(), temperature, start)


@pytest.mark.parametrize("kernel", ["chain", "dense"])
@pytest.mark.parametrize("temperature", [0.0, 0.05])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_exact_law(seed, temperature, kernel):
    """To 1e-12: SciPy leaves 1e-13 of the currents and of the steps to the potentials (4e-14 measured)."""
    wire, _, drive = drawn(seed)
    state = jt.solve(wire, **drive, law=jt.Exact(temperature=temperature), kernel=kernel)
    assert int(state.status) == 0
    mu, I = balanced(seed, temperature)
    held = np.asarray(wire.coupling) > 0
    close(state.site_current, I, 1e-12, np.abs(I).max(), "I_l")
    close(state.potential, np.where(held, mu, np.nan), 1e-12, 1.0, "mu_l")
