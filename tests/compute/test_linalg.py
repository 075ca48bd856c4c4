"""Linear algebra that never waits for a thread: the numbers of `jnp.linalg`, one matrix after the other."""

import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import pytest

import jaxtransport
from jaxtransport import models
from jaxtransport.compute import linalg, small_matrices
from jaxtransport.models import make_task
from jaxtransport.probes.roots import real_roots
from jaxtransport.sweep.evaluator import Evaluator
from jaxtransport.sweep.plan import make_plan

rng = np.random.default_rng(5)
MATRICES = rng.normal(size=(7, 5, 5)) + 1j * rng.normal(size=(7, 5, 5))
SIDES = rng.normal(size=(7, 5, 2)) + 0j
LARGE = rng.normal(size=(3, 13, 13)) + 1j * rng.normal(size=(3, 13, 13))  # for LAPACK
LARGE_SIDES = rng.normal(size=(3, 13, 2)) + 0j

PAIRS = {
    "solve one": (lambda A, b: linalg.solve(A, b[:, 0]), lambda A, b: jnp.linalg.solve(A, b[:, 0])),
    "solve two": (linalg.solve, jnp.linalg.solve),
    "inverse": (lambda A, b: linalg.inverse(A), lambda A, b: jnp.linalg.inv(A)),
    "solve mixed": (lambda A, b: linalg.solve(A, b.real), lambda A, b: jnp.linalg.solve(A, b.real)),
    "determinant": (lambda A, b: linalg.determinant(A), lambda A, b: jnp.linalg.det(A)),
    "roots": (lambda A, b: linalg.roots(A[0]), lambda A, b: jnp.roots(A[0], strip_zeros=False)),
}


@pytest.mark.parametrize(("ours", "theirs"), PAIRS.values(), ids=PAIRS)
def test_a_batch_has_the_values_of_jax(ours, theirs):
    assert LARGE.shape[-1] > small_matrices.LARGEST
    np.testing.assert_array_equal(jax.vmap(ours)(LARGE, LARGE_SIDES), jax.vmap(theirs)(LARGE, LARGE_SIDES))
    np.testing.assert_array_equal(ours(MATRICES[0], SIDES[0]), theirs(MATRICES[0], SIDES[0]))


@pytest.mark.parametrize("name", ["solve one", "solve two", "inverse", "solve mixed"])
def test_small_matrices_are_eliminated_together(name):
    """As by LAPACK, to roundings times the condition of each matrix, in a batch of batches as well."""
    ours, theirs = PAIRS[name]
    off = jax.vmap(ours)(MATRICES, SIDES) - jax.vmap(theirs)(MATRICES, SIDES)
    size = np.abs(jax.vmap(theirs)(MATRICES, SIDES)).reshape(7, -1).max(1)
    assert np.all(np.abs(off).reshape(7, -1).max(1) <= 4e-16 * np.linalg.cond(MATRICES) * size)
    twice = jax.vmap(jax.vmap(ours))(MATRICES[:6].reshape(2, 3, 5, 5), SIDES[:6].reshape(2, 3, 5, 2))
    np.testing.assert_allclose(twice.reshape(6, -1), jax.vmap(ours)(MATRICES[:6], SIDES[:6]).reshape(6, -1))
    one_for_all = jax.vmap(ours, (None, 0))(MATRICES[0], SIDES)
    same = jax.vmap(ours)(np.broadcast_to(MATRICES[0], MATRICES.shape), SIDES)
    np.testing.assert_allclose(one_for_all, same, rtol=1e-13)  # factorised by LAPACK, as it is but one


@pytest.mark.parametrize("n", [1, 2, 3, 8, small_matrices.LARGEST])
def test_elimination_of_small_matrices(n):
    """P A = L U with |L| <= 1, and both ways of substituting, on matrices with zeros on their diagonals."""
    A = np.random.default_rng(n).normal(size=(20, n, n))
    if n > 1:
        A[:, 0, 0] = 0.0
    lu, order = small_matrices.factors(jnp.moveaxis(jnp.asarray(A), 0, -1))
    b = jnp.asarray(np.random.default_rng(n + 1).normal(size=(n, 2, 20)))
    x, y = small_matrices.substituted(lu, b), small_matrices.substituted_transposed(lu, b)
    lu, order = np.asarray(lu), np.asarray(order)
    for k in range(20):
        L, U = np.tril(lu[..., k], -1) + np.eye(n), np.triu(lu[..., k])
        assert np.all(np.abs(L) <= 1)
        np.testing.assert_allclose(L @ U, A[k][order[:, k]], rtol=0, atol=1e-14)
        close = {"rtol": 0, "atol": 1e-15 * np.linalg.cond(A[k]) * n}
        np.testing.assert_allclose(U @ x[..., k], np.linalg.solve(L, b[..., k]), rtol=0, atol=1e-12)
        np.testing.assert_allclose((L @ U).T @ y[..., k], b[..., k], **close)


def test_a_singular_matrix_among_others_hurts_none():
    A = MATRICES.copy()
    A[3] = 0.0
    found, alone = (jax.vmap(linalg.solve)(jnp.asarray(m), SIDES) for m in (A, MATRICES))
    others = np.arange(7) != 3
    np.testing.assert_array_equal(found[others], alone[others])
    assert not np.all(np.isfinite(found[3]))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["solve one", "solve two", "inverse"])
