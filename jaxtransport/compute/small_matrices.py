"""Gaussian elimination of many small matrices at once: the batch innermost, every step one array operation.

    P A = L U,     A x = b

with the largest entry of a column as pivot, as in LAPACK, which takes longer to call than a small matrix
takes to eliminate. Arrays have the batch as last axis: A of shape (n, n, batch), b of shape (n, m, batch).
Steps are masked, not cut to the part that changes, so that one step is compiled for all.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Inexact, Int

LARGEST = 12  # n: beyond, LAPACK is faster


def factors(A: Inexact[Array, "n n batch"]) -> tuple[Inexact[Array, "n n batch"], Int[Array, "n batch"]]:
    """L below the diagonal and U from it on, and the row of A that each row comes from."""
    n = A.shape[0]
    row = jnp.arange(n)[:, None]
    column = row[None]

    def step(k: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        A, order = state
        size = jnp.abs(A[:, k].real) + jnp.abs(A[:, k].imag)  # as LAPACK does
        pivot = row == jnp.argmax(jnp.where(row < k, -1.0, size), axis=0)
        A, order = _swapped(A, k, pivot[:, None]), _swapped(order, k, pivot)
        below, right = row[:, None] > k, column > k
        share = A[:, k, None] / A[k, k]
        rest = A - jnp.where(below & right, share * A[k], 0)
        return jnp.where(below & (column == k), share, rest), order

    order = jnp.broadcast_to(row.astype(jnp.int32), (n, A.shape[-1]))  # int32 as LAPACK's
    return lax.fori_loop(0, n - 1, step, (A, order))


def _swapped(rows: Array, k: Array, pivot: Array) -> Array:
    """`rows` with row k and the one where `pivot` is True exchanged."""
    new = jnp.sum(jnp.where(pivot, rows, 0), axis=0, dtype=rows.dtype)
    index = jnp.arange(rows.shape[0]).reshape(-1, *[1] * (rows.ndim - 1))
    return jnp.where(index == k, new, jnp.where(pivot, rows[k], rows))


def substituted(
    lu: Inexact[Array, "n n batch"], b: Inexact[Array, "n m batch"]
) -> Inexact[Array, "n m batch"]:
    """U^-1 L^-1 b."""
    row = jnp.arange(lu.shape[0])[:, None, None]

    def onward(k: Array, b: Array) -> Array:
        return b - jnp.where(row > k, lu[:, k, None] * b[k], 0)

    def back(step: Array, b: Array) -> Array:
        k = lu.shape[0] - 1 - step
        x = b[k] / lu[k, k]
        return jnp.where(row == k, x, b - jnp.where(row < k, lu[:, k, None] * x, 0))

    n = lu.shape[0]
    return lax.fori_loop(0, n, back, lax.fori_loop(0, n - 1, onward, b))


def substituted_transposed(
    lu: Inexact[Array, "n n batch"], b: Inexact[Array, "n m batch"]
) -> Inexact[Array, "n m batch"]:
    """L^-T U^-T b."""
    row = jnp.arange(lu.shape[0])[:, None, None]

    def onward(k: Array, b: Array) -> Array:
        x = b[k] / lu[k, k]
        return jnp.where(row == k, x, b - jnp.where(row > k, lu[k, :, None] * x, 0))

    def back(step: Array, b: Array) -> Array:
        k = lu.shape[0] - 1 - step
        return b - jnp.where(row < k, lu[k, :, None] * b[k], 0)

    n = lu.shape[0]
    return lax.fori_loop(0, n - 1, back, lax.fori_loop(0, n, onward, b))
