"""A wire in pieces: recursions, the scattering of averages, and when it is chosen.

What it shares with the chain, 40 digits included, is in `test_chain` and wherever kernels are parameters.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support import engine
from support.checks import close
from support.wires import make

import jaxtransport as jt
from jaxtransport import layout as layouts
from jaxtransport.compute import xla
from jaxtransport.errors import InputError
from jaxtransport.green import blocked_scan
from jaxtransport.green.chain import Chain
from jaxtransport.green.dense import Dense
from jaxtransport.green.kernels import LONG, kernel_for
from jaxtransport.green.parallel_chain import ParallelChain, Scatterer, _star

SIZES = [1, 2, 3, 4, 5, 8, 17, 100]


@pytest.mark.parametrize("sites", SIZES)
def test_pieces_hold_every_site_once_and_in_order(sites):
    values = np.arange(1.0, sites + 1)
    cut = blocked_scan.cut(jnp.asarray(values), -1.0)
    assert abs(cut.shape[0] - cut.shape[1]) <= 2
    close(blocked_scan.joined(cut, sites), values, 0)
    close(blocked_scan.joined(blocked_scan.before(cut, 0.0), sites), [0, *values[:-1]], 0)
    following = [-1.0 if cut.size > sites else 0.0]  # what fills up the last piece, or what stands beyond it
    close(blocked_scan.joined(blocked_scan.after(cut, 0.0), sites), [*values[1:], *following], 0)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("sites", SIZES)
def test_a_sweep_is_the_recursion_site_by_site(sites, reverse):
    rng = np.random.default_rng(sites)
    m, b = rng.uniform(-1, 1, (2, sites))
    expected, y = np.zeros(sites), 0.7
    for l in range(sites)[:: -1 if reverse else 1]:
        expected[l] = y = m[l] * y + b[l]
    got = blocked_scan.sweep(
        lambda y, e: e[0] * y + e[1],
        lambda does, e: (e[0] * does[0], e[0] * does[1] + e[1]),
        (1.0, 0.0),
        (blocked_scan.cut(jnp.asarray(m), 1.0), blocked_scan.cut(jnp.asarray(b), 0.0)),
        0.7,
        reverse=reverse,
    )
    close(blocked_scan.joined(got, sites), expected, 1e-14, 1.0)


def random_scatterer(rng):
    f, h = rng.uniform(0, 1, 2)
    return Scatterer(1 - f, f, 1 - h, h, *rng.normal(size=2))


def test_stretches_join_as_two_linear_systems_do():
    """c and e between two stretches, by a matrix instead of the star product; averages stay averages."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        left, right = random_scatterer(rng), random_scatterer(rng)
        c_in, e_in = rng.normal(size=2)
        # Unknowns: c between, e between.
        system = np.array([[1, -right.f], [-left.h, 1]])
        c, e = np.linalg.solve(system, [right.t * c_in + right.b, left.T * e_in + left.d])
        both = _star(left, right)
        close(both.t * c_in + both.f * e_in + both.b, left.t * c + left.f * e_in + left.b, 1e-12, 1.0)
        close(both.T * e_in + both.h * c_in + both.d, right.T * e + right.h * c_in + right.d, 1e-12, 1.0)
        close([both.t + both.f, both.T + both.h], [1, 1], 1e-14)


def test_three_stretches_join_in_either_order():
    rng = np.random.default_rng(6)
    a, b, c = (random_scatterer(rng) for _ in range(3))
    close(_star(_star(a, b), c), _star(a, _star(b, c)), 1e-14, 1.0)


@pytest.mark.slow
def test_a_hundred_thousand_sites():
    """Against the chain, which 40 digits check: N roundings, 1e-11, for everything of the state."""
    wire = make(layouts.dimers(100_000), gamma=0.3)
    chain, long = (engine.solve(wire, kernel, 0.7, 0.1, 0.2) for kernel in ("chain", "long"))
    # By 40-digit arithmetic, site by site.
    close(long.conductance, 0.00022328609791492894888, 1e-11)
    close(long.injection_response, 0.49988632049851507187, 1e-11)
    for name in ("potential", "site_current", "bond_current", "heat"):
        values, expected = getattr(long, name), getattr(chain, name)
        close(values, expected, 1e-10, np.max(np.abs(expected)), name)
    assert long.residual < 1e-10


