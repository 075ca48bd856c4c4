"""Wires with rules of probes to 40 digits: the exact law by Gauss panels and Newton's method (mpmath).

Dephasing probes are eliminated at each energy. With T_ll' between the others, f_l being the occupation,

    2 pi I_l = sum_l' (A_ll' - A_l'l),     A_ll' = int T_ll'(w) f_l(w) dw
             f_l = Fermi function of mu_l | n_l at all w

A_l depends on one unknown alone, and Newton's method has its derivatives at once: at T = 0 T_l(mu_l), and
for occupations int T_l dw. Panels lie in the angle of w = 2 sin (chains of hopping 1) or tan (wide bands);
each is halved until the integrals over it and over its halves agree to 32 digits, and the halves are kept.

In linear response at T = 0 f_l is y_l delta(w - mu_bar) for a lead, n_l at all w for a white probe.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import NamedTuple

from mpmath import lu_solve, matrix, mp, mpc, mpf, workdps

from support import precise, ruled_reference
from support.ruled_reference import DEPHASING, FIXED, POTENTIAL, WHITE, Ruled

DIGITS, AGREE = 45, 32  # digits at work; of the integrals over each panel
NODES = 36
FAR = 105  # of |w - mu| / T: f is 0 or 1 to 45 digits beyond

Table = list[list[mpf]]


class At(NamedTuple):
    """An energy, its weight, and the transmissions there."""

    w: mpf
    weight: mpf
    T: Table


class Found(NamedTuple):
    """Potentials or occupations y_l, as they are, and I_l / I_o; y is without meaning at other sites."""

    y: list[mpf]
    current: list[mpf]


def transmissions(ruled: Ruled, w: mpf) -> Table:
    """T_ll' without its diagonal, by the corners of `precise`: |G_lj|^2 = |G_ll|^2 a_{l+1} ... a_j."""
    chain, N = ruled.chain, ruled.chain.N
    shift, width = (precise.of_wide_band if ruled.wide else precise.OF_THE_PAPER)(w)
    square = [mpf(float(gamma)) ** 2 for gamma in chain.coupling]
    z = [mpc(w - mpf(float(e)) - g * shift, g * width / 2) for e, g in zip(chain.onsite, square, strict=True)]
    t2 = [mpf(float(t)) ** 2 for t in chain.hopping]
    right, left = [1 / z[-1]], [1 / z[0]]
    for l in range(1, N):
        right.insert(0, 1 / (z[N - 1 - l] - t2[N - 1 - l] * right[0]))
        left.append(1 / (z[l] - t2[l - 1] * left[-1]))
    T = [[mpf(0)] * N for _ in range(N)]
    for l in range(N):
        inverse = z[l] - (t2[l - 1] * left[l - 1] if l else 0) - (t2[l] * right[l + 1] if l < N - 1 else 0)
        along = square[l] * width / _size(inverse)
        for j in range(l + 1, N):
            along *= t2[j - 1] * _size(right[j])
            T[l][j] = T[j][l] = along * square[j] * width
    return T


def _size(z: mpc) -> mpf:
    return z.real**2 + z.imag**2


def without_dephasing(ruled: Ruled, T: Table) -> Table:
    """T between the others: probe after probe, T_ij + T_ip T_pj / sum_k T_pk."""
    N = ruled.chain.N
    for p in (l for l in range(N) if ruled.code[l] == DEPHASING):
        total, row = sum(T[p]), T[p]
        T = [
            [mpf(0) if i == j or p in (i, j) else T[i][j] + row[i] * row[j] / total for j in range(N)]
            for i in range(N)
        ]
    return T


@functools.cache
def _gauss() -> list[tuple[mpf, mpf]]:
    with workdps(DIGITS):
        return precise.gauss(NODES)


