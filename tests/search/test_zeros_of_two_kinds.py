"""Zeros of Delta I with leads of one kind and other reservoirs of another, by a scan of plain matrices.

delta I / I_g = -I_1 without a bias                    in linear response
delta I = -[I_1(+) + I_1(-)] / 2                       of the quadratic law, whose currents are
2 pi I_l = sum_l' T_ll' (x_l - x_l') + (1 / 2) T'_ll' (x_l^2 - x_l'^2)
"""

import functools
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq
from support import reference, two_kinds
from support.tables import Table

import jaxtransport as jt

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:reservoirs. Re Sigma is not the Hilbert")]

POINTS = 1001  # of a scan; of two neighbouring changes of sign none are so close
NEAR = 1e-11  # roundings of delta I, 1e-15, over its least slope, 6e-4 (8e-14 measured)
TOUCH = 1e-7  # where delta I is a x^2 with a of .04 and more, of which rounding, 1e-16, hides 5e-8


def tables(seed):
    rng = np.random.default_rng(seed)
    return Table.random(rng, -2.1, 2.2, 7), Table.random(rng, -2.0, 2.3, 8)


# Kinds of the leads and of the others, and the window of mu_bar in which both carry current
KINDS = {
    "wide leads": (("wide", (0.9, -0.3)), (-2.0, 1.4)),
    "two chains": (((1.3, 0.2), (1.1, 0.1)), (-2.0, 2.2)),
    "wide others": (((1.0, 0.0), "wide"), (-1.9, 1.9)),
    "leads of a table": ((tables(1)[0], (1.2, 0.0)), (-2.0, 2.1)),
    "tables": (tables(2), (-1.9, 2.1)),
}
SEEDS = (8, 11, 29)  # of wires with many zeros


def drawn(kinds, seed, **more):
    """Nine sites, all different: a source, a drain, two probes, three bare sites."""
    rng = np.random.default_rng(seed)
    N = 9
    source, drain, *probes = rng.permutation(np.arange(2, N))[:4].tolist()
    names = ("contact", "gamma")
    numbers = {"contact": rng.uniform(0.6, 1.1, 2), "gamma": rng.uniform(0.4, 0.9)}
    of_tables = [name for name, kind in zip(names, kinds, strict=True) if isinstance(kind, Table)]
    return jt.Wire.custom(
        N,
        sources=[source],
        drains=[drain],
        probes=probes,
        onsite=rng.uniform(-0.4, 0.4, N),
        hopping=rng.uniform(0.8, 1.2, N - 1),
        reservoirs=dict(zip(("leads", "middle"), map(two_kinds.table_of, kinds), strict=True)),
        **{name: value for name, value in numbers.items() if name not in of_tables},
        **more,
    )


def linear(chain, kinds, mu_bar):
    """delta I / I_g."""
    T = two_kinds.transmissions(chain, kinds, mu_bar)
    asked = {l: chain.strength[l] for l in range(1, chain.N - 1) if T[l].any()}
    x = reference.balance(T, {0: 0.0, chain.N - 1: 0.0}, asked)
    return -reference.currents_into(T, x)[0]


def zeros_of(delta_I, window, points=POINTS):
    scan = np.linspace(*window, points)
    value = np.array([delta_I(at) for at in scan])
    changes = np.flatnonzero(value[1:] * value[:-1] < 0)
    return np.array([brentq(delta_I, scan[i], scan[i + 1], xtol=1e-14) for i in changes])


def with_value(chain, name, value):
    """The chain with one number changed."""
    if name == "onsite[4]":
        return replace(chain, onsite=np.where(np.arange(chain.N) == 3, value, chain.onsite))
    if name == "hopping":
        return replace(chain, hopping=np.full(chain.N - 1, value))
    middle = (np.arange(chain.N) % (chain.N - 1) > 0) & (chain.coupling > 0)
    return replace(chain, coupling=np.where(middle, value, chain.coupling))


@functools.cache
def expected(name, parameter):
    """Zeros of every wire."""
    kinds, window = KINDS[name]
    out = []
    for seed in SEEDS:
        chain = reference.chain_of(drawn(kinds, seed))
        if parameter == "mu_bar":  # its ends may be edges or rows
            out.append(
                zeros_of(functools.partial(linear, chain, kinds), (window[0] + 1e-9, window[1] - 1e-9))
            )
        else:
            changed = functools.partial(with_value, chain, parameter)
            of = lambda value, changed=changed: linear(changed(value), kinds, MU_BAR)
            out.append(zeros_of(of, WINDOWS[parameter]))
    return out