@pytest.mark.slow
@pytest.mark.parametrize(("width", "most"), [(0, 1.0), (30, 1e-90), (90, 1e-280)])
def test_a_barrier_without_reservoirs(width, most):
    """a_l, weights and transmissions fall by hundreds of orders of magnitude from one lead to the other."""
    onsite = np.zeros(2000)
    onsite[900 : 900 + width] = 40.0
    wire = make(layouts.custom(2000, [300], [1700]), gamma=0.3, onsite=onsite)
    chain, long = (engine.solve(wire, kernel, 0.7, 0.1, 0.2) for kernel in ("chain", "long"))
    assert int(long.status) == int(chain.status) == 0
    assert 0 < long.conductance < most
    close(long.conductance, chain.conductance, 1e-11)
    close(long.potentials, chain.potentials, 1e-11)


@pytest.mark.slow
@pytest.mark.parametrize(("hopping", "every"), [(1e-80, 133), (1e-100, 40)])
def test_cuts_in_a_row_multiply_below_the_smallest_double(hopping, every):
    """t of single stretches is 1e-160 and more, that of the wire too: their product would be 0."""
    bonds = np.where(np.arange(1, 400) % every == 0, hopping, 1.0)
    wire = make(layouts.dimers(400), gamma=0.3, hopping=bonds)
    chain, long = (engine.solve(wire, kernel, 0.7, 0.1, 0.2) for kernel in ("chain", "long"))
    assert int(long.status) == int(chain.status) == 0
    assert 0 < long.conductance < 1e-150
    close(long.conductance, chain.conductance, 1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("disorder", [0.0, 2.0, 10.0])
def test_potentials_balance_the_currents_as_those_of_the_chain_do(disorder):
    onsite = np.random.default_rng(1).uniform(-disorder, disorder, 10_000)
    wire = make(layouts.dimers(10_000), gamma=0.3, onsite=onsite)
    chain, long = (engine.solve(wire, kernel, 0.7, 0.1, 0.2) for kernel in ("chain", "long"))
    assert long.residual < 10 * max(chain.residual, 1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("bond", [0, 5, 10])
def test_a_cut_bond_has_a_gradient(bond):
    """It is 0 in the hopping, which enters squared; the others must not become NaN."""
    wire = make(layouts.dimers(12), gamma=0.3)

    def g(hopping, kernel):
        return (
            jt.transmission(dataclasses.replace(wire, hopping=hopping), 0.7, kernel=kernel)
            .lead_response()
            .conductance
        )

    cut = jnp.ones(11).at[bond].set(0.0)
    close(jax.grad(g)(cut, "long"), jax.grad(g)(cut, "chain"), 1e-12, 1.0)


@pytest.mark.slow
def test_potentials_that_grow_within_a_barrier_with_sources():
    onsite = np.where(np.abs(np.arange(2000) - 1000) < 100, 40.0, 0.0)
    wire = make(layouts.dimers(2000), gamma=0.3, onsite=onsite)
    chain, long = (engine.solve(wire, kernel, 0.7, 0.1, 0.2) for kernel in ("chain", "long"))
    assert np.nanmax(np.abs(chain.potentials)) > 1e5
    close(long.conductance, chain.conductance, 1e-11)
    close(long.potentials, chain.potentials, 1e-11)


@pytest.mark.slow
def test_under_vmap_and_jit():
    wire = make(layouts.dimers(30), gamma=0.3)
    energies = jnp.linspace(-1.5, 1.5, 7)

    def g(kernel):
        return jax.jit(
            jax.vmap(lambda m: jt.transmission(wire, m, kernel=kernel).lead_response().conductance)
        )(energies)

    close(g("long"), g("chain"), 1e-13)


def test_auto_takes_pieces_where_steps_are_calls(monkeypatch):
    for flags, alone, expected in (
        (xla.WHOLE_LOOPS, True, Chain),
        ("", True, ParallelChain),
        ("", False, Chain),
    ):
        monkeypatch.setenv("XLA_FLAGS", flags)
        assert kernel_for("auto", LONG, alone=alone) is expected
        assert kernel_for("auto", LONG - 1, alone=alone) is Chain
        assert kernel_for("dense", LONG, alone=alone) is Dense
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert kernel_for("auto", LONG, alone=False) is ParallelChain
    with pytest.raises(InputError, match=r"kernel = 'short': expected one of auto, chain, long, dense"):
        kernel_for("short", 3, alone=True)