def test_derivatives_are_those_of_jax(name):
    """1e-12 of the largest: sums of products in another order."""

    def loss(function):
        mapped = jax.vmap(function)
        return lambda A, b: jnp.sum(jnp.abs(mapped(A + 0j, b + 0j)) ** 2)

    given = MATRICES.real, SIDES.real
    for derivative in (jax.grad, jax.hessian):
        for argument in (0, 1):
            found, asked = (derivative(loss(function), argument)(*given) for function in PAIRS[name])
            np.testing.assert_allclose(found, asked, rtol=0, atol=1e-12 * (1 + np.abs(asked).max()))


def test_krylov_s_solver_meets_what_is_met_at_once():
    """Zeros, and a right-hand side that the first step or its first half solves: no 0 / 0."""
    solver = linalg.BiCGStab(rtol=1e-10, atol=1e-14, max_steps=200)
    near = jnp.asarray(np.eye(5) + 0.1 * MATRICES[0].real)
    for matrix in (jnp.eye(5), near):
        operator = lx.MatrixLinearOperator(matrix)
        for b in (jnp.zeros(5), jnp.ones(5), jnp.asarray(SIDES[0, :, 0].real)):
            for system, full in ((operator, matrix), (operator.T, matrix.T)):
                solution = lx.linear_solve(system, b, solver)
                np.testing.assert_allclose(full @ solution.value, b, atol=1e-9)


def test_krylov_s_solver_says_when_it_fails():
    operator = lx.MatrixLinearOperator(jnp.asarray(MATRICES[0].real))
    solver = linalg.BiCGStab(rtol=1e-10, atol=1e-14, max_steps=1)
    solution = lx.linear_solve(operator, jnp.ones(5), solver, throw=False)
    assert solution.result == lx.RESULTS.breakdown


@pytest.mark.slow
def test_all_roots_have_the_derivative_of_a_balance():
    """1e-8: a central difference with a step of 1e-5."""
    wire = jaxtransport.Wire.pair(4, gamma=0.5)
    source = jax.jit(lambda injected: real_roots(wire, 0.3, 0.1, injected, (1, 2))[0, 0])
    slope = (source(0.02 + 1e-5) - source(0.02 - 1e-5)) / 2e-5
    assert slope > 0.1  # a source that has to inject more rises
    np.testing.assert_allclose(jax.jit(jax.grad(source))(0.02), slope, rtol=1e-8)


@pytest.mark.slow
def test_independent_batches_do_not_wait_for_each_other():
    """Six at once, of matrices so large that jaxlib 0.10 shares them among two threads: six threads wait."""
    code = """
import jax, jax.numpy as jnp, numpy as np
jax.config.update("jax_enable_x64", True)
from jaxtransport.compute import linalg
A = jnp.asarray(np.random.default_rng(0).normal(size=(16, 30, 30)))
six = jax.jit(jax.vmap(lambda A: sum(linalg.solve(A + i * jnp.eye(30), A[:, :1]) for i in range(6))))
for _ in range(300):
    out = six(A)
out.block_until_ready()
"""
    environment = {**os.environ, "NPROC": "2", "PYTHONPATH": str(Path(jaxtransport.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr


def test_lapack_is_called_from_one_place():
    package = Path(jaxtransport.__file__).parent
    elsewhere = re.compile(r"jnp\.(linalg|roots|fft)|jax\.scipy|lax\.linalg|lx\.(LU|QR|SVD|GMRES|Cholesky)")
    for path in package.rglob("*.py"):
        if path.name != "linalg.py":
            assert not elsewhere.search(path.read_text(encoding="utf-8")), path


SWEEPS = {
    "exact": 'law = "exact"',
    "dense": 'law = "exact"\nkernel = "dense"',
    "linear, dense": 'kernel = "dense"',
    "Krylov": 'law = "exact"',
    "series, all roots": 'law = "series"',
}


SITES = {"Krylov": 100, "linear, dense": 14}  # 14: smaller matrices need no LAPACK


@pytest.mark.slow
@pytest.mark.parametrize("name", SWEEPS)
def test_no_sweep_hands_lapack_a_batch(name):
    """Nor does it take a Fourier transform, which waits for threads in the same way."""
    variables = '"roots_forward", "roots_reverse"' if name.endswith("roots") else '"nonreciprocity"'
    spec = models.parse(
        f"""
output.variables = [{variables}]
drive.delta_mu = 0.1
[wire]
layout = "dimers"
N = {SITES.get(name, 4)}
[solve]
{SWEEPS[name]}
[grid]
gamma = [0.5, 0.7]
mu_bar = [0.3, 0.4]
injection = [0.1, 0.2]
""",
        "a test",
    )
    found = calls(spec)
    assert found or name == "Krylov"
    for called, operands in found:
        assert all(shape.count("x") <= 2 for shape in operands), f"{called} of {operands}"


def calls(spec):
    """LAPACK's routines that the programs of a sweep call, with the shapes of operands, such as 4x4x."""
    task = make_task(spec)
    evaluator = Evaluator(task, make_plan(task))
    size = task.size
    point = {axis.name: jnp.zeros((1, 8)) for axis in task.grid.solve_axes.axes} | {"_": jnp.zeros((1, 8))}
    free = {axis.name: jnp.zeros(2) for axis in task.grid.free_axes.axes} | {"_": jnp.zeros(2)}
    found = []
    for program in (evaluator._compiled, *evaluator._retries):
        text = program.lower(point, 1, free, task.shared(size)).as_text()
        assert "fft" not in text
        for routine, operands in re.findall(r"@(lapack_\w+)\(.*} : \((.*)\) ->", text):
            found.append((routine, re.findall(r"tensor<((?:\d+x)*)", operands)))
    return found
