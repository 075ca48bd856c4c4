"""What every kind of reservoir owes: a retarded surface, a coordinate, the same currents in every kernel."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from support import engine, reference
from support.checks import close
from support.problems import PROBLEMS

import jaxtransport as jt
from jaxtransport.compute.double import Double
from jaxtransport.reservoirs import RESERVOIRS, SemiInfiniteChain, Tabulated

ENERGIES = np.linspace(-2.6, 2.4, 26)
TABLE = {"re": 0.2 * ENERGIES, "im": -0.6 * np.cos(ENERGIES / 2) ** 2 - 0.1}
OTHERS = {"another chain": SemiInfiniteChain(1.3, 0.25), "table": Tabulated.of(ENERGIES, **TABLE)}
KINDS = [pytest.param(reservoir, id=name) for name, reservoir in {**RESERVOIRS, **OTHERS}.items()]
pytestmark = pytest.mark.parametrize("reservoir", KINDS)


def inside(reservoir, count=9):
    """Energies within the band, and not on its edges."""
    low, high = max(reservoir.band.bottom, -3.0), min(reservoir.band.top, 3.0)
    return np.linspace(low, high, count + 2)[1:-1]


def self_energy(reservoir, coupling, w):
    shift, Gamma = reservoir.at(jnp.asarray(w)).dress(jnp.asarray(coupling))
    return np.asarray(shift) - 0.5j * np.asarray(Gamma)


def transmissions(problem, w):
    """T_ll' by a plain inverse."""
    chain = reference.chain_of(problem.wire)
    sigma = self_energy(problem.wire.reservoir, chain.coupling, w)
    G = np.linalg.inv(w * np.eye(chain.N) - reference.hamiltonian(chain) - np.diag(sigma))
    return reference.transmissions(G, -2 * sigma.imag)


def test_it_broadens_in_its_band_alone(reservoir):
    w = inside(reservoir)
    assert np.all(np.asarray(reservoir.broadening(0.7, jnp.asarray(w))) > 0)
    for edge, beyond in ((reservoir.band.bottom, -0.1), (reservoir.band.top, 0.1)):
        if np.isfinite(edge):
            assert float(reservoir.broadening(0.7, jnp.asarray(edge + beyond))) == 0
            assert np.isfinite(float(jax.grad(reservoir.broadening, 1)(0.7, jnp.asarray(edge + beyond))))
    assert float(reservoir.broadening(0.0, jnp.asarray(w[0]))) == 0


def test_it_grows_with_the_square_of_the_coupling(reservoir):
    w = inside(reservoir)[2]
    close(self_energy(reservoir, 0.6, w), 0.36 * self_energy(reservoir, 1.0, w), 1e-15)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_its_coordinate_counts_from_mu_bar(reservoir, share):
    """offset and above are each other's inverse, however near to mu_bar; stretch is the slope."""
    w = inside(reservoir)
    mu_bar = w[int(share * len(w))]
    energies = reservoir.energies(jnp.asarray(mu_bar))
    for x in (0.0, 1e-9, -1e-9, 1e-3, w[0] - mu_bar, w[-1] - mu_bar):
        sigma = energies.offset(jnp.asarray(x))
        close(energies.above(sigma), x, 1e-13, abs(x) or 1.0)
    step = 1e-6  # its square is what a central difference misses
    sigma = np.asarray(energies.offset(jnp.asarray(w - mu_bar)))
    slope = (energies.above(sigma + step) - energies.above(sigma - step)) / (2 * step)
    close(energies.stretch(jnp.asarray(sigma)), slope, 1e-8, 1.0)


def test_it_is_known_to_32_digits(reservoir):
    """Rounded, `finely` is `at`; energies are those of the coordinate."""
    mu_bar = inside(reservoir)[3]
    energies = reservoir.energies(jnp.asarray(mu_bar))
    s = energies.middle()
    for x in (-0.3, 0.0, 0.2):
        sigma = energies.offset(jnp.asarray(x))
        energy = energies.finely(s.add(Double(sigma, jnp.zeros_like(sigma))))
        fine = reservoir.finely(energy)
        surface = reservoir.at(jnp.asarray(mu_bar + x))
        close(energy.high, mu_bar + x, 1e-14, 1.0)
        close(fine.shift.high, surface.shift, 1e-14, 1.0)
        close(2 * fine.half_width.high, surface.width, 1e-14, 1.0)


