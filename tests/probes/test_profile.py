"""What is told of the potentials along a wire: residual, range and heat, of both biases from one profile.

Transmissions come from the plain NumPy matrices of `support.reference`. Every kernel, and the chain also as
sweeps compute it, site by site.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from support import reference
from support.checks import close
from support.wires import disordered

import jaxtransport as jt
from jaxtransport.compute import xla
from jaxtransport.green.conserving import Conserving
from jaxtransport.green.kernels import named
from jaxtransport.green.transmission import Drives
from jaxtransport.linear import FORWARD, REVERSE, LinearResponse

MU_BAR, DELTA_MU, INJECTION = 0.4, 0.1, 0.7
WIRE = disordered(60, 33, sites=40)
N = int(WIRE.length)
KERNELS = {"chain": named("chain"), "conserving": Conserving, "long": named("long"), "dense": named("dense")}


SITE_BY_SITE = ", site by site"
FAST = ("chain", "chain" + SITE_BY_SITE)
WAYS = [*FAST, *(pytest.param(name, marks=pytest.mark.slow) for name in ("conserving", "long", "dense"))]


@pytest.fixture(params=[*WAYS, pytest.param("conserving" + SITE_BY_SITE, marks=pytest.mark.slow)])
def kernel(request, monkeypatch):
    monkeypatch.setattr(xla, "steps_are_calls", lambda: not request.param.endswith(SITE_BY_SITE))
    return KERNELS[request.param.removesuffix(SITE_BY_SITE)]


@pytest.fixture
def solved(kernel):
    return solve(WIRE, MU_BAR, kernel)


def solve(wire: jt.Wire, mu_bar: float, kernel) -> LinearResponse:
    """Compiled as a whole: step by step, every operation would be a program of its own."""
    return eqx.filter_jit(lambda wire, w: LinearResponse.of(wire, w, kernel, with_profile=True))(wire, mu_bar)


def transmissions() -> np.ndarray:
    T = np.array(reference.transmission_matrices(reference.chain_of(WIRE), np.array([MU_BAR]))[0])
    np.fill_diagonal(T, 0.0)
    return T


def currents(T: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.sum(T * (x[:, None] - x[None, :]), axis=1)


def test_currents_of_any_potentials(solved):
    """1e-13 of the largest: sums of positive terms and one difference, a few hundred roundings."""
    rng, held, T = np.random.default_rng(1), np.asarray(WIRE.coupling) > 0, transmissions()
    x = [np.where(held, rng.normal(size=40), 0.0) for _ in range(2)]
    for found, potential in zip(solved.network.driven_by(Drives(*map(jnp.asarray, x))), x, strict=True):
        expected = currents(T, potential[:N])
        close(found[:N], expected, 1e-13, np.max(np.abs(expected)), "currents")


@pytest.mark.parametrize("drive", ["bias", "injection"])
def test_the_residual_is_what_a_wrong_potential_drives(solved, drive):
    """A potential 1e-3 off: the residual is that of the matrices, of the bias in which it is larger."""
    site = int(np.flatnonzero(np.asarray(WIRE.coupling) > 0)[3])
    wrong = eqx.tree_at(
        lambda potential: getattr(potential, drive),
        solved.profile.potential,
        replace_fn=lambda x: x.at[site].add(1e-3),
    )
    profile = eqx.tree_at(lambda p: p.driven, solved.profile, solved.network.driven_by(wrong))
    off = np.zeros(N)
    off[site] = 1e-3 * (1.0 if drive == "bias" else INJECTION)
    expected = np.max(np.abs(currents(transmissions(), off)))
    close(profile.largest_residual(INJECTION), expected, 1e-11, expected, "residual")
    for sign in (FORWARD, REVERSE):
        close(profile.residual(sign, INJECTION), expected, 1e-11, expected, "residual of a bias")
    assert solved.profile.largest_residual(INJECTION) < 1e-14


def test_the_range_is_that_of_the_potentials_of_both_biases(solved):
    """And of occupied sites alone: others have none."""
    held = np.asarray(WIRE.coupling) > 0
    highest, lowest = solved.profile.range(INJECTION, jnp.asarray(held))
    both = [np.asarray(solved.at_bias(s, 1.0, INJECTION).shifts())[held] for s in (FORWARD, REVERSE)]
    close(highest, np.max(both), 1e-15, 1.0, "highest")
    close(lowest, np.min(both), 1e-15, 1.0, "lowest")
    assert np.max(both) != -np.min(both)


@pytest.mark.parametrize(("end", "sign"), [(1.9, 1.0), (-1.9, -1.0)])
def test_one_potential_beyond_one_edge_is_outside(kernel, end, sign):
    """A source rises beyond the top of the band, a drain falls below its bottom, under either bias."""
    sources, drains = ([3], []) if sign > 0 else ([], [3])
    wire = jt.Wire.custom(6, sources=sources, drains=drains, gamma=0.5)
    solved = solve(wire, end, kernel)
    flagged = [
        int(solved.observe(["outside_band"], 0.01, jnp.asarray(i))["outside_band"]) for i in (0.0, 1e-3, 50.0)
    ]
    potentials = [
        np.asarray(solved.at_bias(s, 0.01, i).potential()) for s in (FORWARD, REVERSE) for i in (1e-3, 50.0)
    ]
    assert flagged == [0, 0, 1]
    assert np.nanmax(np.abs(potentials[0::2])) < 2 < np.nanmax(np.abs(potentials[1::2]))


def test_heat_of_both_biases(solved):
    """1e-12 of each: sums of squares, free of cancellation. One bias alone gives the same."""
    T = transmissions()
    names = ["heat_forward", "heat_reverse"]
    found = solved.observe(names, jnp.asarray(DELTA_MU), jnp.asarray(INJECTION))
    for name, sign in zip(names, (FORWARD, REVERSE), strict=True):
        steady = solved.at_bias(sign, DELTA_MU, INJECTION)
        x = np.asarray(steady.shifts())[:N]
        expected = np.sum(T * (x[:, None] - x[None, :]) ** 2, axis=1) / (4 * np.pi)
        close(found[name][:N], expected, 1e-12, np.max(expected), name)
        close(steady.heat()[:N], found[name][:N], 1e-14, np.max(expected), "one bias")
        assert np.all(np.isnan(found[name][N:]))
