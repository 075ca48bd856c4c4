"""Conductance and injection response to 40 digits, by two routes.

`dense`   G = A^-1 as a matrix, then one linear system for the probes (mpmath). For N up to about 30.
`banded`  O(N), for any N (the decimal module, whose arithmetic is compiled). With the corners of the wire,

              g_l = 1 / (z_l - |t_l|^2 g_{l+1})           k_l = 1 / (z_l - |t_{l-1}|^2 k_{l-1})
              |G_lj|^2 = |G_ll|^2 a_{l+1} ... a_j  (j > l),     a_l = |t_{l-1} g_l|^2
              |G_lj|^2 = |G_ll|^2 e_{l-1} ... e_j  (j < l),     e_l = |t_l k_l|^2

          the balance of site l needs only its neighbours, with two sums as further unknowns:

              d_l = e_{l-1} (Gamma_{l-1} x_{l-1} + d_{l-1})     c_l = a_{l+1} (Gamma_{l+1} x_{l+1} + c_{l+1})
              (d_l + c_l at x = 1) x_l - d_l - c_l = 2 pi I_l / (Gamma_l |G_ll|^2)

          In the order (d_1, x_1, c_1, d_2, ...) the matrix has three diagonals on either side, and
          Gaussian elimination solves it. It subtracts freely; the spare digits pay for that.

Both take plain arrays as `reference.Chain` holds them, doubles being the exact numbers that they are,
and return g = 2 pi G and r = delta I / I_g of

    2 pi I_1 = g (x_1 - x_N) - r        for  2 pi I_l = strength_l  in between,

and the profile phi_l of x_1 = 1, x_N = 0 without injection, for which r = sum_l strength_l phi_l.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

import numpy as np
from mpmath import lu_solve, matrix, mp, mpc, mpf, sqrt, workdps

DIGITS = 60  # 40 to give, 20 for what elimination subtracts


@dataclass(frozen=True)
class Precise:
    """`scale` is sum_l |strength_l phi_l|, the size of the terms that r is the sum of."""

    g: mpf
    r: mpf
    phi: list[mpf]  # 0 on bare sites
    scale: mpf
    psi: list[mpf]  # the profile of the strengths, leads at 0


def of_chain(hopping, onsite):
    """g(w) = shift - i width / 2 at the surface of a chain: (shift, width), beyond its band without width."""

    def surface(w):
        t, x = mpf(hopping), w - mpf(onsite)
        if abs(x) < 2 * t:
            return x / (2 * t**2), sqrt(4 * t**2 - x**2) / t**2
        return (x - mp.sign(x) * sqrt(x**2 - 4 * t**2)) / (2 * t**2), mpf(0)

    return surface


def of_wide_band(w):
    """The same of a wide band."""
    return mpf(0), mpf(2)


OF_THE_PAPER = of_chain(1, 0)


def gauss(nodes: int):
    """Gauss-Legendre nodes on [-1, 1] and weights, in the digits at work."""
    out = []
    for guess in np.polynomial.legendre.leggauss(nodes)[0]:
        x = mp.findroot(lambda x: mp.legendre(nodes, x), mpf(float(guess)))
        slope = nodes * (x * mp.legendre(nodes, x) - mp.legendre(nodes - 1, x)) / (x * x - 1)
        out.append((x, 2 / ((1 - x * x) * slope**2)))
    return out


def dense(chain, w, digits: int = DIGITS, leads=OF_THE_PAPER, middle=OF_THE_PAPER) -> Precise:
    """By matrix inversion. Numbers may be doubles or mpf. `leads`, `middle`: surfaces of the reservoirs."""
    with workdps(digits):
        n, w = chain.N, _exact(w)
        onsite, hopping, coupling, strength = (
            [_exact(v) for v in values]
            for values in (chain.onsite, chain.hopping, chain.coupling, chain.strength)
        )
        surface = [(leads if l in (0, n - 1) else middle)(w) for l in range(n)]
        Gamma = [gamma**2 * width for gamma, (_, width) in zip(coupling, surface, strict=True)]
        A = matrix(n, n)
        for l in range(n):  # z_l = w - eps_l - Sigma_l (Eq. B14)
            A[l, l] = w - onsite[l] - coupling[l] ** 2 * surface[l][0] + mpc(0, 1) * Gamma[l] / 2
        for l, t in enumerate(hopping):
            A[l, l + 1], A[l + 1, l] = t, mp.conj(t)
        G = A**-1
        T = [[Gamma[i] * abs(G[i, j]) ** 2 * Gamma[j] for j in range(n)] for i in range(n)]
        middle = [l for l in range(1, n - 1) if Gamma[l] > 0]

        def profile(left, given):
            x = [mpf(0)] * n
            x[0] = left
            if middle:
                system, right = matrix(len(middle)), matrix(len(middle), 1)
                for row, l in enumerate(middle):
                    for column, m in enumerate(middle):
                        system[row, column] = -T[l][m] if m != l else sum(T[l][:l]) + sum(T[l][l + 1 :])
                    right[row] = given[l] + T[l][0] * left
                solution = lu_solve(system, right)
                for row, l in enumerate(middle):
                    x[l] = solution[row]
            return x, sum(T[0][m] * (x[0] - x[m]) for m in range(n))

        phi, g = profile(mpf(1), [mpf(0)] * n)
        psi, minus_r = profile(mpf(0), strength)
        return Precise(g, -minus_r, phi, sum(abs(s * p) for s, p in zip(strength, phi, strict=True)), psi)


def _exact(value):
    if isinstance(value, mpf):
        return value
    return mpc(complex(value)) if complex(value).imag else mpf(complex(value).real)


def banded(chain, w, digits: int = DIGITS) -> Precise:
    """By the banded system of the module's docstring, O(N). Numbers are doubles."""
    with localcontext(Context(prec=digits)):
        n, zero, one = chain.N, Decimal(0), Decimal(1)
        w, onsite = Decimal(float(w)), [Decimal(float(v)) for v in chain.onsite]
        gamma2 = [Decimal(float(v)) ** 2 for v in chain.coupling]
        strength = [Decimal(float(v)) for v in chain.strength]
        t2 = [Decimal(float(t.real)) ** 2 + Decimal(float(t.imag)) ** 2 for t in chain.hopping]
        Gamma = [square * (4 - w * w).sqrt() for square in gamma2]
        z = [(w - eps - square / 2 * w, G / 2) for eps, square, G in zip(onsite, gamma2, Gamma, strict=True)]

        right, a = _corners(z[::-1], t2[::-1])
        left, e = _corners(z, t2)
        right, a = right[::-1], a[::-1]  # right[l] is g_l; a[l] is a_{l+1}
        s = []
        for l in range(n):
            x, y = z[l]
            if l:
                x, y = x - t2[l - 1] * left[l - 1][0], y - t2[l - 1] * left[l - 1][1]
            if l < n - 1:
                x, y = x - t2[l] * right[l + 1][0], y - t2[l] * right[l + 1][1]
            s.append(1 / (x * x + y * y))
        reach = [r + m for r, m in zip(_sums(a[::-1], Gamma[::-1])[::-1], _sums(e, Gamma), strict=True)]

        # Rows hold columns -3 ... 3 around the diagonal, then two right-hand sides: bias, injection.
        rows = []
        for l in range(n):
            e_l, Gamma_l = (e[l - 1], Gamma[l - 1]) if l else (zero, zero)
            rows.append([-e_l, -e_l * Gamma_l, zero, one, zero, zero, zero, zero, zero])
            if 0 < l < n - 1 and Gamma[l] > 0:
                source = strength[l] / (Gamma[l] * s[l])
                rows.append([zero, zero, -one, reach[l], -one, zero, zero, zero, source])
            else:  # a lead, or a bare site, whose x = 0 counts for nothing
                rows.append([zero, zero, zero, one, zero, zero, zero, one if l == 0 else zero, zero])
            a_l, Gamma_l = (a[l], Gamma[l + 1]) if l < n - 1 else (zero, zero)
            rows.append([zero, zero, zero, one, zero, -a_l * Gamma_l, -a_l, zero, zero])
        bias, injection = _solve_banded(rows)
        phi, psi = ([found[3 * l + 1] for l in range(n)] for found in (bias, injection))
        first = Gamma[0] * s[0]
        scale = sum(abs(i * p) for i, p in zip(strength, phi, strict=True))
        numbers = (first * (reach[0] - bias[2]), first * injection[2], phi, scale, psi)
    with workdps(digits):
        g, r, phi, scale, psi = (
            mpf(str(v)) if isinstance(v, Decimal) else [mpf(str(x)) for x in v] for v in numbers
        )
    return Precise(g, r, phi, mpf(scale), psi)


