"""The exact law with leads of one kind and other reservoirs of another."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import mp, mpf, workdps
from support import checks, reference, two_kinds
from support.checks import close

import jaxtransport as jt
from jaxtransport.models import parse
from jaxtransport.probes.panels import Panels
from jaxtransport.reservoirs import CHAIN, Apart, SemiInfiniteChain, WideBand
from jaxtransport.reservoirs.energies import Everywhere

LEVELS = [0.0, 0.2, -0.1, 0.3, 0.0, -0.2, 0.1]
DRIVEN = {"sources": [3], "drains": [6], "probes": [5]}
PROBES = {"probes": [3, 5, 6]}
SHIFTED, NARROW, WIDE = (0.7, 1.0), (0.7, -0.4), "wide"


def wire_of(kinds, **roles):
    leads, middle = map(two_kinds.table_of, kinds)
    more = {"gamma": 0.5, "contact": 0.8, "onsite": LEVELS}
    return jt.Wire.custom(7, **more, reservoirs={"leads": leads, "middle": middle}, **roles)


APARTS = {
    "overlapping": Apart(CHAIN, SemiInfiniteChain(*SHIFTED)),
    "wide leads": Apart(WideBand(), SemiInfiniteChain(*NARROW)),
    "wide middle": Apart(SemiInfiniteChain(*NARROW), WideBand()),
    "with a gap": Apart(SemiInfiniteChain(0.5, 0.0), SemiInfiniteChain(0.5, 3.0)),
}


@pytest.mark.parametrize("reservoir", APARTS.values(), ids=APARTS)
@pytest.mark.parametrize("mu_bar", [-0.4, 0.3, 0.9])
def test_coordinates_across_edges(reservoir, mu_bar):
    """above(offset(x)) = x on every piece, x clipped to the nearest band; stretch is the slope."""
    energies = reservoir.energies(jnp.asarray(mu_bar))
    x = np.concatenate([np.linspace(-3, 4, 41), [1e-12, -1e-9, 1e-3]])
    sigma = energies.offset(jnp.asarray(x))
    w, ends = mu_bar + x, np.array(energies.ends, float)
    inside = np.any((w[:, None] > ends[:, 0]) & (w[:, None] < ends[:, 1]), 1)
    nearest = ends.ravel()[np.argmin(np.abs(w[:, None] - ends.ravel()), 1)]
    close(energies.above(sigma), np.where(inside, x, nearest - mu_bar), 1e-14, 10.0)
    for small in (1e-12, -1e-9):  # on an edge itself energies are squares of the coordinate
        at_edge = np.min(np.abs(ends - mu_bar)) < 1e-15
        relative = 1e-15 / np.sqrt(abs(small)) if at_edge else 1e-14
        close(energies.above(energies.offset(jnp.asarray(small))), small, relative)
    assert np.all(np.diff(np.asarray(sigma)[:41]) >= 0)
    at, step = np.asarray(energies.offset(jnp.asarray(x[inside]))), 1e-6
    slope = (energies.above(at + step) - energies.above(at - step)) / (2 * step)
    away = np.min(np.abs(at[:, None] - np.asarray(energies.breaks())), 1) > 2 * step
    close(np.asarray(energies.stretch(jnp.asarray(at)))[away], slope[away], 1e-7, 1.0)
    rates = jax.vmap(jax.grad(energies.offset))(jnp.asarray([*x, -np.inf, np.inf, 2 - mu_bar, 1 - mu_bar]))
    assert np.all(np.isfinite(rates))


def test_without_edges_there_are_no_pieces():
    assert isinstance(Apart(WideBand(), WideBand()).energies(jnp.asarray(0.3)), Everywhere)


@pytest.mark.parametrize("T", [None, 0.01])
def test_panels_end_at_edges(T):
    """Energies of both bands are covered once, those of the gap between them not at all."""
    wire = wire_of(((0.5, 0.0), (0.5, 3.0)), **PROBES)
    window = (jnp.asarray(-0.9), jnp.asarray(3.5))
    found = Panels.of(wire, jnp.asarray(0.1), *window, None if T is None else jnp.asarray(T), most=512)
    assert bool(found.enough)
    there = int(found.count)
    start, end = (0.1 + np.asarray(found.energies.above(s))[:there] for s in (found.start, found.end))
    close(np.sum(np.asarray(found.length)[:there]), (1.0 + 0.8) + (3.6 - 2.0), 1e-13)
    for edge in (1.0, 2.0):
        assert not np.any((start < edge - 1e-12) & (end > edge + 1e-12))
    for mu_bar in np.linspace(-0.99, 0.99, 41):  # whatever roundings do, each end has its own band
        energies = wire.reservoir.energies(jnp.asarray(mu_bar))
        close(mu_bar + energies.above(energies.breaks()), [-1, 2, 1, 4], 1e-14, 1.0)


def test_currents_across_an_edge():
    checks.currents_across_an_edge()


CASES = {
    "wide leads": ((WIDE, NARROW), DRIVEN, 0.3, 0.5, 0.2, 0.0),
    "wide middle": (((1.0, 0.0), WIDE), DRIVEN, 1.2, 0.6, 0.2, 0.0),
    "wide middle, warm": (((1.0, 0.0), WIDE), DRIVEN, 1.2, 0.6, 0.2, 0.05),
    "an edge is crossed": (((1.0, 0.0), SHIFTED), DRIVEN, 0.1, 1.2, 0.02, 0.0),
    "an edge is crossed, warm": (((1.0, 0.0), SHIFTED), DRIVEN, 0.1, 1.2, 0.02, 0.02),
    "silent at mu_bar": (((1.0, 0.0), (0.4, 1.8)), DRIVEN, 0.9, 0.4, 0.01, 0.0),
    "silent at mu_bar, warm": ((WIDE, NARROW), PROBES, 1.1, 0.8, 0.0, 0.03),
    "thermal tails alone": ((WIDE, NARROW), PROBES, 1.3, 0.2, 0.0, 0.02),
    "silent": ((WIDE, NARROW), PROBES, 1.3, 0.2, 0.0, 0.0),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_against_adaptive_quadrature(case):
    """Currents to 1e-11 of the largest; potentials to 1e-9 where thermal tails alone make them."""
    kinds, roles, mu_bar, delta_mu, injection, T = case
    wire = wire_of(kinds, **roles)
    state = jt.solve(wire, mu_bar=mu_bar, delta_mu=delta_mu, injection=injection, law=jt.Exact(temperature=T))
    assert int(state.status) == 0
    got = np.asarray(state.potentials)
    mu, I = two_kinds.balanced(reference.chain_of(wire), kinds, mu_bar, delta_mu, injection, T, got)
    close(state.currents, I, 1e-11, np.max(np.abs(I)))
    known = np.isfinite(got)
    close(got[known], mu[known], 1e-9, 1.0)
    assert float(state.residual) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("T", [0.0, 0.02])
def test_the_kernels_agree(T):
    wire = wire_of(((1.0, 0.0), SHIFTED), **DRIVEN)
    given = {"mu_bar": 0.1, "delta_mu": 1.2, "injection": 0.02, "law": jt.Exact(temperature=T)}
    one, other = (jt.solve(wire, **given, kernel=kernel) for kernel in ("chain", "dense"))
    close(one.currents, other.currents, 1e-12, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [CHAIN, SemiInfiniteChain(1.3, 0.25), WideBand()], ids=str)
def test_one_kind_twice_is_one_kind(kind):
    given = {"mu_bar": 0.4, "delta_mu": 0.6, "injection": 0.2, "law": jt.Exact()}
    wires = (
        jt.Wire.custom(7, gamma=0.5, contact=0.8, onsite=LEVELS, reservoirs=r, **DRIVEN)
        for r in (kind, Apart(kind, kind))
    )
    one, twice = (jt.solve(wire, **given) for wire in wires)
    assert int(one.status) == int(twice.status) == 0
    close(twice.currents, one.currents, 1e-13, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("T", [0.0, 1e-6])
@pytest.mark.parametrize("kinds", [((1.0, 0.0), SHIFTED), (WIDE, NARROW)], ids=str)
def test_a_tiny_bias_keeps_its_digits(kinds, T):
    """At 1e-8 what linear response leaves out is 1e-8 of the currents, times their rate in energy."""
    wire = wire_of(kinds, **DRIVEN)
    given = {"mu_bar": 0.3, "delta_mu": 1e-8, "injection": 0.3}
    exact, linear = jt.solve(wire, **given, law=jt.Exact(temperature=T)), jt.solve(wire, **given)
    assert int(exact.status) == 0
    close(exact.currents, linear.currents, 1e-8, 1.0)
    assert float(exact.quadrature_error) < 1e-12


@functools.cache
def network(w):
    """T_ll' of wide leads, contacts 1, and between them one site with a narrow chain of coupling 1/2."""
    t, level = mpf(0.7), mpf(-0.4)
    x = w - level
    root = mp.sqrt(4 * t * t - x * x) if abs(x) < 2 * t else mpf(0)
    real = x if root else x - mp.sign(x) * mp.sqrt(x * x - 4 * t * t)
    S = [-1j, (real - 1j * root) / (8 * t * t), -1j]
    A = mp.matrix(3, 3)
    for l in range(3):
        A[l, l] = w - S[l]
        if l < 2:
            A[l, l + 1] = A[l + 1, l] = mpf(1)
    G = A**-1
    Gamma = [mpf(2), root / (4 * t * t), mpf(2)]
    return [[Gamma[i] * Gamma[j] * abs(G[i, j]) ** 2 * (i != j) for j in range(3)] for i in range(3)]


