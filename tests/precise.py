"""Conductance and injection response to 40 digits, by two routes (mpmath).

`dense`   G = A^-1 as a matrix, then one linear system for the probes. For N up to about 30.
`banded`  O(N), for any N. With the corners of the wire,

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

from mpmath import lu_solve, matrix, mp, mpc, mpf, sqrt, workdps

DIGITS = 60  # 40 to give, 20 for what elimination subtracts


@dataclass(frozen=True)
class Precise:
    """`scale` is sum_l |strength_l phi_l|, the size of the terms that r is the sum of."""

    g: mpf
    r: mpf
    phi: list  # 0 on bare sites
    scale: mpf


@dataclass(frozen=True)
class _Numbers:
    onsite: list
    hopping: list
    coupling: list
    strength: list
    w: mpf

    @classmethod
    def of(cls, chain, w) -> _Numbers:
        def exact(value):
            if isinstance(value, mpf):
                return value
            return mpc(complex(value)) if complex(value).imag else mpf(complex(value).real)

        lists = (chain.onsite, chain.hopping, chain.coupling, chain.strength)
        return cls(*([exact(v) for v in values] for values in lists), exact(w))

    def broadening(self) -> list:
        root = sqrt(4 - self.w**2)
        return [gamma**2 * root for gamma in self.coupling]

    def denominators(self) -> list:
        """z_l = w - eps_l - Sigma_l (Eq. B14)."""
        surface = (self.w - mpc(0, 1) * sqrt(4 - self.w**2)) / 2
        return [
            self.w - eps - gamma**2 * surface for eps, gamma in zip(self.onsite, self.coupling, strict=True)
        ]


def _packed(g, r, phi, strength) -> Precise:
    return Precise(g, r, phi, sum(abs(s * p) for s, p in zip(strength, phi, strict=True)))


def dense(chain, w, digits: int = DIGITS) -> Precise:
    """By matrix inversion."""
    with workdps(digits):
        p = _Numbers.of(chain, w)
        n, Gamma, z = chain.N, p.broadening(), p.denominators()
        A = matrix(n, n)
        for l in range(n):
            A[l, l] = z[l]
        for l, t in enumerate(p.hopping):
            A[l, l + 1], A[l + 1, l] = t, mp.conj(t)
        G = A**-1
        T = [[Gamma[i] * abs(G[i, j]) ** 2 * Gamma[j] for j in range(n)] for i in range(n)]
        middle = [l for l in range(1, n - 1) if Gamma[l] > 0]

        def profile(left, strength):
            x = [mpf(0)] * n
            x[0] = left
            if middle:
                system, right = matrix(len(middle)), matrix(len(middle), 1)
                for row, l in enumerate(middle):
                    for column, m in enumerate(middle):
                        system[row, column] = -T[l][m] if m != l else sum(T[l][:l]) + sum(T[l][l + 1 :])
                    right[row] = strength[l] + T[l][0] * left
                solution = lu_solve(system, right)
                for row, l in enumerate(middle):
                    x[l] = solution[row]
            return x, sum(T[0][m] * (x[0] - x[m]) for m in range(n))

        phi, g = profile(mpf(1), [mpf(0)] * n)
        _, minus_r = profile(mpf(0), p.strength)
        return _packed(g, -minus_r, phi, p.strength)


def banded(chain, w, digits: int = DIGITS) -> Precise:
    """By the banded system of the module's docstring, O(N)."""
    with workdps(digits):
        p = _Numbers.of(chain, w)
        n, Gamma, z = chain.N, p.broadening(), p.denominators()
        t2 = [abs(t) ** 2 for t in p.hopping]
        right_corner, left_corner = [mpc(0)] * (n + 1), [mpc(0)] * (n + 1)  # g_{l+1} and k_{l-1} at l
        a, e = [mpf(0)] * n, [mpf(0)] * n
        for l in reversed(range(n)):
            g = 1 / (z[l] - (t2[l] * right_corner[l + 1] if l < n - 1 else 0))
            a[l] = t2[l - 1] * _square(g) if l else mpf(0)
            right_corner[l] = g
        for l in range(n):
            k = 1 / (z[l] - (t2[l - 1] * left_corner[l] if l else 0))
            e[l] = t2[l] * _square(k) if l < n - 1 else mpf(0)
            left_corner[l + 1] = k
        reach = _sums(a, e, Gamma)
        s = []
        for l in range(n):
            inverse = z[l]
            if l:
                inverse -= t2[l - 1] * left_corner[l]
            if l < n - 1:
                inverse -= t2[l] * right_corner[l + 1]
            s.append(1 / _square(inverse))

        # Rows hold columns -3 ... 3 around the diagonal, then two right-hand sides: bias, injection.
        zero, one = mpf(0), mpf(1)
        rows = []
        for l in range(n):
            e_l, Gamma_l = (e[l - 1], Gamma[l - 1]) if l else (zero, zero)
            rows.append([-e_l, -e_l * Gamma_l, zero, one, zero, zero, zero, zero, zero])
            if 0 < l < n - 1 and Gamma[l] > 0:
                source = p.strength[l] / (Gamma[l] * s[l])
                rows.append([zero, zero, -one, reach[l], -one, zero, zero, zero, source])
            else:  # a lead, or a bare site, whose x = 0 counts for nothing
                rows.append([zero, zero, zero, one, zero, zero, zero, one if l == 0 else zero, zero])
            a_l, Gamma_l = (a[l + 1], Gamma[l + 1]) if l < n - 1 else (zero, zero)
            rows.append([zero, zero, zero, one, zero, -a_l * Gamma_l, -a_l, zero, zero])
        bias, injection = _solve_banded(rows)
        phi = [bias[3 * l + 1] for l in range(n)]
        first = Gamma[0] * s[0]
        return _packed(first * (reach[0] - bias[2]), first * injection[2], phi, p.strength)


def _square(value: mpc) -> mpf:
    return value.real**2 + value.imag**2


def _sums(a, e, Gamma) -> list:
    """d_l + c_l at x = 1 everywhere: the reach of site l to all other reservoirs."""
    n = len(Gamma)
    total, c, d = [mpf(0)] * n, mpf(0), mpf(0)
    for l in range(n - 1, -1, -1):
        c = a[l + 1] * (Gamma[l + 1] + c) if l < n - 1 else c
        total[l] += c
    for l in range(1, n):
        d = e[l - 1] * (Gamma[l - 1] + d)
        total[l] += d
    return total


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
        x = [mpf(0)] * n
        for p in reversed(range(n)):
            value = rows[p][side]
            for k in range(1, min(4, n - p)):
                if rows[p][3 + k]:
                    value -= rows[p][3 + k] * x[p + k]
            x[p] = value / rows[p][3]
        solutions.append(x)
    return tuple(solutions)
