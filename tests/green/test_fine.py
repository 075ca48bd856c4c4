"""Pairs of doubles, and a chain at an energy known to 32 digits: against 60-digit arithmetic."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import matrix, mp, mpf, workdps
from support.engine import compiled
from support.wires import disordered

import jaxtransport as jt
from jaxtransport.compute.double import Double
from jaxtransport.green.fine import Fine
from jaxtransport.green.phase import sight
from jaxtransport.reservoirs import CHAIN

pytestmark = pytest.mark.optimized  # exact sums of roundings

RNG = np.random.default_rng(3)
A, B, C, D = RNG.normal(size=(4, 200)) * 10.0 ** RNG.integers(-8, 8, size=(4, 200))


def exactly(pair):
    return [mpf(float(high)) + mpf(float(low)) for high, low in zip(*pair, strict=True)]


def middle_of(mu_bar):
    return CHAIN.energies(mu_bar).middle()


def fine_at(wire, s):
    return Fine.at(wire, CHAIN.energies(jnp.zeros(())).finely(s))


@pytest.mark.parametrize(
    ("name", "of", "truth"),
    [
        ("sum", lambda a, b: a.add(b), lambda a, b: a + b),
        ("difference", lambda a, b: a.less(b), lambda a, b: a - b),
        ("product", lambda a, b: a.times(b), lambda a, b: a * b),
        ("inverse", lambda a, b: a.inverse(), lambda a, b: 1 / a),
        ("root", lambda a, b: a.times(a).root(), lambda a, b: abs(a)),
    ],
)
def test_arithmetic(name, of, truth):
    """To 2^-100 of the terms; compiled, as it is used: no compiler may take the corrections out."""
    with workdps(60):
        low = [np.abs(v) * 2.0**-54 for v in (A, B)]
        pairs = Double(A, low[0]), Double(B, low[1])
        got = exactly(compiled(f"double {name}", lambda a, b: of(a, b))(*pairs))
        for found, a, b in zip(got, exactly(pairs[0]), exactly(pairs[1]), strict=True):
            scale = abs(truth(a, b)) if name in ("product", "inverse", "root") else abs(a) + abs(b)
            assert abs(found - truth(a, b)) <= scale * mpf(2) ** -100


@pytest.mark.parametrize("mu_bar", [-1.999, -0.7, 0.0, 1e-9, 0.3, 1.52, 1.99999])
def test_middle(mu_bar):
    """s_bar of mu_bar: 4 s / (1 + s^2) = mu_bar to 30 digits."""
    with workdps(60):
        (s,) = exactly([[part] for part in compiled("middle", middle_of)(float(mu_bar))])
        slope = 4 * (1 - s * s) / (1 + s * s) ** 2
        assert abs(4 * s / (1 + s * s) - mpf(mu_bar)) <= mpf(10) ** -30 / max(slope, mpf("1e-3"))


def squares(wire, s):
    """|G_ll'|^2 Gamma_l Gamma_l' of the wire as it is, in 60 digits."""
    N = int(wire.length)
    w = 4 * s / (1 + s * s)
    root = 2 * (1 - s * s) / (1 + s * s)
    number = lambda v: mpf(float(v))
    A = matrix(N, N)
    Gamma = []
    for l in range(N):
        g2 = number(wire.coupling[l]) ** 2
        A[l, l] = w - number(wire.onsite[l]) - g2 * w / 2 + 1j * g2 * root / 2
        Gamma.append(g2 * root)
        if l + 1 < N:
            A[l, l + 1] = A[l + 1, l] = number(wire.hopping[l])
    G = A**-1
    return [
        [Gamma[i] * abs(G[i, j]) ** 2 * Gamma[j] if i != j else mpf(0) for j in range(N)] for i in range(N)
    ]


def links(pairs):
    """T_ll': what x_l' = 1 alone draws from l."""
    unit = jnp.eye(pairs.to_left.shape[0])
    return jnp.where(unit > 0, 0.0, -jax.vmap(pairs.currents_into)(unit))


def test_transmissions_on_a_level_narrower_than_rounding():
    """Contacts of 3e-7: levels of 1e-13. On one of them, and beside it, all transmissions to 1e-12.

    The level is found in 60 digits; doubles are off by 1e-3 and more there (and so is `Chain`).
    """
    wire = jt.Wire.custom(
        5, probes=[3], gamma=1e-6, contact=(3e-7, 4e-7), onsite=[0.1, -0.2, 0.3, 0.05, -0.1]
    )
    with workdps(60):
        H = mp.matrix(5, 5)
        for l in range(5):
            H[l, l] = mpf(float(wire.onsite[l]))
            if l < 4:
                H[l, l + 1] = H[l + 1, l] = -mpf(float(wire.hopping[l]))
        level = mp.eigsy(H, eigvals_only=True)[1]
        s = level / (2 + mp.sqrt(4 - level**2))
        for shift in (0, mpf("1e-14"), mpf("-3e-13")):
            at = s + shift
            high = float(at)
            pair = Double(jnp.asarray(high), jnp.asarray(float(at - mpf(high))))
            got = compiled("fine links", lambda wire, s: links(fine_at(wire, s).pairs()))(wire, pair)
            truth = squares(wire, mpf(high) + mpf(float(at - mpf(high))))
            largest = max(max(row) for row in truth)
            for i in range(5):
                for j in range(5):
                    assert abs(mpf(float(got[i, j])) - truth[i][j]) <= largest * mpf("1e-12")


@pytest.mark.slow
def test_as_the_chain_where_nothing_is_narrow():
    wire = jax.tree.map(jnp.asarray, disordered(5, 9, bare=0.3))
    both = compiled("fine", lambda wire, s: (links(fine_at(wire, s).pairs()), fine_at(wire, s).phase))
    T, angle = both(wire, middle_of(jnp.asarray(0.4)))
    chain = jt.transmission(wire, 0.4, kernel="chain")
    np.testing.assert_allclose(T, chain.links(), rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(angle, sight(wire, jnp.asarray(0.4)).phase, rtol=1e-13)
    dense = jt.transmission(wire, 0.4, kernel="dense")
    np.testing.assert_allclose(T, dense.links(), rtol=1e-10, atol=1e-13)


def test_the_phase_falls_by_pi_over_each_level():
    """From above the band to below it: N levels, here of a wire whose contacts are 1e-5."""
    wire = jt.Wire.custom(6, contact=1e-5, gamma=1.0)
    low, high = (float(sight(wire, jnp.asarray(w)).phase) for w in (-1.99, 1.99))
    assert abs(low - high - 6 * np.pi) < 1e-6