def test_against_30_digits():
    """A probe whose band ends within the bias: currents to 1e-13 of the largest."""
    with workdps(34):
        mu_bar, delta_mu = mpf(0.875), mpf(0.75)
        top = mpf(-0.4) + 2 * mpf(0.7)
        left, right = mu_bar + delta_mu / 2, mu_bar - delta_mu / 2

        def integral(i, j, a, b):
            """Of T_ij from a to b, resolved at either end."""
            c, h = (a + b) / 2, (b - a) / 2
            of_theta = lambda th: h * mp.sin(th) * network(c - h * mp.cos(th))[i][j]
            return mp.quad(of_theta, [0, mp.pi / 2, mp.pi], maxdegree=6) if h else mpf(0)

        below = lambda mu: integral(1, 2, right, mu) - integral(1, 0, mu, top)  # 2 pi I of the probe
        mu = mp.findroot(below, (mpf("0.7"), mpf("0.75")), solver="secant", tol=mpf("1e-40"))
        direct = integral(0, 2, right, top) + integral(0, 2, top, left)
        expected = float((direct + integral(0, 1, mu, top)) / delta_mu)
        mu = float(mu)
    reservoirs = {"leads": "wide", "middle": two_kinds.table_of(NARROW)}
    wire = jt.Wire.custom(3, probes=[2], gamma=0.5, reservoirs=reservoirs)
    state = jt.solve(wire, mu_bar=0.875, delta_mu=0.75, law=jt.Exact())
    assert int(state.status) == 0
    close(state.current, expected, 1e-13)
    close(state.potentials[1], mu, 1e-14, 1.0)


