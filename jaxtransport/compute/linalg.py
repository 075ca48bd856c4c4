"""Batched LU and roots of polynomials without the LAPACK/XLA thread deadlock.

    A x = b,     A^-1,     det A,     the roots of a polynomial

LAPACK, as jaxlib before version 0.11.1 calls it, shares the matrices of a batch among XLA's threads and waits
for them on one of these threads: if all of them wait, it deadlocks. So on CPUs `jax.vmap`, also a user's,
maps these functions in a loop, which takes about as long; small matrices are eliminated all at once
(`compute.small_matrices`). GPUs get a batch as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.scipy as jsp
import jax.scipy.sparse.linalg as krylov
import lineax as lx
from jax import lax
from jax.custom_batching import custom_vmap, sequential_vmap
from jaxtyping import Array, Inexact, Int

from jaxtransport.compute import small_matrices


def one_by_one(function: Callable) -> Callable:
    """`function` of arrays, mapped by `jax.vmap` in a loop where the arrays are on a CPU.

    Without derivatives, as are `determinant` and `roots`.
    """
    in_turn = sequential_vmap(function)
    return lambda *arrays: lax.platform_dependent(*arrays, cpu=in_turn, default=function)


def together(function: Callable, small: Callable) -> Callable:
    """The same, except that matrices of few rows are handed to `small` all at once, the batch innermost."""
    in_turn = one_by_one(function)
    at_once = custom_vmap(function)

    @at_once.def_vmap
    def _(count: int, batched: Any, *arrays: Array) -> tuple[Any, Any]:
        whole = [
            jnp.moveaxis(array, 0, -1) if here else jnp.broadcast_to(array[..., None], (*array.shape, count))
            for array, here in zip(arrays, batched, strict=True)
        ]
        out = jax.tree.map(lambda array: jnp.moveaxis(array, -1, 0), small(*whole))
        return out, jax.tree.map(lambda _: True, out)

    def by_size(*arrays: Array) -> Any:
        if arrays[0].shape[-1] > small_matrices.LARGEST:
            return in_turn(*arrays)
        return lax.platform_dependent(*arrays, cpu=at_once, default=function)

    return by_size


def _factored(A: Array) -> tuple[Array, Array]:
    lu, _, order = lax.linalg.lu(A)
    return lu, order


def _substituted(lu: Array, b: Array) -> Array:
    return jsp.linalg.solve_triangular(lu, jsp.linalg.solve_triangular(lu, b, lower=True, unit_diagonal=True))


def _substituted_transposed(lu: Array, b: Array) -> Array:
    return jsp.linalg.solve_triangular(
        lu, jsp.linalg.solve_triangular(lu, b, trans=1), trans=1, lower=True, unit_diagonal=True
    )


_factor = together(_factored, small_matrices.factors)
_substitute = together(_substituted, small_matrices.substituted)
_substitute_transposed = together(_substituted_transposed, small_matrices.substituted_transposed)
determinant = one_by_one(lambda A: jnp.linalg.det(A))
roots = one_by_one(lambda coefficients: jnp.roots(coefficients, strip_zeros=False))  # highest power first


class Factors(eqx.Module):
    """A[order] = L U, or the transpose of such an A."""

    lu: Inexact[Array, "n n"]
    order: Int[Array, " n"]
    transposed: bool = eqx.field(static=True, default=False)

    @classmethod
    def of(cls, A: Inexact[Array, "n n"]) -> Factors:
        return cls(*_factor(A))

    def solve(self, b: Inexact[Array, "n ..."]) -> Inexact[Array, "n ..."]:
        columns = b[:, None] if b.ndim == 1 else b
        if self.transposed:
            return _substitute_transposed(self.lu, columns)[jnp.argsort(self.order)].reshape(b.shape)
        return _substitute(self.lu, columns[self.order]).reshape(b.shape)

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
