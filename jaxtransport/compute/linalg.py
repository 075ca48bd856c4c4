"""Batched LU and roots of polynomials without the LAPACK/XLA thread deadlock.

    A x = b,     A^-1,     det A,     the roots of a polynomial

LAPACK, as jaxlib before version 0.11.1 calls it, shares the matrices of a batch among XLA's threads and waits
for them on one of these threads: if all of them wait, it deadlocks. So on CPUs `jax.vmap`, also a user's,
maps these functions in a loop, which takes about as long. GPUs get a batch as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import equinox as eqx
import jax.numpy as jnp
import jax.scipy as jsp
import jax.scipy.sparse.linalg as krylov
import lineax as lx
from jax import lax
from jax.custom_batching import sequential_vmap
from jaxtyping import Array, Inexact, Int


def one_by_one(function: Callable) -> Callable:
    """`function` of arrays, mapped by `jax.vmap` in a loop where the arrays are on a CPU.

    Without derivatives, as are `determinant` and `roots`.
    """
    in_turn = sequential_vmap(function)
    return lambda *arrays: lax.platform_dependent(*arrays, cpu=in_turn, default=function)


def _substituted(lu: Array, b: Array) -> Array:
    return jsp.linalg.solve_triangular(lu, jsp.linalg.solve_triangular(lu, b, lower=True, unit_diagonal=True))


def _substituted_transposed(lu: Array, b: Array) -> Array:
    return jsp.linalg.solve_triangular(
        lu, jsp.linalg.solve_triangular(lu, b, trans=1), trans=1, lower=True, unit_diagonal=True
    )


_lu_factor = one_by_one(lambda A: jsp.linalg.lu_factor(A))
_substitute = one_by_one(_substituted)
_substitute_transposed = one_by_one(_substituted_transposed)
determinant = one_by_one(lambda A: jnp.linalg.det(A))
roots = one_by_one(lambda coefficients: jnp.roots(coefficients, strip_zeros=False))  # highest power first


class Factors(eqx.Module):
    """A[order] = L U, or the transpose of such an A."""

    lu: Inexact[Array, "n n"]
    order: Int[Array, " n"]
    transposed: bool = eqx.field(static=True, default=False)

    @classmethod
    def of(cls, A: Inexact[Array, "n n"]) -> Factors:
        lu, pivots = _lu_factor(A)
        return cls(lu, lax.linalg.lu_pivots_to_permutation(pivots, A.shape[0]))  # cheap outside the loop

    def solve(self, b: Inexact[Array, "n ..."]) -> Inexact[Array, "n ..."]:
        if self.transposed:
            return _substitute_transposed(self.lu, b)[jnp.argsort(self.order)]
        return _substitute(self.lu, b[self.order])

    def transpose(self) -> Factors:
        return replace(self, transposed=not self.transposed)

    def conj(self) -> Factors:
        return replace(self, lu=self.lu.conj())


def solve(A: Inexact[Array, "n n"], b: Inexact[Array, "n ..."]) -> Inexact[Array, "n ..."]:
    """x of A x = b, for one right-hand side or for several as columns; without meaning if A is singular."""
    b = b.astype(jnp.result_type(A, b))
    factors = Factors.of(lax.stop_gradient(A))
    return lax.custom_linear_solve(
        lambda x: A @ x,
        b,
        solve=lambda _, b: factors.solve(b),
        transpose_solve=lambda _, b: factors.transpose().solve(b),
    )


def inverse(A: Inexact[Array, "n n"]) -> Inexact[Array, "n n"]:
    """A^-1; without meaning if A is singular."""
    return solve(A, jnp.eye(A.shape[0], dtype=A.dtype))


class LU(lx.AbstractLinearSolver):
    """As `lineax.LU`, for operators that take one vector to one vector."""

    def init(self, operator, options):
        return Factors.of(operator.as_matrix())

    def compute(self, state, vector, options):
        return state.solve(vector), lx.RESULTS.successful, {}

    def transpose(self, state, options):
        return state.transpose(), {}

    def conj(self, state, options):
        return state.conj(), {}

    def assume_full_rank(self):
        return True


class BiCGStab(lx.AbstractLinearSolver):
    """JAX's own, for lineax: unlike `lineax.BiCGStab` it gives 0 for b = 0, and it may meet x exactly.

    `lineax.GMRES` is no choice: its QR is LAPACK.
    """

    rtol: float
    atol: float
    max_steps: int

    def init(self, operator, options):
        return lx.linearise(operator)

    def compute(self, state, vector, options):
        x, _ = krylov.bicgstab(state.mv, vector, tol=self.rtol, atol=self.atol, maxiter=self.max_steps)
        # The residual that it goes on with drifts from the true one by rounding: two digits are allowed for.
        met = jnp.linalg.norm(state.mv(x) - vector) <= 100 * (self.rtol * jnp.linalg.norm(vector) + self.atol)
        return x, lx.RESULTS.where(met, lx.RESULTS.successful, lx.RESULTS.breakdown), {}

    def transpose(self, state, options):
        return state.transpose(), {}

    def conj(self, state, options):
        return lx.conj(state), {}

    def assume_full_rank(self):
        return True
