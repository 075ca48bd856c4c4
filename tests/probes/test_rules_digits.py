"""Rules of probes in the exact law against 24 digits: a source, and beside it a reservoir of another rule."""

import functools
import itertools

import pytest
from mpmath import mp, mpf, workdps
from support import precise
from support.checks import close

import jaxtransport as jt

pytestmark = pytest.mark.slow


DIGITS, NODES = 24, 24
GAMMA, EPS, HOP = ("0.8", "0.6", "0.7", "0.9"), ("0.1", "-0.2", "0.15", "0.05"), ("0.9", "1.1", "0.8")
MU_BAR, BIAS, INJECTION = "0.2", "0.3", "0.25"


def network(w, wide):
    """T_ll' at one energy."""
    gamma, eps, hop = ([mpf(v) for v in values] for values in (GAMMA, EPS, HOP))
    root = mpf(2) if wide else mp.sqrt(4 - w * w)
    A = mp.matrix(4, 4)
    for l in range(4):
        A[l, l] = w - eps[l] - gamma[l] ** 2 * ((0 if wide else w) - 1j * root) / 2
        if l < 3:
            A[l, l + 1] = A[l + 1, l] = hop[l]
    G = A**-1
    return [
        [gamma[i] ** 2 * gamma[j] ** 2 * root**2 * abs(G[i, j]) ** 2 * (i != j) for j in range(4)]
        for i in range(4)
    ]


@functools.cache
def truth(rule, wide):
    """I_1 / I_o at T = 0, to 16 digits and more; the unknowns by the secant method."""
    with workdps(DIGITS):
        return float(_truth(rule, wide))


def _truth(rule, wide):
    rows = precise.gauss(NODES)
    mu_bar, bias = mpf(MU_BAR), mpf(BIAS)
    ends = mu_bar + bias / 2, mu_bar - bias / 2

    def currents(mu, n):
        breaks = sorted(
            [-mp.pi / 2, mp.pi / 2] + [mp.atan(e) if wide else mp.asin(e / 2) for e in (*ends, mu)]
        )
        I = [mpf(0)] * 4
        for low, high in itertools.pairwise(breaks):
            count = max(1, int(mp.ceil((high - low) / mpf("0.12"))))
            for k in range(count):
                a, b = low + (high - low) * k / count, low + (high - low) * (k + 1) / count
                for x, weight in rows:
                    theta = (a + b) / 2 + (b - a) / 2 * x
                    w = mp.tan(theta) if wide else 2 * mp.sin(theta)
                    scale = (1 / mp.cos(theta) ** 2 if wide else 2 * mp.cos(theta)) * weight * (b - a) / 2
                    T = network(w, wide)
                    f = [mpf(w < ends[0]), mpf(w < mu), n, mpf(w < ends[1])]
                    if rule == "dephasing":
                        f[2] = sum(T[2][j] * f[j] for j in (0, 1, 3)) / sum(T[2])
                    for i in range(4):
                        I[i] += scale * sum(T[i][j] * (f[i] - f[j]) for j in range(4))
        return I

    asked = mpf(INJECTION) * bias
    if rule == "white":
        of = lambda mu, n: [(I := currents(mu, n))[1] - asked, I[2]]
        mu, n = mp.findroot(of, (mpf("0.24"), mpf("0.5")), solver="mdnewton", tol=mpf(10) ** -34)
    else:
        n = mpf(1)
        mu = mp.findroot(
            lambda mu: currents(mu, n)[1] - asked, (mpf("0.22"), mpf("0.26")), tol=mpf(10) ** -34
        )
    return currents(mu, n)[0] / bias


@pytest.mark.parametrize("kernel", ["chain", "dense"])
@pytest.mark.parametrize("wide", [False, True], ids=["chain", "wide"])
@pytest.mark.parametrize("rule", ["gain", "dephasing", "white"])
def test_against_24_digits(rule, wide, kernel):
    where = {"gains": [3]} if rule == "gain" else {"probes": [3], "probe": rule}
    made = jt.Wire.custom(
        4,
        sources=[2],
        gamma=[float(g) for g in GAMMA],
        onsite=[float(e) for e in EPS],
        hopping=[float(t) for t in HOP],
        reservoirs="wide" if wide else "chain",
        **where,
    )
    drive = {"mu_bar": float(MU_BAR), "delta_mu": float(BIAS), "injection": float(INJECTION)}
    state = jt.solve(made, **drive, law=jt.Exact(), kernel=kernel)
    assert int(state.status) == 0
    close(float(state.current), truth(rule, wide), 1e-12, 1.0)
