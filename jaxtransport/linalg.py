"""Linear algebra of small matrices, in which no thread waits for another.

    A x = b,     A^-1,     det A,     the roots of a polynomial

LAPACK, as jaxlib before version 0.12 calls it, shares the matrices of a batch among XLA's threads and waits
for them on one of these threads: where all of them wait, for ever. So on CPUs `jax.vmap`, a user's own too,
maps these functions in a loop, which takes as long. GPUs get a batch as it is.
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import jax.scipy as jsp
import lineax as lx
from jax import lax
from jax.custom_batching import sequential_vmap
from jaxtyping import Array, Inexact


def one_by_one(function: Callable) -> Callable:
    """`function` of arrays, mapped by `jax.vmap` in a loop where the arrays are on a CPU.

    Without a reverse derivative, as is everything here but `solve`, `inverse` and `LU`.
    """
    in_turn = sequential_vmap(function)
    return lambda *arrays: lax.platform_dependent(*arrays, cpu=in_turn, default=function)


factors = one_by_one(lambda A: jsp.linalg.lu_factor(A))
_solve = one_by_one(lambda lu, pivots, b: jsp.linalg.lu_solve((lu, pivots), b))
_solve_transposed = one_by_one(lambda lu, pivots, b: jsp.linalg.lu_solve((lu, pivots), b, trans=1))
determinant = one_by_one(lambda A: jnp.linalg.det(A))
roots = one_by_one(lambda coefficients: jnp.roots(coefficients, strip_zeros=False))  # highest power first


def solve(A: Inexact[Array, "n n"], b: Inexact[Array, "n ..."]) -> Inexact[Array, "n ..."]:
    """x of A x = b, for one right-hand side or for several as columns. Not finite where A is singular."""
    lu = factors(lax.stop_gradient(A))
    return lax.custom_linear_solve(
        lambda x: A @ x, b, lambda _, b: _solve(*lu, b), lambda _, b: _solve_transposed(*lu, b)
    )


def inverse(A: Inexact[Array, "n n"]) -> Inexact[Array, "n n"]:
    """A^-1. Not finite where A is singular."""
    return solve(A, jnp.eye(A.shape[0], dtype=A.dtype))


class LU(lx.AbstractLinearSolver):
    """As `lineax.LU`, for operators that take one vector to one vector."""

    def init(self, operator, options):
        A = operator.as_matrix()
        return A, factors(A)

    def compute(self, state, vector, options):
        _, lu = state
        return _solve(*lu, vector), lx.RESULTS.successful, {}

    def transpose(self, state, options):
        A, _ = state
        return (A.T, factors(A.T)), {}

    def conj(self, state, options):
        A, (lu, pivots) = state
        return (A.conj(), (lu.conj(), pivots)), {}

    def assume_full_rank(self):
        return True
