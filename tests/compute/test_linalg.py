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
from jaxtransport.compute import linalg
from jaxtransport.models import make_task
from jaxtransport.probes.roots import real_roots
from jaxtransport.sweep.evaluator import Evaluator
from jaxtransport.sweep.plan import make_plan

rng = np.random.default_rng(5)
MATRICES = rng.normal(size=(7, 5, 5)) + 1j * rng.normal(size=(7, 5, 5))
SIDES = rng.normal(size=(7, 5, 2)) + 0j

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
    np.testing.assert_array_equal(jax.vmap(ours)(MATRICES, SIDES), jax.vmap(theirs)(MATRICES, SIDES))
    np.testing.assert_array_equal(ours(MATRICES[0], SIDES[0]), theirs(MATRICES[0], SIDES[0]))


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


def test_newton_s_solver_knows_its_transpose_and_conjugate():
    A, b = MATRICES[0], SIDES[0, :, 0]
    state = linalg.LU().init(lx.MatrixLinearOperator(jnp.asarray(A)), {})
    for change, matrix in ((linalg.LU().transpose, A.T), (linalg.LU().conj, A.conj())):
        changed, options = change(state, {})
        x, _, _ = linalg.LU().compute(changed, b, options)
        np.testing.assert_allclose(matrix @ x, b, atol=1e-14)


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
N = {100 if name == "Krylov" else 4}
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