def _corners(z, t2):
    """Corners k_l as (Re, Im), and e_l = t_l^2 |k_l|^2, from one end to the other."""
    corners, ratios, x, y = [], [], Decimal(0), Decimal(0)
    for l, (re, im) in enumerate(z):
        if l:
            re, im = re - t2[l - 1] * x, im - t2[l - 1] * y
        size = re * re + im * im
        x, y = re / size, -im / size
        corners.append((x, y))
        if l < len(t2):
            ratios.append(t2[l] / size)
    return corners, ratios


def _sums(e, Gamma) -> list:
    """d_l at x = 1 everywhere: the reach of site l to all reservoirs before it."""
    d = [Decimal(0)]
    for ratio, here in zip(e, Gamma, strict=False):
        d.append(ratio * (here + d[-1]))
    return d


def _solve_banded(rows: list) -> tuple[list, list]:
    """Gaussian elimination without pivoting: no diagonal entry is small against its row."""
    n = len(rows)
    for p in range(n):
        pivot = rows[p]
        for below in range(1, min(4, n - p)):
            row = rows[p + below]
            if row[3 - below]:
                factor = row[3 - below] / pivot[3]
                for k in (1, 2, 3):
                    if pivot[3 + k]:
                        row[3 - below + k] -= factor * pivot[3 + k]
                for k in (7, 8):
                    if pivot[k]:
                        row[k] -= factor * pivot[k]
    solutions = []
    for side in (7, 8):
        x = [Decimal(0)] * n
        for p in reversed(range(n)):
            value = rows[p][side]
            for k in range(1, min(4, n - p)):
                if rows[p][3 + k]:
                    value -= rows[p][3 + k] * x[p + k]
            x[p] = value / rows[p][3]
        solutions.append(x)
    return tuple(solutions)
