"""Who takes part in `benchmark.py`: g and Delta I of dimer wires at many mu_bar and gamma.

Each is a function of arrays (mu_bar, gamma) that returns (conductance, Delta I in I_o); one core each.
"""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import solve, solve_banded

from jaxtransport import models
from jaxtransport.compute import xla
from jaxtransport.models.quantum.task import make_task
from jaxtransport.sweep.evaluator import batch_by_batch
from jaxtransport.sweep.plan import make_plan

DELTA_MU, INJECTION = 0.1, 0.05
LEADS = ("conductance", "nonreciprocity")
PROFILE = (*LEADS, "potential_forward", "potential_reverse", "heat_forward", "heat_reverse", "residual")
DEFAULT = (*LEADS, "injection_response", "current_forward", "current_reverse", "right_current_forward",
           "right_current_reverse", "relative_nonreciprocity", "residual", "outside_band")  # fmt: skip
WIDTH, KEPT = 32, 20  # of limit.c: points together, and numbers kept for a site and point
Batch = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

SPEC = """
output.variables = {names}
[wire]
layout = "dimers"
N = {N}
[drive]
delta_mu = {delta_mu}
injection = {injection}
[solve]
kernel = "{kernel}"
[grid]
gamma = {{ start = 0.1, stop = 0.9, num = 1000 }}
mu_bar = {{ start = -1.9, stop = 1.9, num = 1000 }}
"""


def delta_I(g, r):
    return np.abs(-g - INJECTION * r) - np.abs(g - INJECTION * r)


class Package(NamedTuple):
    """The package, as a sweep uses it."""

    batch: Batch
    everything: Callable[..., dict]  # of the points of one call, shape (rows, points, 1, ...)
    points: int  # of one call
    compiling: float  # seconds
    kept: float  # bytes a site and point, while a batch is computed


def package(N: int, kernel: str, names: tuple[str, ...]) -> Package:
    """The package with one of its kernels, asked for some variables."""
    text = SPEC.format(names=list(names), N=N, delta_mu=DELTA_MU, injection=INJECTION, kernel=kernel)
    task = make_task(replace(models.parse(text), variables=names))
    plan = make_plan(task, xla.kind_of_cpu())
    ((size, batch),) = plan.batch.items()
    shared, free = jax.tree.map(jnp.asarray, (task.shared(size), {"_": np.zeros(1)}))
    run = batch_by_batch(task.evaluate, task.sequential)
    rows = plan.rows(batch, 1) if kernel == "chain" else 1
    shape = (rows, batch)

    def call(mu_bar, gamma):
        points = {"mu_bar": mu_bar.reshape(shape), "gamma": gamma.reshape(shape), "_": np.zeros(shape)}
        return run(points, rows, free, shared)

    example = {name: np.full(shape, 0.5) for name in ("mu_bar", "gamma", "_")}
    start = time.perf_counter()
    compiled = run.lower(example, rows, free, shared).compile()
    seconds = time.perf_counter() - start
    kept = compiled.memory_analysis().temp_size_in_bytes / batch / N

    def batches(mu_bar, gamma):
        step, found = rows * batch, []
        for i in range(0, len(mu_bar), step):  # what is found is dropped, as a sweep does once it is written
            part = jax.block_until_ready(call(mu_bar[i : i + step], gamma[i : i + step]))
            found.append([np.ravel(part[name]) for name in LEADS])
        return tuple(np.concatenate(values) for values in zip(*found, strict=True))

    return Package(batches, call, rows * batch, seconds, kept)


