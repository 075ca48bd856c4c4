"""Finding the potentials: the printed equations, the tables, quadratic convergence, the end of the band."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import diff, mpf, workdps
from support import engine, nonlinear_reference, reference
from support.checks import close
from support.wires import disordered, make, stack

import jaxtransport as jt
from jaxtransport import layout as layouts
from jaxtransport.budget import Stage
from jaxtransport.closed_forms import short_wire
from jaxtransport.green.kernels import KERNELS
from jaxtransport.laws import Exact, Series
from jaxtransport.nonlinear import solve
from jaxtransport.probes import balance as balance_module
from jaxtransport.probes import newton as newton_module
from jaxtransport.probes.balance import Problem, search, with_derivatives
from jaxtransport.probes.conductor import ExactConductor
from jaxtransport.probes.panels import Panels
from jaxtransport.probes.series import SeriesConductor

pytestmark = pytest.mark.slow

DELTA_MU = 0.1
I_O = DELTA_MU / (2 * np.pi)


def driven(law, stage, gamma, mu_bar, injection, sign=1, N=4, temperature=None):
    """(I_1, potentials, status, steps, residual) of a dimer wire."""

    def call(gamma, mu_bar, injection, sign, *T):
        wire = jt.Wire.dimers(N, gamma=gamma)
        both = solve(wire, KERNELS["chain"], law, stage, mu_bar, sign * DELTA_MU, injection, *T)
        d = jax.tree.map(lambda leaf: leaf[0], both)
        return d.left_current(), d.potential(), d.status, d.balance.steps, d.residual()

    more = () if temperature is None else (temperature,)
    run = engine.compiled(f"driven {law} {stage} {N} {len(more)}", call)
    return run(*(float(v) for v in (gamma, mu_bar, injection, sign, *more)))


def relative(law, stage, gamma, mu_bar, injection):
    forward, reverse = (abs(driven(law, stage, gamma, mu_bar, injection, s)[0]) for s in (1, -1))
    return 2 * (reverse - forward) / (reverse + forward)


# Delta I / Ibar at N = 4, delta_mu = .1: n = 3, and exact (None where there is no solution in the band)
TABLE = {
    (1.52, 0.3): [(0.3, -0.006505, -0.006505), (0.6, -0.016132, -0.016139), (1.0, -0.040001, None)],
    (1.52, 0.5): [(0.3, -0.004852, -0.004852), (1.0, -0.030391, -0.030245), (1.5, -0.078847, -0.078780)],
    (1.52, 0.7): [(0.3, 0.025314, 0.025314), (1.0, 0.071260, 0.071374), (1.5, 0.077356, 0.078241)],
    (1.52, 0.9): [(0.6, 0.206437, 0.206441), (1.0, 0.336252, 0.336273), (1.5, 0.480568, 0.480703)],
    (1.0, 0.3): [(0.3, 0.027821, 0.027821), (1.0, 0.081962, 0.081945), (1.5, 0.099689, 0.099452)],
    (1.0, 0.7): [(0.6, 0.345862, 0.345862), (1.0, 0.574055, 0.574047), (1.5, 0.854051, 0.853994)],
}


@pytest.mark.parametrize("point", TABLE)
def test_recorded_values(point):
    """Half a unit of the last recorded digit."""
    mu_bar, gamma = point
    for injection, third, exact in TABLE[point]:
        close(relative(Series(3), Series(3).stages[0], gamma, mu_bar, injection), third, 6e-7, 1.0, "n = 3")
        if exact is not None:
            close(relative(Exact(), Exact().stages[0], gamma, mu_bar, injection), exact, 6e-7, 1.0, "exact")


ELEMENTS = {(1, 3): "far", (2, 0): "far", (1, 2): "between", (0, 3): "lead", (1, 0): "near", (2, 3): "near"}


def derivatives(mu_bar, gamma):
    """T, T' and T'' of the short wire at mu_bar, Eqs. B28-B30, differentiated in 40 digits."""

    def element(kind):
        def T(m):
            m2, g2 = m**2, mpf(gamma) ** 2
            D = (2 + 2 * g2 + g2**2) ** 2 - (1 + 2 * g2 + 5 * g2**2 + 2 * g2**3) * m2 + g2**2 * m2**2
            far, between = g2 * (4 - m2) / D, g2**2 * (4 - m2) / D
            return {"far": far, "between": between, "lead": (4 - m2) / D}.get(
                kind, far * (1 + g2**2 - g2 * (m2 - 2))
            )

        return T

    out = []
    with workdps(40):
        for order in range(3):
            T = np.zeros((4, 4))
            for (i, j), kind in ELEMENTS.items():
                T[i, j] = T[j, i] = float(diff(element(kind), mpf(mu_bar), order))
            out.append(T)
    return out


