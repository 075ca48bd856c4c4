"""Currents between all reservoirs at several energies: a chain's two sweeps against the matrices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.checks import close
from support.engine import compiled
from support.wires import disordered

from jaxtransport.green.chain import Chain
from jaxtransport.green.dense import Dense
from jaxtransport.green.parallel_chain import ParallelChain

pytestmark = pytest.mark.optimized  # exact sums of roundings

ENERGIES = np.array([-1.9, -0.3, 0.0, 0.41, 1.7])


def pairs(kernel, wire):
    call = lambda wire, energies: kernel.pairs_at(wire, energies)[0]
    return jax.tree.map(jnp.asarray, compiled(f"pairs {kernel.__name__}", call)(wire, jnp.asarray(ENERGIES)))


@pytest.mark.slow
@pytest.mark.parametrize("kernel", [Chain, ParallelChain])
@pytest.mark.parametrize("seed", range(3))
def test_as_matrices(kernel, seed):
    """Currents and weighted sums over energies, in a wire with bare sites: to 1e-12 of the largest."""
    wire = disordered(seed, 9, bare=0.3)
    rng = np.random.default_rng(seed)
    x, weight = rng.normal(size=(2, 9, len(ENERGIES)))
    chain, dense = pairs(kernel, wire), pairs(Dense, wire)
    held = np.asarray(wire.coupling) > 0
    x = np.where(held[:, None], x, 0.0)
    close(chain.currents_into(jnp.asarray(x)), dense.currents_into(jnp.asarray(x)), 1e-12)
    close(chain.weighted(jnp.asarray(weight)), dense.weighted(jnp.asarray(weight)), 1e-12)


def test_small_differences_keep_their_digits():
    """Potentials that differ by 1e-10 on top of 1: currents to 1e-6 of themselves, as good as x is given."""
    wire = disordered(4, 9)
    small = np.random.default_rng(3).normal(size=(9, 1)) * 1e-10 * np.ones(len(ENERGIES))
    chain = pairs(Chain, wire)
    exact = np.asarray(chain.currents_into(jnp.asarray((1 + small) - 1)))
    close(chain.currents_into(jnp.asarray(1 + small)), exact, 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", [Chain, Dense, ParallelChain])
def test_several_groups_and_several_potentials_at_once(kernel):
    """As one by one."""
    groups = [pairs(kernel, disordered(seed, 9)) for seed in (5, 6)]
    both = jax.tree.map(lambda *leaves: jnp.stack(leaves), *groups)
    x = jnp.asarray(np.random.default_rng(5).normal(size=(9, 3, len(ENERGIES))))
    for number, alone in enumerate(groups):
        got = both.currents_into(x, jnp.asarray(number))
        for k in range(3):
            close(got[:, k], alone.currents_into(x[:, k]), 1e-14)