class Wire:
    """A wire at one temperature, its transmissions known at enough energies for potentials near `y`."""

    def __init__(self, ruled: Ruled, temperature: float, y: Sequence[float]) -> None:
        self.ruled, self.temperature, self.start = ruled, mpf(temperature), [mpf(float(v)) for v in y]
        self.sites = range(ruled.chain.N)
        self.held = [l for l in self.sites if ruled.held[l]]
        self.free = [l for l in self.sites if ruled.free[l]]
        ends = [-mp.pi / 2, mp.pi / 2]
        steps = [self.start[l] + k * FAR * self.temperature for l in self.held for k in (-1, 0, 1)]
        inside = [self._angle(w) for w in steps if ruled.wide or abs(w) < 2]
        cuts = sorted({*ends, *inside})
        self.nodes = [at for a, b in itertools.pairwise(cuts) for at in self._halved(a, b, self._on(a, b))]
        self.whole = [
            [sum(at.weight * at.T[l][j] for at in self.nodes) for j in self.sites] for l in self.sites
        ]
        self.filled = {l: self._filled(l, self.start[l])[0] for l in self.held}

    def _angle(self, w: mpf) -> mpf:
        return mp.atan(w) if self.ruled.wide else mp.asin(w / 2)

    def _on(self, a: mpf, b: mpf) -> list[At]:
        """The nodes of one panel."""
        out = []
        for x, weight in _gauss():
            theta = (a + b) / 2 + (b - a) / 2 * x
            w = mp.tan(theta) if self.ruled.wide else 2 * mp.sin(theta)
            slope = 1 + w * w if self.ruled.wide else 2 * mp.cos(theta)
            T = without_dephasing(self.ruled, transmissions(self.ruled, w))
            out.append(At(w, weight * slope * (b - a) / 2, T))
        return out

    def _halved(self, a: mpf, b: mpf, whole: list[At]) -> list[At]:
        c = (a + b) / 2
        left, right = self._on(a, c), self._on(c, b)
        apart = zip(self._integrals(whole), self._integrals(left + right), strict=True)
        if max(abs(one - other) for one, other in apart) < mpf(10) ** -AGREE:
            return left + right
        return self._halved(a, c, left) + self._halved(c, b, right)

    def _integrals(self, nodes: list[At]) -> list[mpf]:
        pairs = list(itertools.combinations(self.sites, 2))
        plain = [sum(at.weight * at.T[l][j] for at in nodes) for l, j in pairs]
        if not self.temperature:
            return plain
        f = {l: [self.fermi(at.w, self.start[l]) * at.weight for at in nodes] for l in self.held}
        return plain + [
            sum(n * at.T[l][j] for n, at in zip(f[l], nodes, strict=True)) for l in f for j in self.sites
        ]

    def fermi(self, w: mpf, mu: mpf) -> mpf:
        """The occupation of a reservoir with a potential."""
        if not self.temperature:
            return mpf(w < mu)
        return 1 / (1 + mp.exp((w - mu) / self.temperature))

    def _filled(self, l: int, mu: mpf) -> tuple[list[mpf], list[mpf]]:
        """A_lj of a potential, and dA_lj / dmu, where both are sums over the nodes."""
        A, slope = [mpf(0)] * len(self.sites), [mpf(0)] * len(self.sites)
        for at in self.nodes:
            f = self.fermi(at.w, mu)
            rate = f * (1 - f) / self.temperature if self.temperature else mpf(0)
            for j in self.sites:
                A[j] += at.weight * f * at.T[l][j]
                slope[j] += at.weight * rate * at.T[l][j]
        return A, slope

    def flow(self, l: int, y: mpf) -> tuple[list[mpf], list[mpf]]:
        """A_lj and dA_lj / dy_l of one reservoir."""
        if self.ruled.code[l] != POTENTIAL:
            return [y * total for total in self.whole[l]], self.whole[l]
        if self.temperature:
            return self._filled(l, y)
        a, b = self._angle(self.start[l]), self._angle(y)  # a step of Newton's method, a tiny panel
        beyond = self._on(a, b) if a != b else []
        moved = [sum(at.weight * at.T[l][j] for at in beyond) for j in self.sites]
        return [A + more for A, more in zip(self.filled[l], moved, strict=True)], self.row(l, y)

    def row(self, l: int, w: mpf) -> list[mpf]:
        """T_lj at one energy."""
        return without_dephasing(self.ruled, transmissions(self.ruled, w))[l]

    def currents(self, y: list[mpf]) -> tuple[list[mpf], Table]:
        """2 pi I_l, and its derivatives by y."""
        flows = [self.flow(l, y[l]) for l in self.sites]
        I = [sum(flows[l][0][j] - flows[j][0][l] for j in self.sites) for l in self.sites]
        slopes = [[-flows[k][1][l] if k != l else sum(flows[l][1]) for k in self.sites] for l in self.sites]
        return I, slopes


def balance(ruled: Ruled, mu_bar: float, delta_mu: float, injection: float, temperature: float) -> Found:
    """Newton's method from where plain matrices lead; at its end steps are below 38 digits."""
    near = ruled_reference.balance(ruled, mu_bar, delta_mu, injection, temperature)[0]
    with workdps(DIGITS):
        sites = range(ruled.chain.N)
        half = mpf(delta_mu) / 2
        near[0], near[-1] = mu_bar + delta_mu / 2, mu_bar - delta_mu / 2
        wire = Wire(ruled, temperature, near)
        y = [mpf(float(ruled.occupation[l])) if ruled.code[l] == FIXED else wire.start[l] for l in sites]
        y[0], y[-1] = mpf(mu_bar) + half, mpf(mu_bar) - half
        y = [mpf(0) if ruled.code[l] == DEPHASING else y[l] for l in sites]
        asked = [mpf(injection) * abs(mpf(delta_mu)) * mpf(float(s)) for s in ruled.chain.strength]
        for _ in range(8):
            I, slopes = wire.currents(y)
            if not wire.free:
                break
            system = matrix([[slopes[l][k] for k in wire.free] for l in wire.free])
            step = lu_solve(system, matrix([asked[l] - I[l] for l in wire.free]))
            y = [y[l] + step[wire.free.index(l)] if l in wire.free else y[l] for l in sites]
            if max(map(abs, step)) < mpf(10) ** -38:
                break
        else:
            raise AssertionError("Newton's method did not end")
        return Found(y, [i / abs(mpf(delta_mu)) for i in wire.currents(y)[0]])


def conductance(ruled: Ruled, mu_bar: float) -> mpf:
    """dI_1 / d delta_mu in e^2/h at T = 0, of a wire whose leads alone have potentials."""
    assert set(ruled.code[1:-1][ruled.chain.coupling[1:-1] > 0]) <= {DEPHASING, WHITE, FIXED}
    with workdps(DIGITS):
        N, white = ruled.chain.N, [l for l in range(ruled.chain.N) if ruled.code[l] == WHITE]
        T = without_dephasing(ruled, transmissions(ruled, mpf(mu_bar)))
        y = [mpf(1) / 2, *[mpf(0)] * (N - 2), -mpf(1) / 2]
        W = Wire(ruled, 0.0, [mu_bar] * N).whole if white else T
        n = [mpf(0)] * N
        if white:
            system = matrix([[sum(W[l]) if k == l else -W[l][k] for k in white] for l in white])
            found = lu_solve(system, matrix([T[l][0] * y[0] + T[l][-1] * y[-1] for l in white]))
            for l, value in zip(white, found, strict=True):
                n[l] = value
        return sum(T[0]) * y[0] - T[0][-1] * y[-1] - sum(W[0][l] * n[l] for l in white)