@pytest.mark.parametrize("sign", [1, -1])
def test_third_order_solves_the_printed_equations(sign):
    """Eqs. B35 and B36 vanish at the potentials found, to 1e-13; each is 2 pi times an unbalanced current."""
    for mu_bar, gamma, injection in ((1.52, 0.7, 1.5), (1.0, 0.5, 1.0), (1.52, 0.3, 0.6), (-0.4, 0.9, 1.2)):
        _, mu, status, _, _ = driven(Series(3), Series(3).stages[0], gamma, mu_bar, injection, sign)
        assert status == 0
        left = short_wire.series_residual(
            np.asarray(mu)[1:3] - mu_bar, *derivatives(mu_bar, gamma), sign * DELTA_MU, injection * I_O
        )
        close(left, np.zeros(2), 1e-13, 1.0)


def test_first_order_is_the_linear_law():
    for seed in (3, 4):
        wire = jax.tree.map(jnp.asarray, disordered(seed, 8, bare=0.2))
        at = {"mu_bar": 0.4, "delta_mu": -0.1, "injection": 0.5}
        linear, first = jt.solve(wire, **at), jt.solve(wire, **at, law=jt.Series(1))
        for name in ("potential", "site_current", "bond_current", "heat", "density", "conductance"):
            expected = getattr(linear, name)
            close(getattr(first, name), expected, 1e-12 if name == "heat" else 1e-13, what=name)


@pytest.mark.parametrize("temperature", [0.0, 0.05])
@pytest.mark.parametrize(("N", "gamma", "mu_bar"), [(4, 0.7, 1.52), (8, 0.4, 1.0), (12, 0.3, -0.5)])
def test_exact_law_against_quadrature(temperature, N, gamma, mu_bar):
    """I_l of the potentials found, by adaptive quadrature: 1e-11 of I_o. Heat too."""
    wire = make(layouts.dimers(N), gamma=gamma)
    state = jt.solve(
        jax.tree.map(jnp.asarray, wire),
        mu_bar=mu_bar,
        delta_mu=DELTA_MU,
        injection=0.8,
        law=jt.Exact(temperature=temperature),
    )
    assert state.status == 0
    chain, mu = reference.chain_of(wire), np.asarray(state.potentials)
    I, E = nonlinear_reference.flows(chain, mu, temperature)
    close(I / DELTA_MU, state.currents, 1e-11, 1.0, "I_l")
    close((I / DELTA_MU)[1:-1], 0.8 * chain.strength[1:-1], 1e-11, 1.0, "asked")
    close((mu * I - E) / (2 * np.pi), state.heat, 1e-11, what="heat")


def test_newton_converges_quadratically():
    """Every step squares the error: e_{k+1} < C e_k^2 with one C, down to rounding."""
    wire, mu_bar, injected = jt.Wire.dimers(4, gamma=0.5), jnp.asarray(1.52), jnp.asarray(1.5 * DELTA_MU)
    chain = KERNELS["chain"].at(wire, mu_bar)
    conductor = SeriesConductor(wire, mu_bar, KERNELS["chain"], 3)
    problem = Problem(conductor, chain, mu_bar)
    bias = jnp.asarray(DELTA_MU)
    start = problem.start(bias, injected)

    def after(steps):
        search = partial(balance_module._solve, problem, start, bias, injected, 0.0)
        return search(steps)[0]

    x = np.array([np.asarray(start), *(np.asarray(after(k)) for k in (1, 2, 3, 4, 8))])
    errors = np.max(np.abs(x[:-1] - x[-1]), axis=1)
    assert errors[0] > 0.01
    ratios = errors[1:4] / errors[:3] ** 2
    assert errors[3] < 1e-7, errors
    assert np.all(ratios < 3 * ratios[0] + 1), (errors, ratios)
    assert errors[4] < 1e-14