def profile_off(N: int) -> float:
    """Largest deviation of potentials, heat and residual from those of limit.c, relative to the largest."""
    run = package(N, "chain", PROFILE)
    rng = np.random.default_rng(N)
    mu_bar, gamma = rng.uniform(-1.9, 1.9, run.points), rng.uniform(0.1, 0.9, run.points)
    some = slice(0, WIDTH * (min(run.points, 320) // WIDTH))
    ours = {name: np.reshape(v, (run.points, -1))[some] for name, v in run.everything(mu_bar, gamma).items()}
    limits = limit_of(_limit_library(), N, "profile", mu_bar[some].copy(), gamma[some].copy())
    off = [np.max(np.abs(ours["residual"])), np.max(np.abs(limits["residual"]))]
    for bias in ("forward", "reverse"):
        x = (ours[f"potential_{bias}"] - mu_bar[some, None]) / DELTA_MU
        other = limits[f"potential_{bias}"] - mu_bar[some, None]
        off.append(np.max(np.abs(x - other)) / np.max(np.abs(other)))
        heat, other = ours[f"heat_{bias}"] * 4 * np.pi / DELTA_MU**2, limits[f"heat_{bias}"]
        off.append(np.max(np.abs(heat - other)) / np.max(np.abs(other)))
    return float(np.max(off))


def tridiagonal(N: int, mu_bar, gamma):
    """Diagonal of w - H - Sigma and Gamma_l, each of shape (points, N). The hopping is 1."""
    root = np.sqrt(4 - mu_bar**2)[:, None]
    site = np.arange(N)
    coupling = np.where((site == 0) | (site == N - 1), 1.0, gamma[:, None])
    return mu_bar[:, None] - coupling**2 / 2 * (mu_bar[:, None] - 1j * root), coupling**2 * root


def numpy_batches(N: int) -> Batch:
    """np.linalg.inv and np.linalg.solve over a batch."""
    site, middle = np.arange(N), slice(1, N - 1)

    def batch(mu_bar, gamma):
        z, Gamma = tridiagonal(N, mu_bar, gamma)
        A = np.zeros((len(mu_bar), N, N), complex)
        A[:, site, site] = z
        A[:, site[:-1], site[1:]] = A[:, site[1:], site[:-1]] = 1.0
        T = np.abs(np.linalg.inv(A)) ** 2 * Gamma[:, :, None] * Gamma[:, None, :]
        T[:, site, site] = 0.0
        system = -T[:, middle, middle]
        system[:, site[:-2], site[:-2]] = T.sum(axis=2)[:, middle]
        signs = np.broadcast_to((-1.0) ** np.arange(N - 2), (len(mu_bar), N - 2))
        biased = (T[:, middle, 0] - T[:, middle, -1]) / 2
        x = np.linalg.solve(system, np.stack([biased, signs], axis=-1))
        from_left = T[:, 0, middle]
        g = T[:, 0, -1] + np.sum(from_left * (0.5 - x[..., 0]), axis=1)
        return g, delta_I(g, np.sum(from_left * x[..., 1], axis=1))

    return batch


def banded_loop(N: int) -> Batch:
    """A loop over points: SciPy's banded solver for G, a dense symmetric one for the potentials."""
    signs, unit = (-1.0) ** np.arange(N - 2), np.eye(N, dtype=complex)

    def point(z, Gamma):
        bands = np.ones((3, N), complex)
        bands[1] = z
        T = np.abs(solve_banded((1, 1), bands, unit)) ** 2 * Gamma[:, None] * Gamma
        np.fill_diagonal(T, 0.0)
        system = np.diag(T.sum(axis=1)[1:-1]) - T[1:-1, 1:-1]
        right = np.stack([(T[1:-1, 0] - T[1:-1, -1]) / 2, signs], axis=1)
        x = solve(system, right, assume_a="pos")
        g = T[0, -1] + T[0, 1:-1] @ (0.5 - x[:, 0])
        return g, T[0, 1:-1] @ x[:, 1]

    def batch(mu_bar, gamma):
        g, r = np.transpose([point(*row) for row in zip(*tridiagonal(N, mu_bar, gamma), strict=True)])
        return g, delta_I(g, r)

    return batch


POINTER = ctypes.POINTER(ctypes.c_double)


class Found(ctypes.Structure):
    """Results of limit.c: numbers of every point, and at the end those of every point and site."""

    OF_POINTS = ("g", "r", "sharpness", "residual", "highest", "lowest")
    OF_SITES = ("potential_forward", "potential_reverse", "heat_forward", "heat_reverse")
    _fields_ = [(name, POINTER) for name in (*OF_POINTS, *OF_SITES)]


def limit(N: int, how: str) -> Batch | None:
    """limit.c, if there is a compiler; `how` is the name of one of its functions."""
    if (library := _limit_library()) is None:
        return None

    most = WIDTH * max(1, 2**18 // N // WIDTH)  # points whose results are kept at once
    found = _room(N, most, how)

    def batch(mu_bar, gamma):
        parts = []
        for i in range(0, len(mu_bar), most):
            some = slice(i, i + most)
            _compute(library, N, how, mu_bar[some], gamma[some], found)
            count = len(mu_bar[some])
            parts.append((found["g"][:count].copy(), delta_I(found["g"][:count], found["r"][:count])))
        return tuple(np.concatenate(values) for values in zip(*parts, strict=True))

    return batch


def limit_of(library: ctypes.CDLL, N: int, how: str, mu_bar, gamma) -> dict[str, np.ndarray]:
    """Everything that a function of limit.c computes."""
    found = _room(N, len(mu_bar), how)
    _compute(library, N, how, mu_bar, gamma, found)
    return found


def _room(N: int, points: int, how: str) -> dict[str, np.ndarray]:
    found = {name: np.empty(points) for name in Found.OF_POINTS}
    return found | {name: np.empty((points, N if how == "profile" else 0)) for name in Found.OF_SITES}


def _compute(library: ctypes.CDLL, N: int, how: str, mu_bar, gamma, found: dict[str, np.ndarray]) -> None:
    strength, scratch = np.zeros(N), np.empty(KEPT * WIDTH * N)
    strength[1:-1] = (-1.0) ** np.arange(N - 2)
    pointer = lambda array: array.ctypes.data_as(POINTER)
    arrays = map(pointer, (mu_bar, gamma, strength, scratch))
    numbers = (ctypes.c_long(len(mu_bar)), ctypes.c_long(N), ctypes.c_double(INJECTION))
    getattr(library, how)(*numbers, *arrays, ctypes.byref(Found(*map(pointer, found.values()))))


@functools.cache
def _limit_library() -> ctypes.CDLL | None:
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    source = Path(__file__).with_name("limit.c")
    flags = ["-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC"]
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "limit.so"
        subprocess.run([compiler, *flags, "-o", library, source, "-lm"], check=True)
        return ctypes.CDLL(str(library))
