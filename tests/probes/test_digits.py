"""The exact law against 30 digits: values, tiny biases, and derivatives by central differences."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import mp, mpf, workdps
from support import precise
from support.checks import close

import jaxtransport as jt

pytestmark = pytest.mark.slow

DIGITS, NODES = 34, 40
PANEL = 0.25  # gamma_o: 40 nodes carry the wire's levels to 20 digits, and 6 T the Fermi functions
AT = {"gamma": "0.7", "mu_bar": "0.4", "injection": "0.3"}


@functools.cache
def rule():
    """Gauss-Legendre nodes and weights in DIGITS digits."""
    with workdps(DIGITS + 10):
        return precise.gauss(NODES)


@functools.cache
def network(gamma, w):
    """T_ll' of four sites: contacts 1, a source and a drain of coupling gamma, hopping 1."""
    couplings = (mpf(1), gamma, gamma, mpf(1))
    root = mp.sqrt(4 - w * w)
    A = mp.matrix(4, 4)
    for l, c in enumerate(couplings):
        A[l, l] = w - c * c * (w - 1j * root) / 2
        if l < 3:
            A[l, l + 1] = A[l + 1, l] = mpf(1)
    G = A**-1
    return [
        [couplings[i] ** 2 * couplings[j] ** 2 * root**2 * abs(G[i, j]) ** 2 * (i != j) for j in range(4)]
        for i in range(4)
    ]


def panels(low, high, longest):
    count = int(mp.ceil((high - low) / longest))
    for k in range(count):
        a, b = low + (high - low) * k / count, low + (high - low) * (k + 1) / count
        for x, weight in rule():
            yield (a + b) / 2 + (b - a) / 2 * x, weight * (b - a) / 2


def currents_of(gamma, T, reach):
    """2 pi I_l as a function of all potentials."""
    if T:
        middle = mpf(AT["mu_bar"])  # the same energies for every mu_bar nearby
        window = panels(middle - reach, middle + reach, min(PANEL, 6 * T))
        known = [(w, weight, network(gamma, w)) for w, weight in window]

        def warm(mu):
            out = [mpf(0)] * 4
            for w, weight, net in known:
                f = [1 / (1 + mp.exp((w - m) / T)) for m in mu]
                for i in range(4):
                    out[i] += weight * sum(net[i][j] * (f[i] - f[j]) for j in range(4))
            return out

        return warm

    def cold(mu):
        out, cuts = [mpf(0)] * 4, sorted(mu)
        for low, high in itertools.pairwise(cuts):
            for w, weight in panels(low, high, PANEL):
                net, f = network(gamma, w), [m >= high for m in mu]
                for i in range(4):
                    out[i] += weight * sum(net[i][j] * (f[i] - f[j]) for j in range(4))
        return out

    return cold


def solved(at, delta_mu, sign, known=None):
    """All potentials, I_l / I_o and the inverse Jacobian, which with a start may be `known`."""
    gamma, mu_bar, injection, T = at
    call = currents_of(gamma, T, delta_mu / 2 + 60 * T)
    ends = mu_bar + sign * delta_mu / 2, mu_bar - sign * delta_mu / 2
    asked = injection * delta_mu
    full = lambda inner: (ends[0], *inner, ends[1])

    def F(inner):
        I = call(full(inner))
        return mp.matrix([I[1] - asked, I[2] + asked])

    inner, inverse = known or (mp.matrix([mu_bar, mu_bar]), None)
    for _ in range(40):
        here = F(inner)
        if known is None:
            h, J = delta_mu * mpf("1e-12"), mp.matrix(2, 2)
            for k in range(2):
                moved = inner.copy()
                moved[k] += h
                column = (F(moved) - here) / h
                J[0, k], J[1, k] = column[0], column[1]
            inverse = J**-1
        step = -inverse * here
        inner = inner + step
        if max(abs(s) for s in step) < delta_mu * mpf("1e-19"):
            break
    else:
        raise AssertionError("Newton's method has not ended")
    mu = full(inner)
    return mu, [current / delta_mu for current in call(mu)], (inner, inverse)


def delta_I(at, delta_mu, known=(None, None)):
    """Delta I, and what helps to find it nearby."""
    forward, reverse = (solved(at, delta_mu, s, k) for s, k in zip((1, -1), known, strict=True))
    return abs(reverse[1][0]) - abs(forward[1][0]), (forward[2], reverse[2])


@pytest.mark.parametrize("T", ["0", "0.02"])
def test_derivatives(T):
    """d Delta I by every parameter, in forward and reverse mode, to 1e-8; Delta I itself to 1e-11."""
    with workdps(DIGITS):
        at = [mpf(v) for v in (*AT.values(), T)]
        delta_mu, h = mpf("0.5"), mpf("1e-8")
        expected, known = delta_I(at, delta_mu)
        slopes = []
        for k in range(4 if at[3] else 3):
            more, less = (list(at) for _ in range(2))
            more[k], less[k] = at[k] + h, at[k] - h
            up, down = (delta_I(values, delta_mu, known)[0] for values in (more, less))
            slopes.append(float((up - down) / (2 * h)))

    def ours(p):
        law = jt.Exact(temperature=p[3] if float(T) else 0.0)
        wire = jt.Wire.dimers(4, gamma=p[0])
        return jt.nonreciprocity(wire, mu_bar=p[1], delta_mu=0.5, injection=p[2], law=law)

    p = jnp.array([float(v) for v in at])
    close(ours(p), float(expected), 1e-11)
    for mode in (jax.jacrev, jax.jacfwd):
        got = np.asarray(jax.jit(mode(ours))(p))[: len(slopes)]
        close(got, slopes, 1e-8)


def test_tiny_bias_and_temperature():
    """delta_mu = 1e-8, T = 1e-6: currents to 1e-11 of the largest; potentials are absolute, to 1e-16."""
    with workdps(DIGITS):
        at = [mpf(v) for v in (*AT.values(), "1e-6")]
        mu, current, _ = solved(at, mpf("1e-8"), 1)
        mu, current = (np.array([float(v) for v in values]) for values in (mu, current))
    wire = jt.Wire.dimers(4, gamma=0.7)
    state = jt.solve(wire, mu_bar=0.4, delta_mu=1e-8, injection=0.3, law=jt.Exact(temperature=1e-6))
    assert int(state.status) == 0
    close(state.currents, current, 1e-11)
    assert np.max(np.abs(np.asarray(state.potentials) - mu)) < 2e-16