def test_few_steps_on_the_grids_of_the_figures():
    """Of Newton's method at most 6 for either bias, of Broyden's at most 12."""
    for law, stage, most in ((Series(3), Series(3).stages[0], 6), (Exact(), Exact().stages[0], 12)):
        for gamma in (0.5, 0.7, 0.9):
            for injection in (0.1, 0.75, 1.5):
                for sign in (1, -1):
                    _, _, status, steps, residual = driven(law, stage, gamma, 1.52, injection, sign)
                    assert status == 0
                    assert steps <= most
                    assert residual < 1e-13


# Where the exact law ends: I_g / I_o at which a source reaches the top of the band, mu_bar = 1.52, forward
ENDS = {0.3: 0.729, 0.5: 1.552, 0.7: 2.340, 0.9: 3.192}


@pytest.mark.parametrize("gamma", ENDS)
def test_the_branch_ends_at_the_band_edge(gamma):
    """Solved at .997 of the recorded end, no solution at 1.003 of it: status 5, not a crash."""
    end = ENDS[gamma]
    below, above = (
        driven(Exact(), Exact().stages[2], gamma, 1.52, factor * end) for factor in (0.997, 1.003)
    )
    assert below[2] == 0
    assert np.max(np.asarray(below[1])) > 1.9
    assert above[2] == 5


def test_no_solution_is_a_status_and_the_series_keeps_its_value():
    wire, at = jt.Wire.dimers(4, gamma=0.3), {"mu_bar": 1.52, "delta_mu": 0.1, "injection": 1.5}
    exact, third = jt.solve(wire, **at, law=jt.Exact()), jt.solve(wire, **at, law=jt.Series(3))
    assert exact.status == 5
    assert np.isnan(exact.left_current)
    assert third.status == 0
    assert third.outside_band == 1
    close(relative(Series(3), Series(3).stages[0], 0.3, 1.52, 1.5), -0.104366, 6e-7, 1.0)


def test_one_bad_point_does_not_hurt_its_neighbours():
    """A batch with a point that has no solution: the others are bit for bit what they are without it."""
    wires = stack([make(layouts.dimers(4), gamma=g) for g in (0.5, 0.3, 0.7)])

    def call(wire, injection):
        d = solve(wire, KERNELS["chain"], Exact(), Exact().stages[2], 1.52, DELTA_MU, injection)
        return d.status[0], jax.vmap(lambda d: d.left_current())(d)[0]

    run = jax.jit(jax.vmap(call))
    status, current = run(wires, jnp.array([0.5, 1.5, 0.5]))
    np.testing.assert_array_equal(status, [0, 5, 0])
    _, alone = run(wires, jnp.array([0.5, 0.2, 0.5]))
    np.testing.assert_array_equal(np.asarray(current)[[0, 2]], np.asarray(alone)[[0, 2]])


def test_a_harder_search_finds_what_the_first_does_not():
    """Two steps of Broyden's method are not enough here; the next stage gets to the same potentials."""
    hasty = Stage(steps=2, panels=64, margin=1.0)
    failed, best, harder = (driven(Exact(), e, 0.5, 1.52, 1.54) for e in (hasty, *Exact().stages[:2]))
    assert (failed[2], best[2], harder[2]) == (1, 0, 0)
    close(harder[1], best[1], 1e-11)


def waiting():
    """A source and a drain that exchange five times what the leads could carry."""
    wire = jt.Wire.custom(6, sources=[3], drains=[4], gamma=0.5, contact=0.1)
    return wire, {"mu_bar": 0.2, "delta_mu": 0.1, "injection": 0.1}


