"""Laws: currents for given potentials, against each other, the dense kernel, and adaptive quadrature."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support import nonlinear_reference, reference
from support.checks import close
from support.engine import KERNELS, compiled
from support.wires import disordered, make

import jaxtransport as jt
from jaxtransport import layout as layouts
from jaxtransport.green.kernels import KERNELS as CLASSES
from jaxtransport.probes.conductor import ExactConductor
from jaxtransport.probes.panels import Panels
from jaxtransport.probes.series import SeriesConductor

WIRE = disordered(7, 6, bare=0.2)
MU_BAR = 0.6


def series(order, x, wire=WIRE, kernel="chain", mu_bar=MU_BAR):
    def call(wire, m, x):
        return SeriesConductor(wire, m, CLASSES[kernel], order).flows(x)

    return compiled(f"series {order} {kernel} {len(x)}", call)(wire, mu_bar, np.asarray(x, float))


def exact(x, wire=WIRE, kernel="chain", mu_bar=MU_BAR, temperature=None, most=64, reach=None):
    reach = 1.3 * np.max(np.abs(x)) if reach is None else reach

    def call(wire, m, x, reach, *T):
        T = T[0] if T else None
        low, high = jnp.maximum(-reach, -2 - m), jnp.minimum(reach, 2 - m)
        panels = Panels.of(wire, m, low, high, T, most=most)
        return ExactConductor(wire, m, panels, T, CLASSES[kernel]).flows(x)

    more = () if temperature is None else (float(temperature),)
    name = f"exact {kernel} {len(x)} {most} {len(more)}"
    return compiled(name, call)(wire, float(mu_bar), np.asarray(x, float), float(reach), *more)


def potentials(size, sites=6):
    x = np.random.default_rng(2).uniform(-1, 1, sites)
    return size * x / np.max(np.abs(x))


def test_first_order_is_linear_response():
    """Series(1): T_ll'(mu_bar)(x_l - x_l') of the twin, to 1e-13: a few dozen roundings."""
    x = potentials(0.2)
    chain = reference.chain_of(WIRE)
    T = nonlinear_reference.transmission_matrix(chain, MU_BAR)
    close(series(1, x).current, (T * (x[:, None] - x[None, :])).sum(axis=1), 1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("order", [2, 3, 5])
def test_order_of_what_is_left_out(order):
    """Series(n) misses the exact law by x^(n+1)."""
    error = [
        np.max(np.abs(series(order, potentials(s)).current - exact(potentials(s)).current))
        for s in (0.02, 0.04)
    ]
    assert np.log2(error[1] / error[0]) == pytest.approx(order + 1, abs=0.1)


@pytest.mark.slow
def test_series_converges_inside_its_radius_and_not_outside():
    """N = 4, contacts 1, mu_bar = 1: the band edge is at 1. At .3 every order helps, at 2.4 none does."""
    wire = make(layouts.dimers(4), gamma=0.5)
    inside, outside = np.array([0.3, 0.2, -0.25, -0.3]), np.array([0.05, -2.4, 0.3, -0.05])
    error = {
        name: [
            np.max(
                np.abs(series(n, x, wire, mu_bar=1.0).current - exact(x, wire, mu_bar=1.0, reach=3).current)
            )
            for n in (1, 2, 3, 4, 5)
        ]
        for name, x in (("inside", inside), ("outside", outside))
    }
    assert (np.diff(np.log(error["inside"])) < -0.5).all(), error["inside"]
    assert error["inside"][-1] < 2e-3
    assert error["outside"][-1] > 2 * error["outside"][0], error["outside"]


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("temperature", [None, 0.05])
def test_against_adaptive_quadrature(kernel, temperature):
    """2 pi I_l and the energy currents for any potentials, to 1e-12 of the largest."""
    x = potentials(0.3)
    got = exact(x, kernel=kernel, temperature=temperature, most=128, reach=2.6)
    I, E = nonlinear_reference.flows(reference.chain_of(WIRE), MU_BAR + x, temperature or 0.0)
    close(got.current, I, 1e-12, what="I")
    close(got.energy, E - MU_BAR * I, 1e-12, np.max(np.abs(E)), "energy")


@pytest.mark.slow
@pytest.mark.parametrize("gamma", [0.5, 0.55])
def test_a_long_wire_is_less_smooth_than_its_phase(gamma):
    """Of 100 sites with reservoirs the phase is a polynomial on long panels, transmissions not yet."""
    wire, mu_bar = jt.Wire.dimers(100, gamma=gamma), 0.3
    state = jt.solve(wire, mu_bar=mu_bar, delta_mu=1.0, injection=0.01, law=jt.Exact())
    assert state.status == 0
    assert state.nodes <= 512
    mu = np.asarray(state.potentials)
    I, _ = nonlinear_reference.flows(reference.chain_of(wire), mu, 0.0)
    close(np.asarray(state.left_current), I[0], 1e-11, what="I_1")
    close(np.asarray(state.right_current), I[-1], 1e-11, what="I_N")


@pytest.mark.slow
@pytest.mark.parametrize("law", [lambda x, k: series(3, x, kernel=k), lambda x, k: exact(x, kernel=k)])
def test_kernels_agree_and_conserve(law):
    """chain = dense, sums of I and E vanish: 1e-12."""
    x = potentials(0.2)
    chain, dense = law(x, "chain"), law(x, "dense")
    close(chain.current, dense.current, 1e-12, what="I")
    close(chain.energy, dense.energy, 1e-12, what="energy")
    close(chain.filling, dense.filling, 1e-12, what="density")
    close(np.sum(dense.current), 0.0, 1e-13, np.max(np.abs(dense.current)))
    close(np.sum(dense.energy), 0.0, 1e-13, np.max(np.abs(dense.current)))


def test_density_by_its_own_integral():
    """2 pi delta n_l = sum_l' int |G_ll'|^2 Gamma_l' (f_l' - f_l) dw, by Gauss-Legendre."""
    x = potentials(0.3)
    chain, held = reference.chain_of(WIRE), np.asarray(WIRE.coupling) > 0
    levels = np.unique(MU_BAR + x[held])
    z, weights = np.polynomial.legendre.leggauss(40)
    total = np.zeros(6)
    for low, high in itertools.pairwise(levels):
        for w, weight in zip(
            (low + high) / 2 + (high - low) / 2 * z, weights * (high - low) / 2, strict=True
        ):
            Gamma = -2 * reference.self_energy(chain.coupling, w).imag
            G = reference.green(reference.hamiltonian(chain), chain.coupling, w)
            f = (MU_BAR + x > w).astype(float)
            total += weight * (np.abs(G) ** 2 * Gamma * (f[None, :] - f[:, None])).sum(axis=1)
    close(np.where(held, exact(x).filling, 0.0), np.where(held, total, 0.0), 1e-12)


@pytest.mark.slow
def test_cold_limit_has_order_two():
    """Exact(T) -> Exact(0) as T^2: halving T quarters the difference."""
    x = potentials(0.2)
    cold = exact(x, most=128, reach=2.0).current
    warm = [exact(x, temperature=T, most=128, reach=2.0).current for T in (0.02, 0.01, 0.005)]
    change = [np.max(np.abs(w - cold)) for w in warm]
    assert np.log2(change[0] / change[1]) == pytest.approx(2, abs=0.05)
    assert np.log2(change[1] / change[2]) == pytest.approx(2, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("delta_mu", [1e-14, 1e-12, 1e-9])
@pytest.mark.parametrize("ratio", [1e-4, 0.004, 0.02, 1.0])
def test_tiny_biases_are_linear_response(delta_mu, ratio):
    """Whatever the temperature over the bias: panels get shorter than levels ever ask for."""
    wire = jt.Wire.custom(6, sources=[2], drains=[5], probes=[3], gamma=0.5, contact=0.8)
    drive = {"mu_bar": 0.3, "delta_mu": delta_mu, "injection": 0.1}
    state = jt.solve(wire, **drive, law=jt.Exact(temperature=ratio * delta_mu))
    assert int(state.status) == 0
    close(state.left_current, jt.solve(wire, **drive).left_current, max(1e-11, 2 * delta_mu))


@pytest.mark.slow
def test_derivatives_at_a_traced_temperature_of_zero():
    """dI/dT is 0 there, as T -> 0 has order T^2; dI/dmu_bar is that of the law without a temperature."""
    wire = jt.Wire.dimers(6, gamma=0.5)
    drive = {"delta_mu": 0.2, "injection": 0.1}
    at = lambda T, mu_bar: jt.nonreciprocity(wire, mu_bar=mu_bar, **drive, law=jt.Exact(temperature=T))
    cold = lambda mu_bar: jt.nonreciprocity(wire, mu_bar=mu_bar, **drive, law=jt.Exact())
    by_mu = jax.grad(cold)(0.3)
    for slope in (jax.jacfwd, jax.grad):
        by_T, at_zero = slope(at, (0, 1))(0.0, 0.3)
        assert by_T == 0
        close(at_zero, by_mu, 1e-10)


def test_what_bare_sites_hold_is_never_used():
    x = potentials(0.2)
    held = np.asarray(WIRE.coupling) > 0
    assert not held.all()
    other = np.where(held, x, 0.05)
    close(series(3, other).current, series(3, x).current, 1e-15)
    close(exact(other).current, exact(x, reach=1.3 * np.max(np.abs(other))).current, 1e-12)
    assert jnp.all(series(3, x).current[~held] == 0)
