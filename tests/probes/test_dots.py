"""Quantum dots: a source and a drain behind weak contacts, against a plain monotone solver.

Potentials leave the linear ones far behind here, and injections go up to where solutions end.
"""

import numpy as np
import pytest
from support import monotone, reference
from support.checks import close

import jaxtransport as jt

pytestmark = pytest.mark.slow

SITES = 9


def dot(seed):
    """N = 4 ... 9, contacts .01 ... 1, a source and a drain with gamma .05 ... 1, disorder."""
    rng = np.random.default_rng(seed)
    log = lambda low, high: float(np.exp(rng.uniform(np.log(low), np.log(high))))
    N = int(rng.integers(4, SITES + 1))
    source, drain = (int(l) for l in rng.choice(np.arange(2, N), 2, replace=False))
    wire = jt.Wire.custom(
        N,
        sources=[source],
        drains=[drain],
        gamma=log(0.05, 1),
        contact=(log(0.01, 1), log(0.01, 1)),
        onsite=rng.uniform(-0.5, 0.5, N),
    )
    delta_mu = float(rng.uniform(0.05, 0.5))
    drive = {"mu_bar": float(rng.uniform(-1.5, 1.5)), "delta_mu": delta_mu}
    return wire, drive, log(1e-3, 3) * float(np.min(np.asarray(wire.coupling)[[0, -1]])), rng.random() < 0.5


@pytest.mark.parametrize("seed", range(100))
def test_a_dot(seed):
    """Solved where the plain solver solves, to 1e-9; status 5 where that proves that there is no solution."""
    wire, drive, injection, warm = dot(seed)
    T = 0.01 if warm else 0.0
    state = jt.solve(wire.pad(SITES), injection=injection, **drive, law=jt.Exact(temperature=T))
    chain = reference.chain_of(wire)
    asked = injection * drive["delta_mu"] * chain.strength
    mu = monotone.solve(chain, drive["mu_bar"], drive["delta_mu"], asked, T)
    if mu is None:
        assert int(state.status) == 5
        return
    assert int(state.status) == 0
    plain = monotone.Plain(chain, T)
    got = np.asarray(state.potentials)[: chain.N]
    for potentials, name in ((mu, "of the plain solver"), (got, "found")):
        left = left_current(plain, potentials)
        size = max(abs(left), np.max(np.abs(asked)))
        close(float(state.left_current) * drive["delta_mu"], left, 1e-8, size, what=f"potentials {name}")


def left_current(plain, mu):
    sites = np.flatnonzero(np.isfinite(mu))
    P = {l: plain.P(mu[l]) for l in sites}
    return float(sum(P[0][0, m] - P[m][0, m] for m in sites if m != 0))