def risen(wire, mu_bar, delta_mu, injection, monkeypatch):
    """By the search from the bottom of the band alone: Newton's method starts at its top, nothing cools."""
    monkeypatch.setattr(newton_module, "COOLING_STEPS", 1)
    mu_bar = jnp.asarray(mu_bar)
    panels = Panels.of(wire, mu_bar, -2 - mu_bar, 2 - mu_bar, jnp.zeros(()), most=512)
    conductor = ExactConductor(wire, mu_bar, panels, jnp.zeros(()), KERNELS["chain"], fitted=False)
    conductor = conductor.for_search()
    linear = KERNELS["chain"].at(wire, mu_bar)
    start = linear.potentials(injection * delta_mu, delta_mu / 2, -delta_mu / 2)
    start = jnp.where(linear.interior, 1.99 - mu_bar, start)
    asked = injection * delta_mu * linear.strength
    return jax.jit(lambda s, a: newton_module.find(conductor, linear.interior, a, s, 12, 400))(start, asked)


def test_the_search_from_the_bottom_of_the_band(monkeypatch):
    """A drain that asks for more than the leads carry waits at the bottom until the source has risen."""
    wire, at = waiting()
    expected = jt.solve(wire, **at, law=jt.Exact())
    assert int(expected.status) == 0
    found = risen(wire, **at, monkeypatch=monkeypatch)
    assert int(found.status) == 0
    held = np.asarray(wire.coupling) > 0
    close((at["mu_bar"] + found.x)[held], np.asarray(expected.potentials)[held], 1e-9)


def test_it_proves_that_there_is_no_solution(monkeypatch):
    """More than transmissions of the whole band allow."""
    wire, at = waiting()
    found = risen(wire, **{**at, "injection": 50.0}, monkeypatch=monkeypatch)
    assert int(found.status) == 5


def test_too_few_nodes_are_noticed():
    """32 energies do not resolve N = 20 over a bias of 1: the currents are kept, and the status says so."""
    wire, at = jt.Wire.dimers(20, gamma=0.5), {"mu_bar": 0.3, "delta_mu": 1.0, "injection": 0.1}
    few, more = (jt.solve(wire, **at, law=jt.Exact(nodes=nodes)) for nodes in (32, None))
    assert (int(few.status), int(more.status)) == (7, 0)
    assert int(few.nodes) <= 32 < int(more.nodes)
    error = abs(float(few.left_current - more.left_current))
    assert 0 < error < float(few.quadrature_error)
    assert float(more.quadrature_error) < 1e-11


def test_either_search_on_a_long_wire():
    """N = 70 by Broyden's method and by Newton's: potentials to 1e-11 of their spread."""
    wire = jax.tree.map(jnp.asarray, make(layouts.dimers(70), gamma=0.5))

    def solved(stage):
        call = partial(solve, wire, KERNELS["chain"], Exact(), stage)
        d = jax.jit(call)(jnp.asarray(1.0), jnp.asarray(0.1), jnp.asarray(0.5))
        np.testing.assert_array_equal(d.status, [0, 0])
        return np.asarray(d.balance.x)

    close(*map(solved, Exact().stages[:2]), 1e-11)


def delta_I(law, stage):
    def value(p):
        gamma, mu_bar, injection, temperature = p
        wire = jt.Wire.dimers(4, gamma=gamma)
        T = temperature if isinstance(law, Exact) else None
        both = solve(wire, KERNELS["chain"], law, stage, mu_bar, DELTA_MU, injection, T)
        forward, reverse = jax.vmap(lambda d: d.left_current())(both)
        return jnp.abs(reverse) - jnp.abs(forward)

    return jax.jit(value)


@pytest.mark.parametrize(
    ("law", "stage"),
    [(Series(3), Series(3).stages[0]), (Exact(), Exact().stages[0])],
    ids=["series", "exact"],
)
def test_implicit_derivatives(law, stage):
    """d Delta I by gamma, mu_bar, I_g and T: forward = reverse mode = finite differences, to 1e-6 of each."""
    value = delta_I(law, stage)
    p, h = jnp.array([0.6, 1.2, 0.8, 0.05]), 1e-3
    reverse, forward = jax.jit(jax.grad(value))(p), jax.jit(jax.jacfwd(value))(p)
    close(forward, reverse, 1e-10)
    for k in range(4 if isinstance(law, Exact) else 3):
        e = jnp.eye(4)[k] * h
        slope = (8 * (value(p + e) - value(p - e)) - (value(p + 2 * e) - value(p - 2 * e))) / (12 * h)
        close(reverse[k], slope, 1e-6, what=f"parameter {k}")


