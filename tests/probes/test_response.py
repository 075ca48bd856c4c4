"""Two unit drives hold every bias and every injection: superposition, reciprocity, Delta I."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import checks, engine, reference
from support.checks import close
from support.engine import KERNELS
from support.wires import PROPERTY, disordered, make, mirrored

import jaxtransport as jt
from jaxtransport import layout as layouts
from jaxtransport.probes.response import Response


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("delta_mu", "injection"), [(0.1, 0.0), (0.02, 3.0), (-0.3, 0.7), (-0.1, -1.1)])
def test_superposition_is_the_biased_problem(kernel, delta_mu, injection):
    """The twin solves each bias for itself; the package mixes two unit drives."""
    wire = disordered(60, 33, sites=64)
    checks.against_twin(wire, kernel, mu_bar=0.5, delta_mu=delta_mu, injection=injection)


@pytest.mark.slow
@PROPERTY
@given(st.integers(0, 10_000), st.integers(3, 64), st.floats(-1.7, 1.7))
def test_reciprocity(seed, N, mu_bar):
    """delta I / I_g = sum_l strength_l phi_l for any injections, phi for x_1 = 1, x_N = 0.

    1e-11 of sum |strength_l phi_l|; phi itself is a profile: between 0 and 1.
    """
    wire = disordered(seed, N, sites=64)
    strength = np.where(wire.coupling > 0, np.random.default_rng(seed).normal(size=64), 0.0)
    wire = jt.Wire(wire.onsite, wire.hopping, wire.coupling, strength, wire.length)
    for kernel in KERNELS:
        phi = engine.profile(wire, kernel, mu_bar)
        terms = strength[1 : N - 1] * phi[1:-1]
        _, r = engine.respond(wire, kernel, mu_bar)
        close(r, terms.sum(), 1e-11, max(np.abs(terms).sum(), 1e-300), kernel)
        assert np.all((phi > -1e-13) & (phi < 1 + 1e-13))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("seed", "half"), [(61, 3), (62, 10), (63, 32)])
def test_a_mirror_symmetric_wire_is_reciprocal(seed, half, kernel):
    """phi_l + phi_{N+1-l} = 1, so r = (sum of strengths) / 2 = 0. 1e-13 of the sum of |strengths|, 4."""
    _, r = engine.respond(mirrored(seed, half, sites=64), kernel, 0.4)
    close(r, 0.0, 1e-13, 4.0, "mirror")
    _, r = engine.respond(mirrored(seed, half, sites=64, excess=0.25), kernel, 0.4)
    close(r, 0.25, 1e-13, 4.0, "mirror, unbalanced")


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("injection", [0.3, -0.3, 30.0, 1e-9, 0.0])
def test_nonreciprocity_is_the_difference_of_absolute_currents(kernel, injection):
    """Small and large injection: either |G delta_mu| or |delta I| is the smaller one."""
    wire = disordered(64, 33, sites=64)
    checks.nonreciprocity_is_the_difference(wire, kernel, mu_bar=0.5, delta_mu=0.1, injection=injection)


@pytest.mark.parametrize("injection", [0.2, -5.0])
def test_nonreciprocity_of_the_twin(injection):
    """1e-11 of the currents, as for states."""
    wire = disordered(65, 33, sites=64)
    chain = reference.chain_of(wire)
    biases = [reference.solve(chain, 0.5, delta, injection).left_current for delta in (0.1, -0.1)]
    for kernel in KERNELS:
        value = engine.nonreciprocity(wire, kernel, 0.5, 0.1, injection)
        close(value, abs(biases[1]) - abs(biases[0]), 1e-11, np.abs(biases).sum(), kernel)


def test_small_nonreciprocity_keeps_its_digits():
    """I_g = 1e-13 I_o: Delta I = 2 i r has all its digits, while the difference of currents has three."""
    wire = make(layouts.dimers(8), gamma=0.5, sites=64)
    i = 1e-13
    _, r = engine.respond(wire, "chain", 1.0)
    exact = 2 * i * r
    close(engine.nonreciprocity(wire, "chain", 1.0, 0.1, i), exact, 1e-15)
    forward, reverse = (abs(float(engine.solve(wire, "chain", 1.0, d, i).left_current)) for d in (0.1, -0.1))
    assert abs((reverse - forward) - exact) > 1e-5 * exact


numbers = st.just(0.0) | st.floats(1e-100, 3) | st.floats(-3, -1e-100)


@pytest.mark.slow
@PROPERTY
@given(numbers, numbers, numbers, numbers)
def test_formulas_of_the_leads(g, r, injection, imbalance):
    checks.formulas_of_the_leads(g, r, injection, imbalance)


def test_nonreciprocity_of_the_smallest_currents():
    """Localized wires conduct 1e-200 and less: the sign of Delta I is no product that underflows."""
    assert float(Response(*map(jnp.asarray, (1e-200, 1e-150, 0.0))).nonreciprocity(1.0)) == 2e-200
    assert float(Response(*map(jnp.asarray, (1e-200, -1e-150, 0.0))).nonreciprocity(1.0)) == -2e-200


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
def test_right_current_takes_what_is_injected_in_excess(kernel):
    """Two sources and no drain: I_1 + I_N = -2 I_g, and each is its own sum over T."""
    layout = layouts.custom(12, sources=[3, 7], probes=[5])
    wire = make(layout, gamma=0.5, contact=[0.7, 1.1])
    state = engine.solve(wire, kernel, 0.4, 0.1, 0.3)
    close(state.left_current + state.right_current, -0.6, 1e-13)
    checks.charge_is_conserved(state, 12)


@pytest.mark.slow
def test_the_slope_of_delta_i_where_it_vanishes():
    """d Delta I / d(I_g / I_o) = 2 r at I_g = 0, although |I_1| has a kink there under neither bias."""
    wire = jt.Wire.pair(8, gamma=0.5)
    drive = {"mu_bar": 0.7, "delta_mu": 0.1}
    slope = jax.grad(lambda injection: jt.nonreciprocity(wire, injection=injection, **drive))(0.0)
    r = jt.solve(wire, injection=0.0, **drive).injection_response
    assert float(slope) == pytest.approx(2 * float(r), rel=1e-14)  # rounding of one division


@pytest.mark.parametrize("gamma", [1e-2, 1e-4, 1e-6])
def test_currents_survive_weak_coupling(gamma):
    """Potentials grow as 1/gamma^2; the currents that they drive keep their digits all the same."""
    state = jt.solve(jt.Wire.dimers(12, gamma=gamma), mu_bar=1.0, delta_mu=0.1, injection=0.1)
    assert float(state.residual) < 1e-13  # rounding: 12 sites of currents of order 1
    assert float(abs(state.bond_current[0] - state.left_current)) < 1e-13