def test_its_32_digits_survive_compilation(reservoir):
    """XLA must not merge known constants: that would leave 16."""
    mu_bar = inside(reservoir)[3]
    energies = reservoir.energies(jnp.asarray(mu_bar))

    def call(sigma):
        energy = energies.finely(energies.middle().add(Double.exactly(sigma)))
        return energy, reservoir.finely(energy)

    sigma = energies.offset(jnp.asarray(inside(reservoir) - mu_bar))
    for here, there in zip(*map(pairs, (jax.vmap(call)(sigma), jax.jit(jax.vmap(call))(sigma))), strict=True):
        apart = (here.high - there.high) + (here.low - there.low)
        close(apart, np.zeros_like(apart), 1e-29, 1.0)


def pairs(tree):
    return jax.tree.leaves(tree, is_leaf=lambda leaf: isinstance(leaf, Double))


@pytest.mark.slow
@pytest.mark.parametrize("kernel", engine.KERNELS)
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_kernels_against_a_plain_inverse(reservoir, kernel, problem):
    """I_l and the potentials of a biased wire; 1e-9 behind the barrier, where T of 1e-4 is a share of 1."""
    problem = problem.with_reservoir(reservoir)
    T, chain = transmissions(problem, problem.mu_bar), reference.chain_of(problem.wire)
    bias = 0.1
    unit = problem.injection * bias / (2 * np.pi)
    asked = {l: unit * chain.strength[l] for l in range(1, chain.N - 1) if chain.coupling[l] > 0}
    x = reference.balance(T, {0: bias / 2, chain.N - 1: -bias / 2}, asked)
    held = chain.coupling > 0
    state = engine.solve(problem.wire, kernel, problem.mu_bar, bias, problem.injection)
    tolerance = 1e-9 if problem.tags & {"barrier", "localised"} else 1e-11
    close(np.asarray(state.potentials)[: chain.N][held], problem.mu_bar + x[held], tolerance, 1.0)
    currents = reference.currents_into(T, x) * 2 * np.pi / bias
    close(np.asarray(state.currents)[: chain.N], currents, tolerance, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0.0, 0.05])
def test_the_exact_law_is_the_integral_of_its_transmission(reservoir, temperature):
    """Leads alone: I = (1 / 2 pi) int T (f_L - f_R) dw, by SciPy's adaptive quadrature."""
    problem = next(p for p in PROBLEMS if p.name == "shortest").with_reservoir(reservoir)
    mu_bar, bias = 0.3, 0.6

    def fermi(w, mu):
        return 1 / (1 + np.exp(np.clip((w - mu) / temperature, -700, 700))) if temperature else float(w < mu)

    low, high = mu_bar - bias / 2 - 40 * temperature, mu_bar + bias / 2 + 40 * temperature
    low, high = max(low, reservoir.band.bottom), min(high, reservoir.band.top)
    window = lambda w: fermi(w, mu_bar + bias / 2) - fermi(w, mu_bar - bias / 2)
    integrand = lambda w: transmissions(problem, w)[0, 1] * window(w)
    expected = quad(integrand, low, high, epsabs=1e-13, epsrel=1e-13, limit=400)[0] / bias
    state = jt.solve(problem.wire, mu_bar=mu_bar, delta_mu=bias, law=jt.Exact(temperature=temperature))
    assert int(state.status) == 0
    close(state.currents[0], expected, 1e-11, 1.0)


@pytest.mark.slow
def test_currents_are_smooth_in_mu_bar(reservoir):
    """The derivative that JAX takes against a central difference: 1e-5 squared, and rounding over it."""
    problem = PROBLEMS[0].with_reservoir(reservoir)
    call = lambda m: jt.nonreciprocity(problem.wire, mu_bar=m, delta_mu=0.1, injection=0.4)
    step = 1e-5
    slope = (call(0.3 + step) - call(0.3 - step)) / (2 * step)
    close(jax.grad(call)(0.3), slope, 1e-7, 1.0)


@pytest.mark.slow
def test_zeros_are_where_the_current_is_reciprocal(reservoir):
    problem = next(p for p in PROBLEMS if p.name == "pair").with_reservoir(reservoir)
    found = jt.find_zeros(problem.wire, over={"mu_bar": (-1.4, 1.4)})
    assert found.sizes["zero"] > 0
    for m in found.mu_bar.values:
        assert abs(float(jt.nonreciprocity(problem.wire, mu_bar=m, delta_mu=0.1, injection=0.4))) < 1e-12


def test_a_wire_keeps_its_reservoir(reservoir):
    wire = PROBLEMS[0].with_reservoir(reservoir).wire
    assert wire.pad(16).reservoir == reservoir
    assert jt.vary(wire, {"gamma": 0.7}).reservoir == reservoir
    assert jax.tree.map(lambda leaf: leaf, wire).reservoir == reservoir