def test_derivatives_of_a_long_wire():
    """Through the Krylov solve, which is transposed for the reverse mode: finite differences to 1e-8."""

    def value(gamma):
        wire = jt.Wire.dimers(70, gamma=gamma)
        return jt.nonreciprocity(wire, mu_bar=1.0, delta_mu=0.1, injection=0.3, law=jt.Exact())

    compiled, h = jax.jit(value), 1e-3
    far, near = compiled(0.5 + 2 * h) - compiled(0.5 - 2 * h), compiled(0.5 + h) - compiled(0.5 - h)
    close(jax.jit(jax.grad(value))(0.5), (8 * near - far) / (12 * h), 1e-8)


def test_derivatives_beside_a_point_without_solution_are_finite():
    def total(gamma):
        def one(injection):
            wire = jt.Wire.dimers(4, gamma=gamma)
            d = solve(wire, KERNELS["chain"], Exact(), Exact().stages[0], 1.52, DELTA_MU, injection)
            return jnp.where(d.status[0] == 0, jax.vmap(lambda d: d.left_current())(d)[0], 0.0)

        return jnp.sum(jax.vmap(one)(jnp.array([0.3, 1.5])))

    alone = jax.grad(lambda g: delta_one(g, 0.3))(0.3)
    close(jax.jit(jax.grad(total))(0.3), alone, 1e-10)


def test_derivatives_of_a_long_wire_beside_a_point_without_solution():
    """Its linear solver gets zeros there: a bias and an I_g beyond any solution, and a weight of zero."""

    def one(gamma, injection):
        wire = jt.Wire.dimers(70, gamma=gamma)
        return jt.nonreciprocity(wire, mu_bar=1.0, delta_mu=0.1, injection=injection, law=jt.Series(2))

    def total(gamma, weights):
        values = jax.vmap(lambda injection: one(gamma, injection))(jnp.array([0.3, 1e3]))
        return jnp.nan_to_num(values) @ weights

    slope = jax.jit(jax.grad(total))
    both, first, second = (slope(0.5, jnp.array(weights)) for weights in ([1.0, 1.0], [1.0, 0.0], [0.0, 1.0]))
    assert abs(first) > 0.1
    close(both, first, 1e-14)
    assert second == 0


def delta_one(gamma, injection):
    wire = jt.Wire.dimers(4, gamma=gamma)
    both = solve(wire, KERNELS["chain"], Exact(), Exact().stages[0], 1.52, DELTA_MU, injection)
    return jax.vmap(lambda d: d.left_current())(both)[0]


def test_what_is_found_balances():
    """The search itself, with nothing around it: 2 pi I_l as asked."""
    wire, mu_bar = jt.Wire.pair(7, gamma=0.6), jnp.asarray(0.3)
    chain = KERNELS["chain"].at(wire, mu_bar)
    problem = Problem(SeriesConductor(wire, mu_bar, KERNELS["chain"], 2), chain, mu_bar)
    drive = jnp.asarray(0.2), jnp.asarray(0.05)
    found = search(problem.for_search(), *drive, Stage(steps=8))
    found = with_derivatives(problem, found, *drive)
    close(problem.residual(found.x, 0.2, 0.05), np.zeros(7), 1e-15, 1.0)


@pytest.mark.parametrize("law", [Series(2), Exact(), Exact(temperature=0.05)], ids=str)
def test_second_derivatives(law):
    """In any order of forward and reverse mode: central differences of the gradient, 1e-4 squared."""

    def current(p):
        wire = jt.Wire.custom(4, sources=[2], drains=[3], gamma=p[1], contact=0.9)
        return jt.nonreciprocity(wire, mu_bar=p[0], delta_mu=0.04, injection=0.13, law=law)

    at = jnp.array([0.6, 0.5])
    gradient = jax.jit(jax.grad(current))
    step = 1e-4 * np.eye(2)
    expected = np.array([(gradient(at + e) - gradient(at - e)) / 2e-4 for e in step])
    for hessian in (jax.jacfwd(jax.grad(current)), jax.jacfwd(jax.jacfwd(current))):
        close(jax.jit(hessian)(at), expected, 1e-5, 1.0)