def check(found, parameter, exact, touches=()):
    """All of them and no others, each where it is; and in each wire where delta I touches 0."""
    for i, at in enumerate(exact):
        here = found["searched"].values == i
        zeros, multiplicity = (found[name].values[here] for name in (parameter, "multiplicity"))
        crossed = zeros[multiplicity == 1]
        assert len(crossed) == len(at)
        np.testing.assert_allclose(crossed, at, rtol=0, atol=NEAR)
        np.testing.assert_allclose(zeros[multiplicity == 2], touches, rtol=0, atol=TOUCH)
    assert sum(len(zeros) for zeros in exact) >= 2


def silent_rows(kind, window):
    """Rows with Im Sigma = 0: there the leads carry no current, so that delta I touches 0."""
    if not isinstance(kind, Table):
        return []
    rows = zip(kind.energies, kind.values, strict=True)
    return [w for w, value in rows if value.imag == 0 and window[0] < w < window[1]]


@pytest.mark.parametrize("probe", ["voltage", "dephasing"])
@pytest.mark.parametrize("name", KINDS)
def test_zeros_in_mu_bar(name, probe):
    kinds, window = KINDS[name]
    wires = [drawn(kinds, seed, probe=probe) for seed in SEEDS]
    found = jt.find_zeros(wires, over={"mu_bar": window})
    check(found, "mu_bar", expected(name, "mu_bar"), silent_rows(kinds[0], window))


MU_BAR = 0.35
WINDOWS = {"gamma": (0.1, 1.6), "onsite[4]": (-3.0, 3.0), "hopping": (0.3, 2.0)}


@pytest.mark.parametrize("probe", ["voltage", "dephasing"])
@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("wide leads", "gamma"),
        ("two chains", "onsite[4]"),
        ("leads of a table", "gamma"),
        ("tables", "onsite[4]"),
        ("wide others", "hopping"),
    ],
)
def test_zeros_in_another_parameter(name, parameter, probe):
    wires = [drawn(KINDS[name][0], seed, probe=probe) for seed in SEEDS]
    found = jt.find_zeros(wires, over={parameter: WINDOWS[parameter]}, mu_bar=MU_BAR)
    check(found, parameter, expected(name, parameter))


DELTA_MU, INJECTION = 0.05, 0.1
STEP = 1e-3  # of differences of order 6, which so leave out as much of T' as rounding does, 1e-13


def quadratic(chain, kinds, mu_bar):
    """delta I / I_o of the quadratic law, from the linear potentials by Newton's method."""
    at = lambda k: two_kinds.transmissions(chain, kinds, mu_bar + k * STEP)
    T = at(0)
    slope = sum(c * (at(k) - at(-k)) for k, c in ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60))) / STEP
    asked, N = INJECTION * DELTA_MU * chain.strength, chain.N
    held = T.any(1)
    free = np.flatnonzero(held[1:-1]) + 1
    total = 0.0
    for bias in (DELTA_MU, -DELTA_MU):
        ends = {0: bias / 2, N - 1: -bias / 2}
        x = reference.balance(T, ends, {l: asked[l] / (2 * np.pi) for l in free})
        for _ in range(8):
            I = (T * (x[:, None] - x) + slope * (x[:, None] ** 2 - x**2) / 2).sum(1)
            rates = T + slope * x  # of T_ll' x_l' and its square, by x_l'
            J = np.diag(T.sum(1) + slope.sum(1) * x) - rates
            x[free] -= np.linalg.solve(J[np.ix_(free, free)], (I - asked)[free])
        assert np.abs(I - asked)[free].max() < 1e-15
        total += I[0] / DELTA_MU
    return -total / 2


@pytest.mark.parametrize(
    ("name", "window"),
    [("wide leads", (-1.6, 0.9)), ("two chains", (-1.6, 1.6)), ("wide others", (-1.4, 1.4))],
)
def test_zeros_of_the_quadratic_law(name, window):
    kinds, _ = KINDS[name]
    wires = [drawn(kinds, seed) for seed in SEEDS]
    chains = [reference.chain_of(wire) for wire in wires]
    given = {"delta_mu": DELTA_MU, "injection": INJECTION, "law": jt.Series(2)}
    found = jt.find_zeros(wires, over={"mu_bar": window}, **given)
    exact = [zeros_of(functools.partial(quadratic, chain, kinds), window, 301) for chain in chains]
    check(found, "mu_bar", exact)
    for chain, zeros in zip(chains, exact, strict=True):  # those of linear response are elsewhere
        assert all(abs(linear(chain, kinds, zero)) > 1e-7 for zero in zeros)