@pytest.mark.slow
def test_derivatives_across_an_edge():
    """By mu_bar, gamma and the bias, against central differences."""

    def call(p):
        wire = jt.Wire.custom(
            5,
            probes=[2],
            sources=[3],
            drains=[4],
            gamma=p[1],
            reservoirs={"middle": two_kinds.table_of(SHIFTED)},
        )
        law = jt.Exact()
        return jt.nonreciprocity(wire, mu_bar=p[0], delta_mu=p[2], injection=0.02, law=law)

    at, step = np.array([0.1, 0.5, 1.2]), 1e-5
    run = jax.jit(call)
    slopes = [(run(at + step * e) - run(at - step * e)) / (2 * step) for e in np.eye(3)]
    assert np.all(np.isfinite(slopes))
    close(jax.jit(jax.grad(call))(at), slopes, 1e-7, 1.0)


def test_a_source_without_a_band_in_the_bias():
    wire = wire_of((WIDE, NARROW), **DRIVEN)
    with pytest.raises(jt.InputError, match=r"mu_bar = 1.3: sources and drains .*from -1.8 to 1"):
        jt.solve(wire, mu_bar=1.3, delta_mu=0.2, injection=0.1, law=jt.Exact())
    text = '[wire]\nlayout = "pair"\nN = 6\ngamma = 0.4\n[drive]\ninjection = 0.2\nmu_bar = 1.3\n'
    text += '[reservoirs]\nleads = { kind = "wide" }\nmiddle = { kind = "chain", hopping = 0.6 }\n'
    text += '[solve]\nlaw = "exact"\n[grid]\n'
    assert parse(text + "delta_mu = [0.3, 0.4]\n")
    with pytest.raises(jt.InputError, match=r"mu_bar: sources and drains carry no current at 1\.3"):
        parse(text + "delta_mu = [0.1, 0.4]\n")
